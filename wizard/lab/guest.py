"""The root file system of LXC guests: a stock Debian, and beside it what a container needs to pass for a machine."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
from pathlib import Path

from wizard.core.resources import asset_names, asset_text
from wizard.lab import images
from wizard.lab.artifacts import Recipe
from wizard.lab.docker import LABEL, docker, try_docker
from wizard.lab.images import Say

HOME = "usr/lib/homelab-lab"
"""Where the equipment lies, in guests as in hosts."""

_SHARED = ("timedatectl",)
"""Stand-ins that guests have of the hosts."""

_DOCKERS_OWN = ("dev", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab")
"""What Docker lays into a container and an export shows: not the root's."""


def recipe() -> Recipe:
    """How the root of LXC guests is made."""
    inputs = (
        images.tag("guest"),
        *(f"{name} {text}" for name, text in _equipment().items()),
        preparation("lxc"),
        *_FILES,
    )
    return Recipe(
        name="lxc-guest-root",
        file="lxc-guest-root.tar.gz",
        inputs=inputs,
        costs="a Debian 13 as in a cloud image (1-2 min, 20 s where its packages lie in the cache)",
        build=_build,
    )


def _equipment() -> dict[str, str]:
    """Every file of the lab in a guest, by its path under HOME."""
    files = {
        "init": asset_text("lab/guest/init.sh"),
        "describe": asset_text("lab/guest/describe.sh"),
        "disks.sh": asset_text("lab/host/disks.sh"),
    }
    for tool in asset_names("lab/guest/equipment", ".sh"):
        files[f"bin/{tool}"] = asset_text(f"lab/guest/equipment/{tool}.sh")
    for tool in _SHARED:
        files[f"bin/{tool}"] = asset_text(f"lab/host/equipment/{tool}.sh")
    return files


_FILES = {
    "etc/hostname": "localhost\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
}
"""What stands in the place of Docker's own."""


def _build(out: Path, say: Say) -> None:
    root = out.with_name(f"{out.name}.tar")
    try:
        build_root("guest", preparation("lxc"), _equipment_tar(), root, say)
        with (
            root.open("rb") as plain,
            out.open("wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=1) as packed,
        ):
            shutil.copyfileobj(plain, packed, 1 << 20)
    finally:
        root.unlink(missing_ok=True)


def preparation(kind: str) -> str:
    """The script that makes an installed Debian the root of a guest.

    Args:
        kind: `lxc` or `vm`.
    """
    return asset_text("lab/guest/common.sh") + asset_text(f"lab/guest/{kind}.sh")


def build_root(kind: str, script: str, equipment: bytes, out: Path, say: Say) -> None:
    """A Debian with its equipment, prepared in a container, as a tar.

    Args:
        kind: of the image, as in `images.tag`.
        script: runs inside, on stdin of a shell.
        equipment: tar of what is laid in before; empty = nothing.
        out: the tar to write.
        say: tells a person what is being waited for.

    Raises:
        LabError: the image could not be made or the script failed.
    """
    images.ensure_one(kind, say)
    name = f"{images.REPOSITORY}-{kind}-{os.getpid()}"
    exported = out.with_name(f"{out.name}.export")
    options = ["--network", "none", "--security-opt", "seccomp=unconfined", "--label", f"{LABEL}=image"]
    try:
        docker("create", "-i", "--name", name, *options, images.tag(kind), "/bin/sh", "-s")
        if equipment:
            docker("cp", "-", f"{name}:/", given=equipment)
        docker("start", "-ai", name, given=script.encode(), timeout=300)
        docker("export", "-o", str(exported), name, timeout=300)
        clean(exported, out)
    finally:
        try_docker("rm", "-f", name)
        exported.unlink(missing_ok=True)


def _equipment_tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, text in _equipment().items():
            _add(tar, f"{HOME}/{name}", text, 0o755)
    return made.getvalue()


def _add(tar: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def clean(exported: Path, out: Path) -> None:
    """Turn the export of a container into the root of a machine.

    Args:
        exported: tar as `docker export` writes it.
        out: the tar to write.
    """
    with tarfile.open(exported) as source, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in source:
            if not _dockers_own(entry.name):
                tar.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
        _add_own(tar)


def _dockers_own(name: str) -> bool:
    return any(name == own or name.startswith(f"{own}/") for own in _DOCKERS_OWN)


def _add_own(tar: tarfile.TarFile) -> None:
    folder = tarfile.TarInfo("dev")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(folder)
    for name, text in _FILES.items():
        _add(tar, name, text, 0o644)
    for name, target in (
        ("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"),
        ("etc/mtab", "/proc/mounts"),
    ):
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, target
        tar.addfile(link)
