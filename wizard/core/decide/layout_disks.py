"""Which physical devices of a host its machines, its copies of volumes and etcd's data lie on."""

from __future__ import annotations

import re

from wizard.core.dataclass import dataclass
from wizard.core.facts import Disk, HostFacts
from wizard.core.spec.model import HostSpec

LIBVIRT_DIR = "/var/lib/libvirt/images"
"""Where guests lie unless the spec names a folder: libvirt's default pool."""
UNRAID_DIR = "/mnt/user/domains"
"""As above on an Unraid without a pool (domain.md 11: DOMAINDIR); it may lie on the parity array, behind FUSE."""
ETCD_DIR = "/var/lib/etcd"
"""etcd's data on the witness unless the spec names a folder."""
_PARITY = re.compile(r"/mnt/(user0?|disk\d+)(/|$)")
"""Paths of Unraid's array and its merged view: behind them is no one device."""


@dataclass(frozen=True, slots=True)
class HostDisks:
    """The devices of one host by what would be lost with them; empty = not known."""

    guests: tuple[Disk, ...] = ()
    """The disks of its guests."""
    etcd: tuple[Disk, ...] = ()
    """etcd's data: its guest's, or the witness's own."""
    storage: tuple[Disk, ...] = ()
    """The copies of volumes."""
    system: tuple[Disk, ...] = ()
    """The host itself."""
    containers: tuple[Disk, ...] = ()
    """Docker's data, and so the name server."""


def vm_dir(host: HostSpec, facts: HostFacts | None) -> str:
    """The folder of a hypervisor's guests: as the spec says, on Unraid the first pool of SSDs, else libvirt's own."""
    if host.vm_dir:
        return host.vm_dir.rstrip("/")
    if facts is None or facts.unraid is None:
        return LIBVIRT_DIR
    pools = [f"/mnt/{pool.name}" for pool in facts.unraid.pools if pool.mounted]
    fast = [path for path in pools if is_fast(facts, path)]
    return f"{(fast or pools)[0]}/domains" if pools else UNRAID_DIR


def is_fast(facts: HostFacts, path: str) -> bool:
    """Whether nothing below a path is known to rotate."""
    disks = facts.disks_under(path)
    return bool(disks) and not any(disk.rotational for disk in disks)


def host_disks(host: HostSpec, facts: HostFacts | None) -> HostDisks:
    """Where everything of a host lies, as far as its facts tell.

    Args:
        host: of the spec.
        facts: of it; None = it did not answer.
    """
    if facts is None:
        return HostDisks()
    system = facts.disks_under("/") or tuple(disk for disk in facts.disks if disk.name == facts.root_device)
    if host.role == "witness":
        return HostDisks(etcd=facts.disks_under(host.etcd_dir or ETCD_DIR), system=system)
    guests = facts.disks_under(vm_dir(host, facts))
    in_folders = (
        host.guests == "lxc"
    )  # its guests are folders: they are given neither devices nor other folders
    etcd = facts.disks_under(host.etcd_dir) if host.etcd_dir and not in_folders else guests
    named = named_disk(host.storage_disk, facts)
    storage = guests if in_folders or not host.storage_disk else (named,) if named else ()
    return HostDisks(guests, etcd, storage, system, facts.disks_under("/var/lib/docker"))


def named_disk(path: str | None, facts: HostFacts) -> Disk | None:
    """The disk a path of the spec means: `/dev/nvme0n1`, or a link in by-id, known by the serial in its name.

    Args:
        path: as `storage_disk` in the spec.
        facts: of the host.
    """
    if not path:
        return None
    name = path.rpartition("/")[2]
    if found := facts.disk(name):
        return found
    long_enough = 4  # a serial as short as that of an emulated disk is no proof
    return next((one for one in facts.disks if len(one.serial) >= long_enough and one.serial in name), None)


def survives_one(disks: tuple[Disk, ...]) -> bool:
    """Whether what lies on these devices outlives any one of them: they are members of one RAID 1, 5, 6 or 10."""
    sets = [{one.name for one in disk.volumes if one.kind in _REDUNDANT} for disk in disks]
    return len(disks) > 1 and bool(set.intersection(*sets))


_REDUNDANT = ("raid1", "raid4", "raid5", "raid6", "raid10")


def on_array(path: str) -> bool:
    """Whether a path of an Unraid host lies behind its parity array or the merged view of its shares."""
    return _PARITY.match(path) is not None


def disk_words(disk: Disk) -> str:
    """A disk as people know it: `nvme0n1 (WD Red SN700 1000GB, serial 22301L800123)`."""
    about = ", ".join(part for part in (disk.model, f"serial {disk.serial}" if disk.serial else "") if part)
    return f"{disk.name} ({about})" if about else disk.name
