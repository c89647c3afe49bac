"""What `wizard layout` prints: tables and a part for cluster.yaml for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wizard.core.decide.capacity import LayoutProblem, gib
from wizard.core.decide.layout import HostLayout, Layout
from wizard.core.decide.wire import Wire
from wizard.core.decide.wire_verdict import Groups
from wizard.core.spec.machines import machine_document
from wizard.core.spec.model import MachineSpec
from wizard.core.text import printable
from wizard.core.view.columns import WIDTH, table, wrapped
from wizard.core.view.decided import local_time, machine_table
from wizard.front.layout_wire import address_json, address_rows, wire_json, wire_sentences

LAYOUT_SCHEMA = 1
"""Version of the JSON document."""


def layout_json(cluster: str, layout: Layout, wire: Wire, groups: Groups) -> dict[str, object]:
    """The one document of `wizard layout --json`.

    Args:
        cluster: its name.
        layout: as judged.
        wire: as heard, now or last.
        groups: VRRP on the LAN.
    """
    return {
        "schema": LAYOUT_SCHEMA,
        "cluster": cluster,
        "proposed": layout.proposed,
        "approved_at": layout.approved_at,
        "differs": list(layout.differs),
        "machines": [machine_document(machine) for machine in layout.machines],
        "hosts": [_host_json(host) for host in layout.hosts],
        "addresses": [address_json(one) for one in layout.addresses],
        **wire_json(wire, groups),
        "problems": [
            {"level": one.level, "host": one.host, "machine": one.machine, "text": one.text, "do": one.do}
            for one in layout.problems
        ],
    }


def _host_json(host: HostLayout) -> dict[str, object]:
    alone = host.alone
    return {
        "name": host.name,
        "cpus": host.cpus,
        "memory": host.memory,
        "reserved": host.reserved,
        "given_cpus": host.given_cpus,
        "given_memory": host.given_memory,
        "alone": {"ok": alone.ok, "wont_start": list(alone.wont_start), "reasons": list(alone.reasons)},
    }


def layout_text(
    cluster: str, layout: Layout, wire: Wire, groups: Groups, *, now: float = 0.0, width: int = WIDTH
) -> str:
    """The layout as a person wants to read it, with the part for cluster.yaml at the end.

    Args:
        cluster: its name.
        layout: as judged.
        wire: as heard, now or last.
        groups: VRRP on the LAN.
        now: our clock, seconds since the epoch: the age of what was heard is told by it.
        width: columns of the terminal.
    """
    blocks = [
        [f"Layout of {printable(cluster)}: {_source(layout)}", *_since(layout, width)],
        machine_table(layout.machines),
        table(("hypervisor", "cpus given", "memory given", "kept for itself", "alone"), _host_rows(layout)),
        list(_alone_lines(layout, width)),
        list(_problem_lines(layout.problems, width)),
        table(("address", "for", "wire", "who"), address_rows(layout.addresses), width=width),
        [
            line
            for text in wire_sentences(layout.addresses, wire, groups, now)
            for line in wrapped(text, width)
        ],
        list(_paste(layout)) if layout.proposed and layout.machines else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _source(layout: Layout) -> str:
    if not layout.proposed:
        return "the machines of the spec"
    if layout.approved_at is None:
        return "proposed, the spec names no machines"
    return f"proposed by the wizard, approved on {local_time(layout.approved_at)}"


def _since(layout: Layout, width: int) -> Iterator[str]:
    """What a fresh proposal would differ in: it is told, and nothing is moved."""
    if layout.approved_at is None:
        return
    if not layout.differs:
        yield "A fresh proposal would be the same."
        return
    yield "They stay as they are. A fresh proposal (wizard layout --fresh) would differ:"
    for text in layout.differs:
        yield from wrapped(text, width, "  ", "    ")


def _host_rows(layout: Layout) -> Iterator[tuple[str, ...]]:
    for one in layout.hosts:
        verdict = "carries all" if one.alone.ok else "NOT enough"
        cpus = f"{one.given_cpus} of {one.cpus or '?'}"
        if one.cpus and one.given_cpus > one.cpus:
            cpus += f" ({one.given_cpus / one.cpus:.1f}x)"
        memory = f"{gib(one.given_memory)} of {gib(one.memory) if one.memory else '?'}"
        yield (one.name, cpus, memory, gib(one.reserved) if one.reserved else "?", verdict)


def _alone_lines(layout: Layout, width: int) -> Iterator[str]:
    for host in layout.hosts:
        if host.alone.ok:
            continue
        text = f"{host.name} alone would not start: {', '.join(host.alone.wont_start)}."
        yield from wrapped(text, width)
        for reason in host.alone.reasons:
            yield from wrapped(reason, width, "  ")


def _problem_lines(problems: Sequence[LayoutProblem], width: int) -> Iterator[str]:
    if problems:
        yield "What does not fit:"
    for one in problems:
        sign = "!!" if one.level == "refused" else " !"
        yield from wrapped(f"{sign} {one.text}", width, "  ", "     ")
        yield from wrapped(f"do: {one.do}", width, "     ", "         ")


def _paste(layout: Layout) -> Iterator[str]:
    yield "To keep this layout, or to change it, put this into cluster.yaml:"
    yield ""
    yield from machines_yaml(layout.machines)


def machines_yaml(machines: Iterable[MachineSpec], *, width: int = WIDTH) -> Iterator[str]:
    """The `machines` section of a spec.

    Args:
        machines: to be written.
        width: columns; a line is broken behind a comma.
    """
    yield "machines:"
    for machine in machines:
        parts = [f"{key}: {_scalar(key, value)}" for key, value in machine_document(machine).items()]
        line = "  - {" + parts[0]
        for part in parts[1:]:
            if len(line) + len(part) + len(", },") > width:
                yield line + ","
                line = "     " + part
            else:
                line += f", {part}"
        yield line + "}"


def _scalar(key: str, value: object) -> str:
    return f'"{value}"' if key == "mac" else str(value)
