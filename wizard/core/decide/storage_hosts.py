"""What of a host matters to storage: which disk is meant, which is free, which one etcd writes to, how fast the LAN is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wizard.core.dataclass import dataclass
from wizard.core.decide.layout_disks import host_disks, named_disk
from wizard.core.decide.storage_data import Candidate, Level
from wizard.core.facts import GIB, Disk, Filesystem, HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec

GB = 10**9
"""Bytes in a GB as printed on a disk."""

SIZES_SOLD = (250, 500, 1000, 2000, 4000, 8000, 16000)
"""GB that SSDs are sold with."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found: the judgement half of a reason."""

    met: bool | None
    """None = not known."""
    found: str
    host: str = ""
    do: str = ""
    """What to do where it is not met."""
    level: Level | None = None
    """Another one than the requirement's, where it is met in part."""


@dataclass(frozen=True, slots=True)
class Home:
    """What is wanted, what is known of the hosts, and the candidate that is looked at."""

    spec: ClusterSpec
    facts: Mapping[str, HostFacts]
    """By the host's name; a host that could not be asked is not in it."""
    candidate: Candidate

    def looks(self) -> Iterator[tuple[HostSpec, HostFacts | None]]:
        """Each hypervisor with its facts, or None where it could not be asked."""
        return ((host, self.facts.get(host.name)) for host in self.spec.hypervisors)

    def number(self, requirement: str, name: str) -> float:
        """A number of another requirement of the same candidate."""
        found = next(one for one in self.candidate.requirements if one.id == requirement)
        return found.numbers[name]


def unknown(host: str) -> Seen:
    """Of a host that could not be asked nothing is taken for granted."""
    return Seen(
        None, "not known, the host could not be asked", host, f"Reach it, then run: wizard facts {host}"
    )


def names(words: Sequence[str], nothing: str = "none") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words or [nothing]
    return f"{', '.join(first)} and {last}" if first else last


def size_text(size: float | None) -> str:
    """Decimal units, as they are printed on the disk."""
    if size is None:
        return "size unknown"
    value, unit = (size / 1000 / GB, "TB") if size >= 1000 * GB else (size / GB, "GB")
    digits = 0 if value == round(value) or value >= 10 else 1  # noqa: PLR2004 - one decimal where it means something
    return f"{value:.{digits}f} {unit}"


def gib_text(size: float) -> str:
    """Binary units, as memory is told."""
    return f"{size / GIB:.1f} GiB"


def disk_text(disk: Disk) -> str:
    """A disk as a person finds it: kernel name, model, serial number and size."""
    parts = [disk.model or "model unknown", f"serial {disk.serial}" if disk.serial else "no serial"]
    return f"{disk.name} ({', '.join((*parts, size_text(disk.size)))})"


def content_text(disk: Disk) -> str:
    """What is on a disk: file systems and where they are mounted."""
    on_it = [(disk.fstype, disk.mounts), *((volume.fstype, volume.mounts) for volume in disk.volumes)]
    told = [f"{kind} on {at[0]}" if kind and at else kind or at[0] for kind, at in on_it if kind or at]
    return names(list(dict.fromkeys(told))[:3], "partitions without a file system")


def empty(facts: HostFacts, disk: Disk) -> bool | None:
    """Nothing is on it; None where nobody could tell: only lsblk (blkid) reads the labels of unmounted file systems."""
    if not disk.empty:
        return False
    return True if "lsblk" in facts.tools else None


def usable(disk: Disk, least: float) -> bool:
    """It could carry volumes at all: built in, writable, large enough (`least` in bytes)."""
    barred = disk.is_sd or disk.removable or disk.read_only
    return not barred and disk.size is not None and disk.size >= least


def raw_disks(facts: HostFacts, least: float) -> tuple[Disk, ...] | None:
    """The disks that could be given away as they are, best first: SSDs before others, larger before smaller.

    Args:
        facts: of the host.
        least: bytes.

    Returns:
        None where it cannot be told whether a disk is empty.
    """
    fitting = [disk for disk in facts.disks if usable(disk, least)]
    verdicts = {disk.name: empty(facts, disk) for disk in fitting}
    raw = [disk for disk in fitting if verdicts[disk.name]]
    if not raw and (not facts.disks or None in verdicts.values()):
        return None
    return tuple(sorted(raw, key=lambda disk: (disk.rotational is not False, -(disk.size or 0), disk.name)))


@dataclass(frozen=True, slots=True)
class Device:
    """The physical disk the volumes of a hypervisor would lie on."""

    disk: Disk
    shared: bool = False
    """They lie in a file beside the guests' disks: nothing is wiped, and it is not theirs alone."""


def storage_device(host: HostSpec, facts: HostFacts, least: float) -> Device | None:
    """Where volumes would lie: on the disk that is named, the best free one, or beside the guests where etcd is not.

    Returns:
        None where there is no such disk, or the one that is named was not seen.
    """
    if host.storage_disk:
        named = named_disk(host.storage_disk, facts)
        return Device(named) if named else None
    disks = host_disks(host, facts)
    spare = [disk for disk in raw_disks(facts, least) or () if disk not in disks.etcd]
    if spare:
        return Device(spare[0])
    apart = disks.etcd and not set(disks.etcd) & set(disks.guests)
    return Device(disks.guests[0], shared=True) if apart and disks.guests else None


def lan_mbit(facts: HostFacts) -> int | None:
    """Mbit/s of the network card the LAN is reached by; None = not to be told.

    A bridge's own speed means nothing: the cards that are part of it count.
    """
    route = facts.default_route
    way = facts.nic(route.nic) if route else None
    if way is None:
        return None
    cards = [nic for nic in facts.nics if nic.master == way.name and nic.kind in ("ethernet", "bond")]
    speeds = [nic.speed_mbit for nic in cards if nic.speed_mbit]
    if way.kind == "bridge":
        return max(speeds, default=None)
    return way.speed_mbit


def second_card(facts: HostFacts) -> str:
    """A wired network card with a link that the LAN does not use; empty = there is none."""
    route = facts.default_route
    used = {route.nic} if route else set()
    spare = [nic.name for nic in facts.nics if nic.kind == "ethernet" and nic.state == "up"]
    return next((name for name in spare if name not in used and not _serves(facts, name, used)), "")


def _serves(facts: HostFacts, name: str, used: set[str]) -> bool:
    nic = facts.nic(name)
    return nic is not None and nic.master in used


def wide_filesystem(facts: HostFacts) -> Filesystem | None:
    """The local, writable file system with the most room that is not on an SD card."""
    cards = {disk.name for disk in facts.disks if disk.is_sd}
    fitting = [
        fs
        for fs in facts.filesystems
        if fs.free and fs.disks and not fs.read_only and not cards & set(fs.disks)
    ]
    return max(fitting, key=lambda fs: fs.free or 0, default=None)
