"""Unraid's own facts: array, pools, VM and docker service."""

from __future__ import annotations

from steps.parse.mounts import Mount
from steps.parse.sections import Sections
from steps.parse.values import pairs, truth
from wizard.core.facts import Filesystem, Pool, Unraid


def unraid(
    sections: Sections, mounts: tuple[Mount, ...], filesystems: tuple[Filesystem, ...]
) -> Unraid | None:
    """What only Unraid has; None on anything else.

    Args:
        sections: the facts script's answer.
        mounts: the mount table.
        filesystems: space, for the pools.
    """
    if "file /etc/unraid-version" not in sections:
        return None
    domain = pairs(sections.file("/boot/config/domain.cfg"))
    array = pairs(sections.file("/var/local/emhttp/var.ini"))
    mounted = {mount.path: mount for mount in mounts}
    return Unraid(
        version=pairs(sections.file("/etc/unraid-version")).get("version", ""),
        array_state=_array_state(array, sections),
        array_autostart=_first_truth(
            pairs(sections.file("/boot/config/disk.cfg")).get("startArray"), array.get("startArray")
        ),
        vm_service=truth(domain["SERVICE"]) if "SERVICE" in domain else None,
        libvirt_image_mounted="/etc/libvirt" in mounted if mounts else None,
        docker_enabled=_first_truth(
            pairs(sections.file("/boot/config/docker.cfg")).get("DOCKER_ENABLED"), None
        ),
        user_shares="/mnt/user" in mounted if mounts else None,
        pools=tuple(_pool(name, mounted, filesystems) for name in _pool_names(sections)),
        bridge=domain.get("BRNAME", ""),
    )


def _array_state(array: dict[str, str], sections: Sections) -> str:
    """`mdState` of emhttp, or of the array driver itself where the web interface is not up."""
    return array.get("mdState") or pairs(sections.file("/proc/mdstat")).get("mdState", "")


def _first_truth(*values: str | None) -> bool | None:
    return next((truth(value) for value in values if value is not None), None)


def _pool_names(sections: Sections) -> list[str]:
    lines = [line for line in sections.lines("services") if line.startswith("pool ")]
    return [line.rpartition("/")[2].removesuffix(".cfg") for line in lines]


def _pool(name: str, mounted: dict[str, Mount], filesystems: tuple[Filesystem, ...]) -> Pool:
    path = f"/mnt/{name}"
    space = next((found for found in filesystems if found.mount == path), Filesystem(path))
    return Pool(
        name,
        mounted[path].fstype if path in mounted else "",
        space.size,
        space.free,
        mounted=path in mounted,
    )
