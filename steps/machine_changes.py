"""What is missing of the guests of a hypervisor, and how each of it is brought about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from steps.etcd_seen import Place as EtcdPlace
from steps.machine_plan import SHORT_SECONDS, Place
from steps.machine_wait import watch_of
from steps.parse.guest_details import Domain
from wizard.core.change import Change
from wizard.core.context import Work
from wizard.core.dataclass import dataclass
from wizard.core.facts import GIB
from wizard.core.secret import Secret
from wizard.payload.domain_xml import domain_xml
from wizard.payload.domain_xml_lxc import container_xml, first_boot_tar
from wizard.payload.guests import GuestPlan
from wizard.payload.seed_iso import seed_iso
from wizard.payload.ssh_keys import key_pair

CREATE_SECONDS = 600.0
"""Deadline of making one guest: unpacking a root on a slow disk takes a minute."""

DEFINE_SECONDS = 300.0
"""Three minutes for a clean shutdown, and the rest."""

LEAVE_SECONDS = 120.0
"""Four questions to etcd of 25 s each at most, and the way there."""

ROUNDING = 1024**2
"""Bytes by which libvirt may round memory up."""

DATA_FILES = ("data.raw", "disks/vdb.img")

WEIGHTS = {"kvm": 40.0, "qemu": 120.0, "lxc": 5.0}
"""Seconds a first boot takes, by driver, for the progress bar."""


def remove_changes(
    place: Place, everywhere: Sequence[GuestPlan], voters: Sequence[EtcdPlace] = ()
) -> Iterator[Change]:
    """Guests of ours that the spec no longer has on this host.

    Args:
        place: the hypervisor.
        everywhere: every guest that is wanted, on whatever host.
        voters: the members of an etcd cluster that has data; one that goes leaves their list first.
    """
    wanted = {plan.name for plan in place.plans}
    for name in place.owned_names():
        if name not in wanted and not place.foreign(name):
            domain = place.domain(name)
            stay = tuple(one for one in voters if one.name != name) if _voted(domain) else ()
            leave = f"on {stay[0].name}: etcdctl member remove {name}\n" if stay else ""
            yield Change(
                key=f"remove:{name}",
                host=place.host.name,
                summary=f"Remove {name} and its disks from {place.host.name} ({_why_gone(name, domain, everywhere)})",
                preview=f"{leave}shut down {name}, undefine it, delete {place.vm_dir}/{name}",
                destroys=tuple(lost(place, name)),
                weight=20.0,
                do=partial(_remove, place=place, name=name, stay=stay),
            )


def _why_gone(name: str, domain: Domain | None, everywhere: Sequence[GuestPlan]) -> str:
    """A renamed machine is one that is gone and another that has its address: said so, since its data goes."""
    moved = next((plan for plan in everywhere if plan.name == name), None)
    if moved:
        return f"the spec has it on {moved.host} now: it is made anew there"
    address = domain.mark.address if domain and domain.mark else ""
    heir = next((plan for plan in everywhere if address and plan.address == address), None)
    return f"the spec has {heir.name} at its address now" if heir else "it is no longer in the spec"


def lost(place: Place, name: str) -> Iterator[str]:
    """What goes with a guest, each with its size.

    Args:
        place: the hypervisor.
        name: of the guest.
    """
    folder, domain = place.folder(name), place.domain(name)
    mark = domain.mark if domain else None
    sizes = {"system.qcow2": mark.system, "data.raw": mark.data} if mark else {}
    for file in folder.files if folder else ():
        if file.name.endswith((".qcow2", ".raw", ".img")):
            size = sizes.get(file.name) or file.size
            used = f"{_gib(file.allocated)} of {_gib(size)} used"
            yield f"{name}: disk {file.name} on {place.host.name}, {used}"
    if mark and mark.data and folder and not any(file.name in DATA_FILES for file in folder.files):
        yield f"{name}: its data disk on {place.host.name}, {_gib(mark.data)}"
    if domain is not None and folder is None:
        yield f"{name}: its definition on {place.host.name}"
    elif folder is not None and place.driver == "lxc":
        yield f"{name}: its root folder {place.vm_dir}/{name}/root on {place.host.name}"


def _gib(value: int) -> str:
    return f"{value / GIB:.1f} GiB"


def create_change(place: Place, plan: GuestPlan, after: Sequence[str]) -> Change:
    """Make a guest.

    Args:
        place: its hypervisor.
        plan: the guest.
        after: keys of what must be gone first.
    """
    return Change(
        key=f"create:{plan.name}",
        host=plan.host,
        summary=f"Make {plan.name} on {plan.host}: {_size_text(plan)}",
        preview=_preview(place, plan),
        weight=5.0,
        after=(*_image_key(place), *after),
        do=partial(_create, place=place, plan=plan),
    )


def _image_key(place: Place) -> tuple[str, ...]:
    return (f"image:{place.host.name}",) if place.seen.base is None else ()


def _size_text(plan: GuestPlan) -> str:
    data = ""
    if plan.data:
        data = f", data on {plan.data.device}" if plan.data.device else f", {_gib(plan.data.size)} data"
    cpus = f"{plan.cpus} cpu" + ("" if plan.cpus == 1 else "s")
    return f"{cpus}, {_gib(plan.memory)} memory, {_gib(plan.disk)} disk{data}, {plan.address}"


def _preview(place: Place, plan: GuestPlan) -> str:
    """Without what is derived from the lineage: before the first apply there is none."""
    lines = [f"libvirt {plan.driver} guest in {plan.folder}", f"base {place.base}"]
    lines += [f"{plan.address}/{plan.prefix} via {plan.gateway} on {plan.attachment.source}"]
    if plan.data:
        lines.append(f"data disk {plan.data.source}, mounted at {plan.mount}")
    return "\n".join(lines)


def boot_change(place: Place, plan: GuestPlan, after: tuple[str, ...] = ()) -> Change:
    """Wait for a guest that was started.

    Args:
        place: its hypervisor.
        plan: the guest.
        after: what started it.
    """
    return Change(
        key=f"boot:{plan.name}",
        host=plan.name,
        summary=f"Wait until {plan.name} is up and shows the host key we gave it",
        preview=f"ssh root@{plan.address}",
        weight=WEIGHTS[plan.driver],
        after=after,
        do=partial(_boot, plan=plan, base=place.base),
    )


def start_change(plan: GuestPlan, domain: Domain) -> Change:
    """Start a guest that does not run.

    Args:
        plan: the guest.
        domain: as it is.
    """
    args = {"driver": plan.driver, "name": plan.name, "lineage": plan.lineage}
    return Change(
        key=f"start:{plan.name}",
        host=plan.host,
        summary=f"Start {plan.name} on {plan.host} (it is {domain.state})",
        preview=f"virsh start {plan.name}",
        weight=2.0,
        do=partial(_command, script="do/guest-start", args=args),
    )


def autostart_change(plan: GuestPlan) -> Change:
    """Let a guest start with its host."""
    args = {"driver": plan.driver, "name": plan.name, "lineage": plan.lineage}
    return Change(
        key=f"autostart:{plan.name}",
        host=plan.host,
        summary=f"Let {plan.name} start whenever {plan.host} does",
        preview=f"virsh autostart {plan.name}",
        do=partial(_command, script="do/guest-autostart", args=args),
    )


@dataclass(frozen=True, slots=True)
class Drift:
    """How a guest differs from what it shall be."""

    differences: tuple[str, ...]
    redefine: bool
    """Its definition is another one."""
    system: int = 0
    """Bytes its system disk shall grow to; 0 = it stays."""
    data: int = 0

    @property
    def key(self) -> str:
        """`resize` where numbers differ, `redefine` where only what it hangs on does."""
        words = ("cpu", "memory", "disk", "data")
        return "resize" if any(one.startswith(words) for one in self.differences) else "redefine"


def drift(plan: GuestPlan, domain: Domain) -> Drift | None:
    """How a guest of ours differs from the plan; None where it does not, or where nothing can be done about it.

    Args:
        plan: the guest as it shall be.
        domain: as it is.
    """
    mark = domain.mark
    if mark is None:
        return None
    found: list[str] = []
    if domain.cpus not in (None, plan.cpus):
        found.append(f"cpus {domain.cpus} -> {plan.cpus}")
    if domain.memory is not None and abs(domain.memory - plan.memory) >= ROUNDING:
        found.append(f"memory {_gib(domain.memory or 0)} -> {_gib(plan.memory)}")
    if domain.card not in ("", plan.attachment.source):
        found.append(f"network {domain.card} -> {plan.attachment.source}")
    system, data = _growth(mark.system, plan.disk), _growth(mark.data, plan.data.size if plan.data else 0)
    if system:
        found.append(f"disk {_gib(mark.system or 0)} -> {_gib(system)}")
    if data:
        found.append(f"data {_gib(mark.data or 0)} -> {_gib(data)}")
    redefine = mark.definition != plan.definition or bool(found)
    if not redefine:
        return None
    return Drift(tuple(found or ["its devices"]), redefine, system, data)


def _growth(now: int | None, wanted: int) -> int:
    """Disks only grow, and a data disk is never given to a guest that was made without one."""
    return wanted if now and wanted > now else 0


def resize_changes(place: Place, plan: GuestPlan, found: Drift, after: Sequence[str]) -> Iterator[Change]:
    """Give a guest its new size, and wait for it.

    Args:
        place: its hypervisor.
        plan: the guest.
        found: how it differs.
        after: the boot of the guest before it: never are two of them away at a time.
    """
    key = f"{found.key}:{plan.name}"
    yield Change(
        key=key,
        host=plan.host,
        summary=f"Shut down {plan.name}, give it {', '.join(found.differences)}, start it again",
        preview=_preview(place, plan),
        weight=30.0,
        after=tuple(after),
        do=partial(_define, plan=plan, found=found),
    )
    yield boot_change(place, plan, after=(key,))


def definition_xml(plan: GuestPlan) -> bytes:
    """The definition of a guest by its driver."""
    return container_xml(plan) if plan.driver == "lxc" else domain_xml(plan)


def cluster_key(work: Work) -> str:
    """The public line of the cluster's own key, made at first need."""
    public = work.secrets.ensure(
        lambda: dict(
            zip(("ssh/key", "ssh/key.pub"), key_pair(f"homelab-wizard {work.spec.name}"), strict=True)
        ),
        "ssh/key",
        "ssh/key.pub",
    )[1]
    return public.reveal()


def machine_key(work: Work, name: str) -> tuple[Secret, str]:
    """The host key a machine is given: its private half and its public line, made at first need."""
    names = (f"host/{name}.key", f"host/{name}.pub")
    private, public = work.secrets.ensure(lambda: dict(zip(names, key_pair(name), strict=True)), *names)
    return private, public.reveal()


def _create(work: Work, *, place: Place, plan: GuestPlan) -> str:
    authorised, (private, public) = cluster_key(work), machine_key(work, plan.name)
    definition = definition_xml(plan)
    args = _place_args(plan) | {
        "base": place.base_path,
        "system": str(plan.disk),
        "data": str(_image_size(plan)),
        "xml": str(len(definition)),
    }
    if plan.driver == "lxc":
        args |= {"serial": plan.serial, "uuid": plan.data_uuid}
        script, first = "do/guest-unpack", first_boot_tar(plan, authorised, private, public)
    else:
        args |= {"data_dir": _data_folder(plan)}
        script, first = "do/guest-create", seed_iso(plan, authorised, public, private)
    said = work.run(script, args, timeout=CREATE_SECONDS, payload=definition + first)
    return said.splitlines()[-1] if said else f"{plan.name} was made"


def _place_args(plan: GuestPlan) -> dict[str, str]:
    return {"driver": plan.driver, "dir": plan.vm_dir, "name": plan.name, "lineage": plan.lineage}


def _image_size(plan: GuestPlan) -> int:
    return plan.data.size if plan.data and not plan.data.device else 0


def _data_folder(plan: GuestPlan) -> str:
    return plan.data.folder if plan.data and plan.data.folder else plan.folder


def _boot(work: Work, *, plan: GuestPlan, base: str) -> str:
    boot = watch_of(work, plan, base).until_up()
    for error in boot.errors:
        work.line(f"cloud-init on {plan.name}: {error}")
    seed = b""
    if plan.driver != "lxc":
        _, public = machine_key(work, plan.name)
        seed = seed_iso(plan, cluster_key(work), public, None)
    work.run("do/guest-seal", _place_args(plan), timeout=SHORT_SECONDS, payload=seed, on=plan.host)
    first = f"; cloud-init complained: {boot.errors[0]}" if boot.errors else ""
    return (
        f"{plan.name} answers as root with the host key we gave it, its boot has ended ({boot.system}){first}"
    )


def _define(work: Work, *, plan: GuestPlan, found: Drift) -> str:
    args = _place_args(plan) | {
        "data_dir": _data_folder(plan),
        "system": str(found.system),
        "data": str(found.data),
    }
    said = work.run("do/guest-define", args, timeout=DEFINE_SECONDS, payload=definition_xml(plan))
    return said.replace("\n", ", ")


def _command(work: Work, *, script: str, args: dict[str, str]) -> str:
    return work.run(script, args, timeout=SHORT_SECONDS)


def _voted(domain: Domain | None) -> bool:
    """Whether it may have been an etcd member: one whose definition is gone may have been anything."""
    return domain is None or domain.mark is None or domain.mark.role == "etcd"


def _remove(work: Work, *, place: Place, name: str, stay: Sequence[EtcdPlace]) -> str:
    domain = place.domain(name)
    parent = place.host.etcd_dir if _voted(domain) else None
    if stay:
        # A member that is wiped while it is listed counts as lost from then on (design section 5).
        contacts = {"name": name, "contacts": ",".join(one.client for one in stay)}
        work.progress(f"etcd on {stay[0].name}: {name} leaves the list of members", None)
        work.run("do/etcd-leave", contacts, timeout=LEAVE_SECONDS, on=stay[0].name)
    args = {
        "driver": place.driver,
        "dir": domain.folder.rpartition("/")[0] if domain and domain.folder else place.vm_dir,
        "name": name,
        "lineage": place.lineage,
        "data_dir": f"{parent.rstrip('/')}/{name}" if parent and place.driver != "lxc" else "",
    }
    return work.run("do/guest-remove", args, timeout=DEFINE_SECONDS)
