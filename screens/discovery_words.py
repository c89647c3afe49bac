"""What is said about a host once it was looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textual.content import Content

from screens.text import MUTED, STRONG, STYLES, Sign, labelled, lines, signed, told
from wizard.core.decide.present_data import ANSWERS, Kind, Present, Reply
from wizard.core.decide.storage_hosts import content_text, gib_text, size_text
from wizard.core.errors import WizardError
from wizard.core.facts import GIB, Disk, HostFacts, Nic
from wizard.core.spec.model import HostSpec

LABEL = 9
"""Columns in front of what was found."""
KINDS = {True: "rotates", False: "SSD", None: ""}
SKEW_SECONDS = 0.5
"""Clocks that differ by more than this are worth a word; etcd and certificates want them closer."""


def seen_line(
    name: str,
    result: HostFacts | WizardError | None,
    there: Sequence[Present] = (),
    *,
    looking: bool,
) -> Content:
    """One line of the list."""
    if looking:
        sign, text = Sign.RUNS, "looking"
    elif isinstance(result, HostFacts):
        sign = max((sign_of(one) for one in there), key=WORSE.index, default=Sign.DONE)
        text = _short(result)
    elif result is None:
        sign, text = Sign.LATER, "not looked at"
    else:
        sign, text = Sign.FAILED, result.what
    return told((f"{sign} ", STYLES[sign]), f"{name:<10} ", (text, MUTED))


def _short(facts: HostFacts) -> str:
    memory = f"{facts.memory.total / GIB:.0f} GB" if facts.memory.total else "? GB"
    system = facts.os.id.capitalize() or facts.platform
    return f"{system}, {facts.cpu.threads or '?'} cpu, {memory}"


WORSE = (Sign.DONE, Sign.NEEDS, Sign.FAILED)


def sign_of(one: Present) -> Sign:
    """How much something that is there already is in the way."""
    if one.forbids:
        return Sign.FAILED
    return Sign.NEEDS if one.running and one.reply is not Reply.RESUME else Sign.DONE


def detail(result: HostFacts | WizardError | None, there: Sequence[Present] = ()) -> Content:
    """Everything worth a line about one host; what is there already first, as nothing else keeps one from going on."""
    if not isinstance(result, HostFacts):
        return Content("")
    rows = [row for one in there for row in _already(one)]
    return lines([*rows, *(labelled(label, text, width=LABEL) for label, text in _rows(result))])


def _already(one: Present) -> Iterator[Content]:
    """What it is, what was seen of it, and the commands that put it out of the way."""
    yield signed(sign_of(one), (one.what, STRONG))
    yield from (labelled("   seen", (text, MUTED), width=LABEL) for text in one.evidence)
    yield from (
        labelled("   do" if number == 0 else "", text, width=LABEL) for number, text in enumerate(one.steps)
    )
    yield told("")


def _rows(facts: HostFacts) -> Iterator[tuple[str, str]]:
    yield "system", facts.os.pretty or facts.platform
    yield "processor", f"{facts.cpu.model or '?'}, {facts.cpu.threads or '?'} threads"
    if facts.memory.total:
        yield "memory", f"{gib_text(facts.memory.total)}, {gib_text(facts.memory.available or 0)} free"
    for index, disk in enumerate(facts.disks):
        yield "disks" if index == 0 else "", _disk(disk)
    for index, nic in enumerate(_nics(facts)):
        speed = f", {nic.speed_mbit / 1000:g} Gbit/s" if nic.speed_mbit else ""
        yield "network" if index == 0 else "", f"{nic.name} {nic.addresses[0]}{speed}"
    if facts.libvirt.installed:
        state = "answers" if facts.libvirt.answers else "does not answer"
        yield "libvirt", f"{facts.libvirt.version or state}, {len(facts.libvirt.guests)} guests there"
    if facts.clock.by:
        yield "clock", f"kept by {facts.clock.by}{_skew(facts)}"
    for index, note in enumerate(facts.notes):
        yield "unknown" if index == 0 else "", note


def _nics(facts: HostFacts) -> list[Nic]:
    """The interfaces that reach the LAN; what a host made for itself (docker's bridge) is left out."""
    route = facts.default_route.nic if facts.default_route else ""
    reach = [nic for nic in facts.nics if nic.addresses and nic.name == route]
    return reach or [nic for nic in facts.nics if nic.addresses and nic.kind != "loopback"]


def _disk(disk: Disk) -> str:
    kind = "SD card" if disk.is_sd else KINDS[disk.rotational]
    about = ", ".join(part for part in (disk.model, size_text(disk.size), kind) if part)
    return f"{disk.name}: {about}; {'empty' if disk.empty else content_text(disk)}"


def _skew(facts: HostFacts) -> str:
    offset = facts.clock.offset
    if offset is None or abs(offset) < SKEW_SECONDS:
        return ""
    return f", {abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} ours"


def outlook(host: HostSpec, result: HostFacts | WizardError | None, there: Sequence[Present] = ()) -> Content:
    """What the host can be used for, or what to do so that it can be seen."""
    rows = [told((host.name, STRONG)), told("")]
    if result is None:
        rows.append(told("It is being looked at. Nothing is changed on it."))
    elif isinstance(result, HostFacts):
        rows += _good_for(host, result)
        rows += _consequences(there)
    else:
        rows += [signed(Sign.FAILED, result.what), told(""), told((result.why, MUTED)), told("")]
        rows += [labelled("do", one, width=2) for one in result.do]
    return lines(rows)


def _consequences(there: Sequence[Present]) -> Iterator[Content]:
    """What becomes of each thing that is there already."""
    if there:
        yield told("")
        yield told(("Already there", STRONG))
    for one in there:
        yield signed(sign_of(one), NAMES[one.kind], f": {ANSWERS[one.reply]}. ", (one.why, MUTED))


NAMES: Mapping[Kind, str] = {
    "microk8s": "MicroK8s",
    "k3s": "K3s",
    "kubeadm": "kubeadm",
    "swarm": "Docker Swarm",
    "etcd": "etcd",
    "dns": "port 53",
    "earlier-run": "an earlier run",
}


def _good_for(host: HostSpec, facts: HostFacts) -> Iterator[Content]:
    if host.role == "witness":
        yield told("Votes in etcd, so that two hypervisors are never of two minds.")
        yield told("")
        if all(disk.is_sd for disk in facts.disks):
            yield signed(
                Sign.NEEDS, "Only an SD card: too slow for etcd, and worn out by it. Add an SSD on USB."
            )
        else:
            yield signed(Sign.DONE, "Has a disk besides its SD card.")
        return
    yield told("Carries guests: etcd, Kubernetes, storage and your apps.")
    yield told("")
    yield from _guests(host, facts)
    if facts.libvirt.installed:
        yield signed(Sign.DONE, "libvirt is there")
    else:
        yield signed(Sign.NEEDS, "libvirt is missing: guests cannot be made without it.")


def _guests(host: HostSpec, facts: HostFacts) -> Iterator[Content]:
    if host.guests == "lxc":
        yield signed(Sign.DONE, "guests run as containers (lxc)")
    elif facts.virtualisation.kvm:
        yield signed(Sign.DONE, "guests run at full speed (kvm)")
    elif host.guests == "qemu":
        yield signed(Sign.NEEDS, "without kvm guests are many times slower: for trying only")
    else:
        yield signed(
            Sign.NEEDS, "No /dev/kvm: turn on virtualisation in its BIOS, or choose lxc at the left."
        )
