"""What must hold on a hypervisor before guests are made on it: what is wanted and what is there in, finding out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from steps.hypervisor_checks import virtualisation
from steps.machine_plan import Place, driver_of, family
from steps.parse.guest_details import ImageFile
from wizard.core.check import Finding, Level, failed, passed, skipped, warned
from wizard.core.dataclass import dataclass
from wizard.core.decide.layout_disks import UNRAID_DIR, is_fast, on_array
from wizard.core.facts import GIB, Filesystem
from wizard.payload.guests import GuestPlan

HOST_MEMORY = 1 * GIB
"""Bytes left to the hypervisor itself."""

BASE_BYTES = 1 * GIB
"""What a base image takes at most (the catalog's limit of its download)."""

IN_MEMORY = ("rootfs", "tmpfs", "ramfs", "overlay")
"""File systems that are gone after a reboot: the root of Unraid is one."""

Test = Callable[[Place, str], Finding]
"""The hypervisor, and `ssh user@address` to begin a fix with."""


@dataclass(frozen=True, slots=True)
class PlaceCheck:
    """A check of one hypervisor as data; `{host}` in the title is its name."""

    id: str
    title: str
    test: Test
    level: Level = Level.FATAL


def libvirt(place: Place, ssh: str) -> Finding:
    """It answers for the driver guests are run by, and its tools are there."""
    host, driver = place.host.name, place.driver
    if not place.seen.answers:
        return failed(
            f"libvirt on {host} does not answer for {family(driver)} guests.",
            evidence=place.seen.complaint or "no answer",
            cause="It is stopped, or its driver is not installed.",
            fix=f"{ssh} virsh -c {'lxc:///' if driver == 'lxc' else 'qemu:///system'} list --all",
        )
    if driver != "lxc" and "qemu-img" not in place.facts.tools:
        return failed(
            f"{host} has no qemu-img.",
            evidence="not on the PATH",
            cause="Its package is not installed.",
            fix=f"{ssh} apt-get install --yes qemu-utils",
        )
    return passed(f"libvirt answers for {family(driver)} guests.")


def driver(place: Place, ssh: str) -> Finding:
    """Guests run at hardware speed, or the spec says that they need not."""
    if driver_of(place.host, place.facts) == "kvm" and place.facts.virtualisation.kvm is not False:
        return passed("Guests are run by KVM.")
    if place.host.guests not in ("auto", "kvm"):
        return passed(f"Guests are {place.host.guests}, as the spec says.")
    found = virtualisation(place.facts, place.host, ssh)
    slow = f"or, for trying only, many times slower: write `guests: qemu` under {place.host.name} in the spec"
    return replace(found, fix=f"{found.fix}\n{slow}")


def bridge(place: Place, ssh: str) -> Finding:
    """What guests hang on is there; a card they share keeps them and their host apart."""
    if not place.plans:
        return passed("No guests are wanted here.")
    wanted = place.plans[0].attachment
    nic = place.facts.nic(wanted.source)
    if nic is None or (wanted.kind == "bridge" and nic.kind != "bridge"):
        names = ", ".join(f"{one.name} ({one.kind})" for one in place.facts.nics if one.kind != "loopback")
        return failed(
            f"{place.host.name} has no bridge {wanted.source} for its guests.",
            evidence=names,
            cause="It was never made, or has another name.",
            fix=f"{ssh} ip -brief link show type bridge",
        )
    if wanted.kind == "bridge":
        return passed(f"Guests hang on {wanted.source}.")
    if nic.kind == "wifi":
        return failed(
            f"{place.host.name} reaches the LAN by Wi-Fi: guests cannot share that.",
            evidence=f"{nic.name}: {nic.kind}",
            cause="An access point takes frames of one MAC address only.",
            fix="Connect it by cable, then run: wizard plan",
        )
    return warned(
        f"Guests of {place.host.name} share its card {wanted.source}: they and {place.host.name} cannot reach each other.",
        evidence="no bridge was found; macvtap is used",
        cause="The kernel does not pass frames between a card and the guests that share it. Unraid: "
        "`Host access to custom networks` lifts it.",
        fix="Make a bridge: docs/discovery.md#bridge",
    )


def where(place: Place, ssh: str) -> Finding:
    """Disks of guests lie where they last, and where writing is quick."""
    path, facts = place.vm_dir, place.facts
    found = facts.filesystem(path)
    if facts.unraid and path == UNRAID_DIR and not place.host.vm_dir:
        return failed(
            f"{place.host.name} has no pool for its guests.",
            evidence="no mounted pool was found beside the parity array",
            cause="etcd and databases wait for every write; the parity array is far too slow for them.",
            fix="In Unraid's web interface: Main > Add Pool, with an SSD; or name a folder: vm_dir in the spec",
        )
    if found is not None and found.fstype in IN_MEMORY and facts.unraid:
        return failed(
            f"{path} on {place.host.name} lies in memory: guests would be gone after a reboot.",
            evidence=f"{found.mount}: {found.fstype}",
            cause="The array or pool is not mounted, or vm_dir in the spec is not on one.",
            fix=f"{ssh} df -h {path}",
        )
    if facts.unraid and on_array(path):
        return warned(
            f"{path} on {place.host.name} goes through Unraid's user shares or lies on the parity array.",
            evidence=path,
            cause="Both make every write of etcd wait.",
            fix="Name a folder on an SSD pool in the spec: vm_dir: /mnt/POOL/domains",
        )
    return _speed(place, found)


def _speed(place: Place, found: Filesystem | None) -> Finding:
    disks = place.facts.disks_under(place.vm_dir)
    if disks and not is_fast(place.facts, place.vm_dir):
        slow = next(disk for disk in disks if disk.rotational)
        return warned(
            f"{place.vm_dir} on {place.host.name} lies on a disk that rotates.",
            evidence=f"{slow.name}: {slow.model} {slow.serial}",
            cause="etcd waits for every write to reach the disk.",
            fix="Name a folder on an SSD in the spec: vm_dir",
        )
    return passed(f"Guests lie in {place.vm_dir}{f', on {found.mount}' if found else ''}.")


def storage_disk(place: Place, ssh: str) -> Finding:
    """A disk given to the storage guest is there, and either empty or the one it was given before."""
    path = place.host.storage_disk
    guest = next((plan for plan in place.plans if plan.data and plan.data.device), None)
    if not path or guest is None:
        return passed("No disk of the host is given to a guest.")
    name = path.rsplit("/", 1)[-1]
    found = place.facts.disk(path) or next(
        (disk for disk in place.facts.disks if disk.serial and disk.serial in name), None
    )
    if found is None:
        return skipped(f"What {path} is could not be told. Look with: {ssh} lsblk -f {path}")
    shown = f"{found.name}: {found.model} {found.serial}"
    if found.empty or found.uuid == guest.data_uuid:
        return passed(f"{path} is given to {guest.name}.", evidence=shown)
    holds = ", ".join([found.fstype, *(volume.name for volume in found.volumes)]).strip(", ")
    return failed(
        f"{path} on {place.host.name} is not empty; we format no disk that carries anything.",
        evidence=f"{shown}, holds {holds}",
        cause="It was used before, or storage_disk names the wrong disk.",
        fix=f"Only if nothing on it is needed: {ssh} wipefs --all {path}",
    )


def space(place: Place, ssh: str) -> Finding:
    """Every disk can be filled to its end: what is promised and not yet taken fits into what is free."""
    return room(place, ssh)[0]


def room(place: Place, ssh: str) -> tuple[Finding, int]:
    """As `space`, with the bytes that are missing (0 = none)."""
    seen, host = place.seen, place.host.name
    if seen.free is None:
        return skipped(f"The free space of {place.vm_dir} is not known."), 0
    wanted = sum(_size_here(place, plan) for plan in place.plans)
    base = BASE_BYTES if place.plans and seen.base is None else 0
    taken = sum(file.allocated for plan in place.plans for file in _files(place, plan.name))
    need = max(0, wanted - taken) + base
    numbers = f"promised {_gib(wanted)}, taken {_gib(taken)}, free {_gib(seen.free)} on {seen.mount}"
    if need > seen.free:
        return (
            failed(
                f"The disks of {host}'s guests do not fit: {_gib(need)} more are promised, {_gib(seen.free)} are free.",
                evidence=numbers,
                cause="A guest whose host runs out of space is paused in the middle of a write.",
                fix=f"{ssh} df -h {place.vm_dir}; then free space, or write smaller disks or another vm_dir",
            ),
            need - seen.free,
        )
    return passed(f"Room for every guest: {numbers}."), 0


def _size_here(place: Place, plan: GuestPlan) -> int:
    data = plan.data
    here = data is not None and not data.device and data.folder.startswith(f"{place.vm_dir}/")
    return plan.disk + (data.size if data and here else 0)


def _files(place: Place, name: str) -> tuple[ImageFile, ...]:
    folder = place.folder(name)
    return folder.files if folder else ()


def memory(place: Place, ssh: str) -> Finding:
    """What all guests were promised is there at the same time, and the host keeps some."""
    total, host = place.facts.memory.total, place.host.name
    wanted = sum(plan.memory for plan in place.plans)
    if total is None:
        return skipped(f"How much memory {host} has is not known.")
    numbers = f"guests {_gib(wanted)}, {host} has {_gib(total)}"
    if wanted + HOST_MEMORY > total:
        return failed(
            f"The guests of {host} need more memory than it has.",
            evidence=f"{numbers}, of which {_gib(HOST_MEMORY)} are its own",
            cause="Memory is not lent twice: a guest that finds none is killed in the middle of its work.",
            fix=f"Write smaller memory for the machines of {host}; see: {ssh} free -h",
        )
    running = [
        domain for plan in place.plans if (domain := place.domain(plan.name)) and domain.state == "running"
    ]
    new = wanted - sum(domain.memory or 0 for domain in running)
    available = place.facts.memory.available
    if available is not None and new > available and place.driver != "lxc":
        return warned(
            f"Other programs on {host} use memory its guests were promised.",
            evidence=f"{numbers}, {_gib(available)} available, {_gib(new)} still to be given out",
            cause="What runs beside the guests takes too much.",
            fix=f"{ssh} ps axo rss,comm --sort=-rss | head",
        )
    return passed(f"{numbers}.")


def foreign(place: Place, ssh: str) -> Finding:
    """Nothing of a machine's name is there that we did not make."""
    if not place.seen.answers:
        return replace(skipped("Not looked at."), explained_by="machines.libvirt")
    found = [what for plan in place.plans if not _ours(place, plan) and (what := place.foreign(plan.name))]
    if not found:
        return passed("No other guest or folder has the name of a machine.")
    return failed(
        f"{' and '.join(found)} on {place.host.name} {'is' if len(found) == 1 else 'are'} not ours.",
        evidence=f"lineage of this cluster: {place.lineage or 'none yet'}",
        cause="Somebody else made it, or the wizard did for another cluster. It is never touched.",
        fix=f"Give the machine another name in the spec, or look at it: {ssh} ls -la {place.vm_dir}",
    )


def _ours(place: Place, plan: GuestPlan) -> bool:
    """A guest of ours under another driver is no stranger; that it cannot change its driver is said elsewhere."""
    named = (guest for guest in place.facts.libvirt.guests if guest.name == plan.name)
    return bool(place.lineage) and any(guest.owner == place.lineage for guest in named)


def fixed(place: Place, _ssh: str) -> Finding:
    """What a guest was made with once and keeps: address, role, driver, folder; and disks do not shrink."""
    changed = [text for plan in place.plans for text in unchangeable(place, plan)]
    if changed:
        return failed(
            f"The spec asks for what a guest cannot become: {'; '.join(changed)}.",
            evidence=place.host.name,
            cause="Address, role, driver and folder are laid down when a guest is made.",
            fix="Write the old value back, or give the machine another name: then it is made anew and the old one removed",
        )
    smaller = [text for plan in place.plans for text in shrunk(place, plan)]
    if smaller:
        return warned(
            f"Disks do not shrink: {'; '.join(smaller)}.",
            evidence=place.host.name,
            cause="Cutting off the end of a disk destroys what lies there.",
            fix="Write the old size back, or give the machine another name: then it is made anew",
        )
    return passed("Every guest is what it was made as.")


def unchangeable(place: Place, plan: GuestPlan) -> list[str]:
    """What differs between a guest and its plan and cannot be changed, in words.

    Args:
        place: its hypervisor.
        plan: the guest as it shall be.
    """
    domain = place.domain(plan.name)
    mark = domain.mark if domain else None
    found = []
    if mark and mark.address not in ("", plan.address):
        found.append(f"{plan.name} has the address {mark.address}, not {plan.address}")
    if mark and mark.role not in ("", plan.role):
        found.append(f"{plan.name} is made for {mark.role}, not for {plan.role}")
    if domain and domain.folder not in ("", plan.folder):
        found.append(f"{plan.name} lies in {domain.folder}, not in {plan.folder}")
    if mark and not mark.data and plan.data and not plan.data.device:
        found.append(f"{plan.name} has no data disk")
    if mark and mark.data and plan.data is None:
        found.append(f"{plan.name} has a data disk")
    other = place.other_driver(plan.name)
    return [*found, f"{plan.name} is a guest of {other}"] if other else found


def shrunk(place: Place, plan: GuestPlan) -> list[str]:
    """Which disks the spec wants smaller than they are.

    Args:
        place: its hypervisor.
        plan: the guest as it shall be.
    """
    domain = place.domain(plan.name)
    mark = domain.mark if domain else None
    if mark is None:
        return []
    pairs = (("disk", mark.system, plan.disk), ("data disk", mark.data, plan.data.size if plan.data else 0))
    return [
        f"the {what} of {plan.name} has {_gib(now)}, the spec says {_gib(wanted)}"
        for what, now, wanted in pairs
        if now and now > wanted
    ]


def address(place: Place, ssh: str) -> Finding:
    """Nobody else answered at the address of a machine, as far as the hypervisor has heard."""
    macs = {plan.address: plan.mac.lower() for plan in place.plans}
    others = [one for one in place.seen.neighbours if one.address in macs and one.mac != macs[one.address]]
    if not others:
        return passed("Nobody else was heard at the address of a machine.")
    first = others[0]
    return warned(
        f"Somebody else answers at {first.address}.",
        evidence=f"{first.mac} instead of {macs[first.address]}",
        cause="Another device has the address of a machine of the spec.",
        fix=f"{ssh} ip neigh show {first.address}; then give one of the two another address",
    )


def _gib(value: int | None) -> str:
    return f"{(value or 0) / GIB:.1f} GiB"


PLACE_CHECKS = (
    PlaceCheck("machines.libvirt", "libvirt on {host} takes guests", libvirt),
    PlaceCheck("machines.driver", "{host} runs guests the way the spec asks", driver),
    PlaceCheck("machines.bridge", "Guests of {host} get to the LAN", bridge),
    PlaceCheck("machines.place", "Disks of {host}'s guests lie where they last", where),
    PlaceCheck("machines.disk", "The disk {host} gives away is free", storage_disk),
    PlaceCheck("machines.space", "{host} has room for every disk", space),
    PlaceCheck("machines.memory", "{host} has the memory its guests were promised", memory),
    PlaceCheck("machines.foreign", "Nothing on {host} has the name of a machine and is not ours", foreign),
    PlaceCheck("machines.fixed", "Guests of {host} are what they were made as", fixed),
    PlaceCheck(
        "machines.address", "Nobody else has the address of a machine on {host}", address, Level.WARNING
    ),
)
"""What is asked of a hypervisor before its guests are made or changed."""
