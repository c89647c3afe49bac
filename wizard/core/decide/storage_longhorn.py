"""Rules for Longhorn: a copy on each hypervisor, on a disk that etcd does not write to, with room, guests and backups."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wizard.core.decide.layout_disks import host_disks, named_disk, on_array, vm_dir
from wizard.core.decide.storage_data import Requirement
from wizard.core.decide.storage_hosts import (
    GB,
    SIZES_SOLD,
    Device,
    Home,
    Seen,
    content_text,
    disk_text,
    empty,
    gib_text,
    names,
    raw_disks,
    size_text,
    storage_device,
    unknown,
    usable,
)
from wizard.core.facts import GIB, Disk, Filesystem, HostFacts
from wizard.core.spec.model import HostSpec, StorageSpec

BOOT = {"/", "/boot", "/boot/efi"}
"""Mount points of disks a host cannot do without."""

ETCD_ROOM = 20 * GB
"""Bytes free where etcd's guest may be moved to: its disk in the example layout (domain.md 2.4: 8 GiB at the most)."""


def zones(home: Home, need: Requirement) -> Iterator[Seen]:
    """Each hypervisor is a zone."""
    able = [host.name for host in home.spec.hypervisors]
    met = len(able) >= need.numbers["zones"]
    yield Seen(met, f"{len(able)} ({names(able)})", do="" if met else "A second hypervisor")


def copies(home: Home) -> int:
    """Of each volume: what the spec says where it says longhorn, else what Longhorn would be given."""
    storage = home.spec.storage
    return storage.replicas if storage.kind == "longhorn" else StorageSpec().replicas


def replicas(home: Home, need: Requirement) -> Iterator[Seen]:
    """Enough to lose one, and not more than there are hypervisors."""
    wanted, able = copies(home), len(home.spec.hypervisors)
    if wanted > able:
        yield Seen(False, f"{wanted} copies, {able} hypervisors", do=f"Write storage.replicas: {able}")
    elif wanted < need.numbers["replicas"]:
        found = f"{wanted} copy: a volume stops with its hypervisor and is lost with its disk"
        yield Seen(False, found, do="Write storage.replicas: 2", level="should")
    else:
        yield Seen(True, f"{wanted} copies, {able} hypervisors")


# --- the device -----------------------------------------------------------------------------------------------


def own_device(home: Home, need: Requirement) -> Iterator[Seen]:
    """The device of each hypervisor and the one below etcd's guest, compared as physical disks."""
    least = need.numbers["gigabytes"] * GB
    for host, facts in home.looks():
        if facts is None:
            yield unknown(host.name)
        elif host.storage_disk and named_disk(host.storage_disk, facts) is None:
            do = f"On {host.name}: ls -l /dev/disk/by-id   (and compare with: wizard facts {host.name})"
            found = f"no disk that was seen shows the serial number in {host.storage_disk}"
            yield Seen(None, found, host.name, do)
        else:
            yield _device(home, host, facts, least)


def _device(home: Home, host: HostSpec, facts: HostFacts, least: float) -> Seen:
    device, etcd = storage_device(host, facts, least), host_disks(host, facts).etcd
    if device is None:
        if raw_disks(facts, least) is None:
            return Seen(
                None, "it is not known whether a disk is free: lsblk or the disks are missing", host.name
            )
        return Seen(
            False, f"no free disk; {_taken(host, facts, least)}", host.name, ways_out(home, host, facts)
        )
    told = disk_text(device.disk)
    if not etcd:
        return _etcd_unknown(host, facts, told)
    if device.disk in etcd:
        found = f"{told} is the disk etcd writes to ({etcd_folder(host, facts)})"
        return Seen(False, found, host.name, ways_out(home, host, facts))
    apart = f"{told}; etcd writes to {names([one.name for one in etcd])}"
    if device.shared:
        found = f"beside the guests on {apart}"
        return Seen(False, found, host.name, ways_out(home, host, facts), "should")
    if device.disk.all_mounts:
        found = f"{told} is in use: mounted on {device.disk.all_mounts[0]}"
        return Seen(False, found, host.name, ways_out(home, host, facts))
    return Seen(True, apart, host.name)


def etcd_folder(host: HostSpec, facts: HostFacts) -> str:
    """Where the disk of etcd's guest lies on a hypervisor."""
    return host.etcd_dir or vm_dir(host, facts)


def _taken(host: HostSpec, facts: HostFacts, least: float) -> str:
    etcd, told = host_disks(host, facts).etcd, []
    for disk in facts.disks:
        if usable(disk, least):
            below = f", and etcd would write to it ({etcd_folder(host, facts)})" if disk in etcd else ""
            told.append(f"{disk.name} has {content_text(disk)}{below}")
    return "; ".join(told) or f"there is none of {size_text(least)} or more"


def _etcd_unknown(host: HostSpec, facts: HostFacts, disk: str) -> Seen:
    folder = etcd_folder(host, facts)
    found = f"{disk} is there, but which disk carries {folder} is not known"
    do = f"Name a folder on an SSD pool as vm_dir of {host.name}: /mnt/POOL/domains"
    return Seen(None, found, host.name, do if on_array(folder) else f"wizard facts {host.name}")


def ways_out(home: Home, host: HostSpec, facts: HostFacts) -> str:
    """What to take, to move, to free or to buy, so that a hypervisor has a device for volumes."""
    least = home.number("longhorn.device", "gigabytes") * GB
    disks = host_disks(host, facts)
    spare = [disk for disk in raw_disks(facts, least) or () if disk not in disks.etcd]
    if spare:
        return f"Take {disk_text(spare[0])}, which is free: {_spec_line(spare[0])}"
    kept = {disk.name for disk in (*disks.etcd, *disks.system, *disks.guests)}
    others = [disk for disk in facts.disks if usable(disk, least) and disk.name not in kept]
    ways = [f"free {_freed(disk)}" for disk in others if not BOOT & set(disk.all_mounts)]
    elsewhere = _elsewhere(facts, disks.etcd)
    if elsewhere and not host.storage_disk and not host.etcd_dir:
        place = f"a folder below {elsewhere.mount}, on {names(list(elsewhere.disks))}"
        ways.append(f"move etcd (etcd_dir: {place}), and the volumes lie beside the guests")
    ways.append(f"buy an SSD of {size_text(size_to_buy(home))} or more for {host.name}")
    told = "; or ".join(ways)
    return told[:1].upper() + told[1:]


def _freed(disk: Disk) -> str:
    slow = ", though it rotates" if disk.rotational else ""
    return f"{disk_text(disk)} of {content_text(disk)}{slow}"


def _elsewhere(facts: HostFacts, etcd: tuple[Disk, ...]) -> Filesystem | None:
    """A file system that etcd's guest could move to: on another SSD, with room."""
    slow = {disk.name for disk in facts.disks if disk.is_sd or disk.rotational} | {disk.name for disk in etcd}
    fitting = [
        fs
        for fs in facts.filesystems
        if fs.disks and not slow & set(fs.disks) and not fs.read_only and (fs.free or 0) >= ETCD_ROOM
    ]
    return max(fitting, key=lambda fs: fs.free or 0, default=None)


def _spec_line(disk: Disk) -> str:
    tail = disk.serial.replace(" ", "_") if disk.serial else disk.name
    return f"storage_disk: /dev/disk/by-id/... (the name that ends in {tail})"


# --- what the device is like ----------------------------------------------------------------------------------

Judge = Callable[[HostSpec, Device], Seen]


def _devices(home: Home, need: Requirement, judge: Judge) -> Iterator[Seen]:
    """A row for each hypervisor that has a device; that there is none is told once, by `own_device`."""
    for host, facts in home.looks():
        if facts is None:
            yield unknown(host.name)
            continue
        device = storage_device(host, facts, need.numbers["gigabytes"] * GB)
        if device is not None:
            yield judge(host, device)


def named(home: Home, need: Requirement) -> Iterator[Seen]:
    """The device is named by something that stays the same."""

    def judge(host: HostSpec, device: Device) -> Seen:
        if device.shared:
            return Seen(True, "none is named: a file in the guests' folder", host.name)
        disk = device.disk
        if host.storage_disk is None:
            return Seen(False, f"not named; {disk.name} would do", host.name, f"Write {_spec_line(disk)}")
        stable = host.storage_disk.startswith("/dev/disk/")
        return Seen(stable, host.storage_disk, host.name, "" if stable else f"Write {_spec_line(disk)}")

    return _devices(home, need, judge)


def flash(home: Home, need: Requirement) -> Iterator[Seen]:
    """The device does not rotate."""

    def judge(host: HostSpec, device: Device) -> Seen:
        disk = device.disk
        if disk.rotational is None:
            return Seen(None, f"whether {disk.name} rotates is not known", host.name)
        if disk.rotational:
            do = f"An SSD of {size_text(size_to_buy(home))} or more in its place"
            return Seen(False, f"{disk.name} rotates", host.name, do)
        return Seen(True, f"{disk.name} is an SSD", host.name)

    return _devices(home, need, judge)


def unused(home: Home, need: Requirement) -> Iterator[Seen]:
    """It is empty, or this cluster has it already as far as the host's marker tells."""

    def judge(host: HostSpec, device: Device) -> Seen:
        facts, disk = home.facts[host.name], device.disk
        blank = empty(facts, disk)
        if device.shared:
            return Seen(True, "a file beside the guests' disks: nothing is wiped", host.name)
        if blank is None:
            return Seen(None, f"whether {disk.name} is empty is not known: there is no lsblk", host.name)
        if blank:
            return Seen(True, f"{disk.name} is empty", host.name)
        found = f"{disk.name} has {content_text(disk)}"
        if facts.marker and facts.marker.name == home.spec.name and not disk.all_mounts:
            return Seen(True, f"{found}; the host belongs to this cluster", host.name)
        do = f"Copy away what you need from {disk_text(disk)}: what is on it would be lost"
        return Seen(False, found, host.name, do)

    return _devices(home, need, judge)


def room(home: Home, need: Requirement) -> Iterator[Seen]:
    """Every volume fits, with what Longhorn keeps back."""
    wanted, volumes = bytes_needed(home), sum(app.size or 0 for app in home.spec.apps)

    def judge(host: HostSpec, device: Device) -> Seen:
        size = _size(host, home.facts[host.name], device)
        if size is None:
            return Seen(None, f"the size of {device.disk.name} is not known", host.name)
        if not volumes:
            return Seen(True, f"{size_text(size)}; no app says how much it needs", host.name)
        told = f"{size_text(size)}; the copies of {size_text(volumes)} of volumes need {size_text(wanted)}"
        met = size >= wanted
        do = f"An SSD of {size_text(size_to_buy(home))} or more, or smaller volumes"
        return Seen(met, told, host.name, "" if met else do)

    return _devices(home, need, judge)


def _size(host: HostSpec, facts: HostFacts, device: Device) -> int | None:
    """Bytes: of the disk, or what is free in the guests' folder."""
    if not device.shared:
        return device.disk.size
    found = facts.filesystem(vm_dir(host, facts))
    return found.free if found else None


def bytes_needed(home: Home) -> float:
    """Bytes each hypervisor gives to volumes: its share of every copy, and what Longhorn reserves and keeps free."""
    kept = home.number("longhorn.room", "reserved") + home.number("longhorn.room", "free")
    volumes = sum(app.size or 0 for app in home.spec.apps)
    share = volumes * copies(home) / max(1, len(home.spec.hypervisors))
    return share / (1 - kept / 100)


def size_to_buy(home: Home) -> float:
    """Bytes of the smallest disk that is sold and carries the volumes twice over: they grow, and so do snapshots."""
    wanted = 2 * bytes_needed(home)
    return next((size for size in SIZES_SOLD if size * GB >= wanted), SIZES_SOLD[-1]) * GB


# --- what stands around it ------------------------------------------------------------------------------------


def storage_guests(home: Home, need: Requirement) -> Iterator[Seen]:
    """The storage guest each hypervisor has in the spec, or has room for where the wizard is to propose it."""
    for host, facts in home.looks():
        guests = [one for one in home.spec.machines if one.host == host.name and one.role == "storage"]
        if guests:
            cpus, memory = guests[0].cpus, guests[0].memory
            met = cpus >= need.numbers["cpus"] and memory >= need.numbers["memory"] * GIB
            found = f"{guests[0].name}: {cpus} processor{'s' if cpus != 1 else ''}, {gib_text(memory)}"
            yield Seen(met, found, host.name, "" if met else f"Give {guests[0].name} more under machines")
        elif home.spec.machines or not home.spec.propose:
            do = "Add a machine with role: storage, or leave out machines (wizard layout proposes them)"
            yield Seen(False, "the spec names machines, and no storage guest here", host.name, do)
        else:
            yield _has_room(host.name, facts, need) if facts else unknown(host.name)


def _has_room(host: str, facts: HostFacts, need: Requirement) -> Seen:
    total, threads = facts.memory.total, facts.cpu.threads
    if total is None or threads is None:
        return Seen(None, "its memory or its processors are not known", host)
    wanted = (need.numbers["memory"] + need.numbers["beside"]) * GIB
    met = total >= wanted and threads >= need.numbers["cpus"]
    found = f"{gib_text(total)} of memory and {threads} threads for a guest the wizard proposes"
    return Seen(
        met, found, host, "" if met else f"{gib_text(wanted)} of memory in {host}, or a smaller guest"
    )


def backup_target(home: Home, _need: Requirement) -> Iterator[Seen]:
    """Where volume backups go."""
    target = home.spec.storage.backup_target
    yield Seen(
        target is not None, target or "none is named", do="" if target else "Write storage.backup_target"
    )
