"""What `wizard facts` prints: one calm block a host for people, one JSON document for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from wizard.core.errors import WizardError, render
from wizard.core.facts import GIB, Clock, Disk, Filesystem, Guest, HostFacts, Libvirt, Nic, Port, Volume
from wizard.core.view.columns import wrapped
from wizard.front.present import LEAST, present_lines

if TYPE_CHECKING:
    from wizard.core.decide.present_data import Present

FACTS_SCHEMA = 1
"""Version of the JSON document."""

WIDTH = 80
_LABEL = 11
"""Columns of the label, the indent included."""

_SHOWN_NICS = ("ethernet", "wifi", "bond", "vlan", "bridge", "macvtap")
_LOOPBACK = ("127.", "::1")

AlreadyThere = Mapping[str, Sequence["Present"]]
"""Of each host what is already on it."""

_NOTHING: AlreadyThere = MappingProxyType({})

Answers = Mapping[str, HostFacts | WizardError]
"""Of each host its facts, or the error that kept us from them, in the order they are told."""


def facts_json(cluster: str, answers: Answers, there: AlreadyThere = _NOTHING) -> dict[str, object]:
    """The one document of `wizard facts --json`.

    Args:
        cluster: name of the cluster.
        answers: facts or error of each host.
        there: what is already on each host, and what is answered.
    """
    hosts = {name: _host_json(answer, there.get(name, ())) for name, answer in answers.items()}
    return {"schema": FACTS_SCHEMA, "cluster": cluster, "hosts": hosts}


def _host_json(answer: HostFacts | WizardError, there: Sequence[Present]) -> dict[str, object]:
    if isinstance(answer, HostFacts):
        found = [{**asdict(one), "reply": str(one.reply)} for one in there]
        return {**asdict(answer), "tools": sorted(answer.tools), "already_there": found}
    told = {name: getattr(answer, name) for name in ("what", "where", "why", "again")}
    return {"error": {**told, "do": list(answer.do)}}


def facts_text(answers: Answers, there: AlreadyThere = _NOTHING, *, width: int = WIDTH) -> str:
    """The facts as a person wants to read them, one block a host.

    Args:
        answers: facts or error of each host.
        there: what is already on each host, and what is answered.
        width: columns of the terminal.
    """
    blocks = [_block(name, answer, there.get(name, ()), width) for name, answer in answers.items()]
    return "\n\n".join(blocks) + "\n"


def _block(name: str, answer: HostFacts | WizardError, there: Sequence[Present], width: int) -> str:
    if isinstance(answer, WizardError):
        return f"{name}\n{textwrap.indent(render(answer), '  ')}"
    rows = [(label, line) for label, lines in _rows(answer) for label, line in _labelled(label, lines)]
    body = [line for label, text in rows for line in _wrapped(label, text, width)]
    return "\n".join([_head(answer), *body, *present_lines(there, width)])


def _head(facts: HostFacts) -> str:
    since = f", up {_duration(facts.uptime)}" if facts.uptime is not None else ""
    return f"{facts.host}   {facts.os.pretty or 'unknown system'} ({facts.platform}){since}"


def _labelled(label: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        yield label, line
        label = ""


def _wrapped(label: str, text: str, width: int) -> list[str]:
    """The text beside its label; what is too long goes on below, two columns in."""
    inner = len(text) - len(text.lstrip())
    head = f"  {label}".ljust(_LABEL) + " " * inner
    return wrapped(text.strip(), max(width, LEAST), head, " " * (len(head) + 2))


def _rows(facts: HostFacts) -> Iterator[tuple[str, list[str]]]:
    yield "machine", _machine(facts)
    yield "system", _system(facts)
    yield "disks", [line for disk in facts.disks for line in _disk(disk)] or ["none seen"]
    yield "space", [_space(fs) for fs in facts.filesystems if fs.size]
    yield "network", _network(facts)
    yield "runs", _runs(facts)
    yield "guests", [_guest(guest) for guest in facts.libvirt.guests]
    yield "listens", [", ".join(_ports(facts.ports))] if facts.ports else []
    yield "unraid", _unraid(facts)
    yield "power", _power(facts)
    yield "time", [_time(facts.clock, facts.virtualisation.container)]
    yield "marker", [_marker(facts)]
    yield "notes", list(facts.notes)


def _machine(facts: HostFacts) -> list[str]:
    cpu, memory = facts.cpu, facts.memory
    count = f"{cpu.cores or '?'} cores" + (f", {cpu.threads} threads" if cpu.threads != cpu.cores else "")
    first = [facts.pi.model] if facts.pi else []
    lines = [
        *first,
        f"{cpu.model or 'unknown processor'}, {count}{', ' + cpu.extension if cpu.extension else ''}",
    ]
    if memory.total:
        swap = f", {_gib(memory.swap_total)} swap" if memory.swap_total else ", no swap"
        lines.append(f"{_gib(memory.total)} memory, {_gib(memory.available)} available{swap}")
    return lines


def _system(facts: HostFacts) -> list[str]:
    page = f", {facts.page_size // 1024} KiB pages" if facts.page_size else ""
    inside = {"": "unknown", "none": "bare metal"}.get(
        facts.virtualisation.inside, facts.virtualisation.inside
    )
    groups = f"cgroup v{facts.cgroups.version}" if facts.cgroups.version else "cgroups unknown"
    limits = "" if facts.cgroups.memory is None else " with" if facts.cgroups.memory else " without"
    kvm = {True: "/dev/kvm there", False: "no /dev/kvm", None: "/dev/kvm unknown"}[facts.virtualisation.kvm]
    return [
        f"{facts.kernel or 'unknown kernel'}, {facts.arch or 'unknown'}, {facts.bits or '?'} bit{page}",
        f"runs on {inside}, {kvm}, {groups}{limits + ' memory limits' if limits else ''}",
    ]


def _disk(disk: Disk) -> Iterator[str]:
    kind = "SD" if disk.is_sd else {True: "disk", False: "SSD", None: ""}[disk.rotational]
    what = f"{kind} {disk.transport}".strip()
    yield f"{disk.name:<9}{_size(disk.size):>8}  {what:<13} {disk.model or 'model unknown'}"
    serial = f"serial {disk.serial}" if disk.serial else "no serial"
    content = "empty" if disk.empty else _content(disk.fstype, disk.label, disk.mounts)
    yield f"  {serial}" + (f", {content}" if content else "")
    for volume in disk.volumes:
        yield _volume(volume)


def _volume(volume: Volume) -> str:
    kind = "" if volume.kind == "part" else f"{volume.kind} "
    content = _content(volume.fstype, volume.label, volume.mounts)
    return f"{'  ' * volume.depth}{volume.name:<12}{_size(volume.size):>8}  {kind}{content}".rstrip()


def _content(fstype: str, label: str, mounts: tuple[str, ...]) -> str:
    shown = mounts[:3] + (("...",) if len(mounts) > 3 else ())  # noqa: PLR2004 - bind mounts repeat themselves
    named = f'"{label}"' if label else ""
    return " ".join(part for part in (fstype, named, "on " + ", ".join(shown) if shown else "") if part)


def _space(fs: Filesystem) -> str:
    where = f" on {', '.join(fs.disks)}" if fs.disks else ""
    locked = ", READ-ONLY" if fs.read_only else ""
    return f"{fs.mount}: {_size(fs.free)} of {_size(fs.size)} free ({fs.fstype or '?'}{where}{locked})"


def _network(facts: HostFacts) -> list[str]:
    lines = [_nic(facts, nic) for nic in facts.nics if nic.kind in _SHOWN_NICS]
    other = [nic for nic in facts.nics if nic.kind not in (*_SHOWN_NICS, "loopback")]
    lines += [_nic(facts, nic) for nic in other if nic.addresses]
    hidden = sum(not nic.addresses for nic in other)
    if hidden:
        lines.append(f"and {hidden} virtual ones without an address")
    route = facts.default_route
    gateway = f"gateway {route.gateway or 'none'} by {route.nic}" if route else "no default route"
    return [*lines, f"{gateway}, name servers {', '.join(facts.dns) or 'none'}"]


def _nic(facts: HostFacts, nic: Nic) -> str:
    members = [other.name for other in facts.nics if other.master == nic.name]
    parts = [
        nic.kind,
        nic.state,
        _speed(nic.speed_mbit) if nic.speed_mbit else "",
        ", ".join(address for address in nic.addresses if not address.startswith("fe80:")),
        f"part of {nic.master}" if nic.master else "",
        f"over {', '.join(members)}" if members else "",
        nic.mac if nic.kind in ("ethernet", "wifi") else "",
    ]
    return f"{nic.name:<9} " + "  ".join(part for part in parts if part)


def _speed(mbit: int) -> str:
    return f"{mbit / 1000:g} Gbit/s" if mbit >= 1000 else f"{mbit} Mbit/s"  # noqa: PLR2004 - unit


def _runs(facts: HostFacts) -> list[str]:
    lines = []
    if facts.libvirt.installed:
        lines.append(_named("libvirt", facts.libvirt.version, _libvirt_state(facts.libvirt)))
    if facts.docker.installed:
        known = [f"{one.name} ({one.state})" for one in facts.docker.containers]
        state = _awake(facts.docker.answers, facts.docker.note)
        lines.append(
            _named("docker", facts.docker.version, f"{state}: {', '.join(known) or 'no containers'}")
        )
    names = [one.name for one in facts.services if one.running and one.name not in ("docker", "libvirtd")]
    lines += [", ".join(names)] if names else []
    if facts.microk8s:
        lines.append("MicroK8s is installed")
    return lines or ["nothing of what we look for"]


def _named(name: str, version: str, state: str) -> str:
    return " ".join(part for part in (name, version, state) if part)


def _libvirt_state(libvirt: Libvirt) -> str:
    if libvirt.answers is None and libvirt.wakes:
        return "sleeps until it is asked"
    return _awake(libvirt.answers, libvirt.note)


def _awake(answers: bool | None, note: str) -> str:
    if answers is None:
        return "not running"
    return "answers" if answers else f"does not answer ({note})"


def _guest(guest: Guest) -> str:
    starts = {True: "starts by itself", False: "started by hand", None: ""}[guest.autostart]
    return "  ".join(part for part in (guest.name, guest.driver, guest.state, starts) if part)


def _ports(ports: tuple[Port, ...]) -> Iterator[str]:
    """Each port once, those on loopback left out: nobody else reaches them."""
    seen = set()
    for port in ports:
        text = f"{port.port}/{port.protocol} {port.process}".strip()
        if not port.address.startswith(_LOOPBACK) and text not in seen:
            seen.add(text)
            yield text


def _unraid(facts: HostFacts) -> list[str]:
    if facts.unraid is None:
        return []
    found = facts.unraid
    lines = [
        f"array {found.array_state or 'unknown'}, starts by itself: {_yes(found.array_autostart)}",
        f"VM service: {_yes(found.vm_service)}, its image mounted: {_yes(found.libvirt_image_mounted)}, "
        f"docker: {_yes(found.docker_enabled)}, user shares: {_yes(found.user_shares)}",
    ]
    return lines + [
        f"pool {pool.name}: {_size(pool.free)} of {_size(pool.size)} free ({pool.fstype})"
        if pool.mounted
        else f"pool {pool.name}: not mounted"
        for pool in found.pools
    ]


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


def _power(facts: HostFacts) -> list[str]:
    if facts.pi is None:
        return []
    if facts.pi.throttled is None:
        return ["unknown (vcgencmd is missing)"]
    return [", ".join(facts.pi.flags) or "enough, never throttled since boot"]


def _time(clock: Clock, container: bool) -> str:
    nobody = "the machine this container runs on" if container else "nobody"
    keeper = f"kept by {clock.by or nobody}"
    if clock.by and not clock.synchronised:
        keeper = f"{clock.by} runs, " + (
            "not synchronised" if clock.synchronised is False else "state unknown"
        )
    if clock.offset is None or clock.uncertainty is None:
        return f"clock unknown, {keeper}"
    side = "ahead of" if clock.offset > 0 else "behind"
    same = abs(clock.offset) <= clock.uncertainty
    gap = "same time as" if same else f"{_duration(abs(clock.offset))} {side}"
    return f"{gap} this machine (+-{clock.uncertainty * 1000:.0f} ms), {keeper}"


def _marker(facts: HostFacts) -> str:
    if facts.marker is None:
        return "none: not set up by the wizard"
    return f"cluster {facts.marker.name}, run {facts.marker.serial}"


def _duration(seconds: float) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2f} s"  # noqa: PLR2004 - digits that mean something


def _gib(size: int | None) -> str:
    return "?" if size is None else f"{size / GIB:.1f} GiB"


def _size(size: int | None) -> str:
    """Decimal units, as they are printed on the disk."""
    if size is None:
        return "?"
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            value = size / unit
            return f"{value:.1f} {name}" if value < 10 else f"{value:.0f} {name}"  # noqa: PLR2004 - one decimal
    return f"{size / 1000:.0f} kB"
