"""What the spec and the facts make of a hypervisor: how its guests run, where they lie, what they hang on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from ipaddress import IPv4Network

from steps.hypervisor_checks import DEFAULT_BRIDGE, lan_bridge
from steps.parse.guest_details import Domain, Folder, HostGuests, parse_guests
from steps.side_by_side import side_by_side
from wizard.core.artifact import ARCH
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.decide.layout_disks import vm_dir
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import HostFacts
from wizard.core.host import Args, ScriptResult
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineSpec
from wizard.payload.guests import BASE_FOLDER, Attachment, DataDisk, Driver, GuestPlan

READ_GUESTS = "read/guests"

READ_SECONDS = 60.0
"""Deadline of looking at a hypervisor's guests: a libvirt that is busy starting some of them answers late."""

SHORT_SECONDS = 60.0
"""Deadline of one command to libvirt."""

IMAGES = {"kvm": ("debian-cloud-image", ".qcow2"), "lxc": ("lxc-guest-root", ".tar.gz")}
"""Artifact and ending of the base image by driver."""


@dataclass(frozen=True, slots=True)
class Place:
    """A hypervisor as guests are made on it: what is wanted and what is there."""

    host: HostSpec
    facts: HostFacts
    driver: Driver
    vm_dir: str
    base: str
    """File name of the base image."""
    lineage: str
    """That marks what is ours there; empty = nothing can be."""
    plans: tuple[GuestPlan, ...]
    seen: HostGuests

    @property
    def base_path(self) -> str:
        """The base image on the host."""
        return f"{self.vm_dir}/{BASE_FOLDER}/{self.base}"

    def domain(self, name: str) -> Domain | None:
        """The guest of that name, where it is ours."""
        return self.seen.owned(name, self.lineage)

    def folder(self, name: str) -> Folder | None:
        """The folder of that name, where it is ours."""
        found = self.seen.folders.get(name)
        return found if found and self.lineage and found.lineage == self.lineage else None

    def other_driver(self, name: str) -> str:
        """The other driver of libvirt that runs a guest of that name; empty where none does."""
        found = (guest.driver for guest in self.facts.libvirt.guests if guest.name == name)
        return next((kind for kind in found if kind not in ("", family(self.driver))), "")

    def foreign(self, name: str) -> str:
        """What of that name is there and is not ours, in words; empty where nothing is."""
        if self.other_driver(name):
            return f"the {self.other_driver(name)} guest {name}"
        if name in self.seen.names and self.domain(name) is None:
            return f"the guest {name}"
        if name in self.seen.folders and self.folder(name) is None:
            return f"the folder {self.vm_dir}/{name}"
        return ""

    def owned_names(self) -> list[str]:
        """Every guest and folder that is ours, by name."""
        guests = [name for name in self.seen.domains if self.domain(name)]
        return sorted({*guests, *(name for name in self.seen.folders if self.folder(name))})


def family(driver: str) -> str:
    """What libvirt calls the driver a guest is run by."""
    return "lxc" if driver == "lxc" else "qemu"


def driver_of(host: HostSpec, facts: HostFacts) -> Driver | None:
    """How a host's guests are run; None where that was left open and the hardware does not allow what we would choose."""
    if host.guests != "auto":
        return host.guests
    return None if facts.virtualisation.kvm is False else "kvm"


def attachment_of(host: HostSpec, facts: HostFacts) -> Attachment:
    """What guests hang on: the bridge of the spec, Unraid's, the LAN's; else the card itself, shared by macvtap."""
    if host.bridge:
        return Attachment("bridge", host.bridge)
    named = facts.unraid.bridge if facts.unraid else ""
    for name in (named, DEFAULT_BRIDGE):
        nic = facts.nic(name) if name else None
        if nic and nic.kind == "bridge":
            return Attachment("bridge", name)
    found = lan_bridge(facts)
    if found:
        return Attachment("bridge", found.name)
    if facts.unraid and facts.nic("vhost0"):
        return Attachment("direct", "vhost0")
    route = facts.default_route
    return Attachment("direct", route.nic) if route else Attachment("bridge", DEFAULT_BRIDGE)


def guest_plan(
    spec: ClusterSpec, machine: MachineSpec, facts: HostFacts, *, lineage: str, driver: Driver
) -> GuestPlan:
    """One machine of the spec as a guest.

    Args:
        spec: the whole spec, for the network.
        machine: of it.
        facts: of its host.
        lineage: of the cluster.
        driver: how the host runs guests.
    """
    host = spec.host(machine.host)
    folder = vm_dir(host, facts)
    return GuestPlan(
        name=machine.name,
        role=machine.role,
        host=host.name,
        driver=driver,
        arch=ARCH.get(facts.arch, "amd64"),
        cluster=spec.name,
        lineage=lineage,
        vm_dir=folder,
        cpus=machine.cpus,
        memory=machine.memory,
        disk=machine.disk,
        data=_data_disk(machine, host, folder, driver),
        attachment=attachment_of(host, facts),
        address=machine.address,
        prefix=IPv4Network(spec.network.cidr).prefixlen,
        gateway=spec.network.gateway,
        resolvers=spec.network.upstream_dns,
        domain=spec.network.domain,
        mtu=spec.network.mtu,
        given_mac=machine.mac,
    )


def _data_disk(machine: MachineSpec, host: HostSpec, vm_dir: str, driver: Driver) -> DataDisk | None:
    if machine.role == "storage" and host.storage_disk and driver != "lxc":
        return DataDisk(0, device=host.storage_disk)
    if machine.data_disk is None:
        return None
    parent = host.etcd_dir if machine.role == "etcd" and host.etcd_dir and driver != "lxc" else vm_dir
    return DataDisk(machine.data_disk, folder=f"{parent.rstrip('/')}/{machine.name}")


def look(ctx: Context, name: str) -> Place:
    """What is wanted on a hypervisor and what is there: its facts, and one more question.

    Args:
        ctx: this pass.
        name: of the host.

    Raises:
        HostError: it cannot be asked.
        RemoteError: it answered something else.
    """
    host, facts = ctx.spec.host(name), ctx.facts(name)
    driver = driver_of(host, facts) or "kvm"
    lineage = ctx.lineage_on(name)
    plans = _guest_plans(ctx, name, facts, lineage or ctx.state.lineage, driver)
    folder, base = vm_dir(host, facts), base_file(ctx, facts, driver)
    ours = [
        guest.name
        for guest in facts.libvirt.guests
        if lineage and guest.owner == lineage and guest.driver == family(driver)
    ]
    args = guests_args(driver, folder, [*(plan.name for plan in plans), *ours], base)
    whole = partial(answered, host=name, address=ctx.hosts[name].address)
    seen = ctx.ask(name, READ_GUESTS, args, timeout=READ_SECONDS, parse=whole)
    return Place(host, facts, driver, folder, base, lineage, plans, seen)


def _guest_plans(
    ctx: Context, name: str, facts: HostFacts, lineage: str, driver: Driver
) -> tuple[GuestPlan, ...]:
    """The guests wanted on a host: every check asks for them."""
    return ctx.cache.concluded(
        f"guests of {lineage} on {name} by {driver}",
        (ctx.spec, facts),
        lambda: tuple(
            guest_plan(ctx.spec, one, facts, lineage=lineage, driver=driver)
            for one in ctx.spec.machines
            if one.host == name
        ),
    )


def look_everywhere(ctx: Context) -> dict[str, Place | HostError | RemoteError]:
    """Every hypervisor side by side; one that cannot be asked is its error."""
    names = [host.name for host in ctx.spec.hypervisors]

    def one(name: str) -> Place | HostError | RemoteError:
        return look(ctx, name)

    return dict(zip(names, side_by_side(names, one, lambda _, error: error), strict=True))


def base_file(ctx: Context, facts: HostFacts, driver: Driver) -> str:
    """The file name of the base image on the host: name, version and architecture are in it."""
    name, ending = IMAGES.get(driver, IMAGES["kvm"])
    found = ctx.artifacts.named(name, ARCH.get(facts.arch, "amd64"))
    return f"{found.name}-{found.version}-{found.arch}{ending}"


def guests_args(driver: str, vm_dir: str, names: Iterable[str], base: str) -> Args:
    """The arguments of `read/guests`.

    Args:
        driver: of the guests.
        vm_dir: the folder they lie in.
        names: of the guests that are wanted in detail.
        base: file name of the base image.
    """
    return {"driver": driver, "dir": vm_dir, "names": " ".join(sorted(set(names))), "base": base}


def answered(result: ScriptResult, host: str, address: str) -> HostGuests:
    """The answer of `read/guests`, if it is whole.

    Args:
        result: what the script said.
        host: that said it.
        address: of the host, for the message.

    Raises:
        RemoteError: it is not whole.
    """
    if result.exit_code == 0 and "\n== end" in result.stdout:
        return parse_guests(result.stdout)
    raise RemoteError(
        f"{host} did not tell of its guests.",
        where=f"{host} ({address}), script {READ_GUESTS}",
        why=f"The script ended with exit code {result.exit_code} and an unfinished answer.",
        do=f"ssh {address} virsh list --all",
    )
