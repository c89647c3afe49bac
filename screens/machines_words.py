"""What is said about the guests and what carries them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from screens.text import MUTED, STRONG, STYLES, Sign, labelled, lines, signed, told
from wizard.core.decide.capacity import gib
from wizard.core.decide.layout import HostLayout, Layout
from wizard.core.spec.model import MachineSpec, Problem
from wizard.core.spec.values import size_text
from wizard.core.view.decided import local_time

BLANK = "\N{NO-BREAK SPACE}"
"""A blank that wrapping keeps at the beginning of a line."""
UNKNOWN = "?"
"""In the place of a size that was refused."""
BAR = 20
"""Columns of a capacity bar."""
DOES = {
    "etcd": "agrees on what is true",
    "server": "is Kubernetes",
    "storage": "keeps volumes",
    "worker": "runs apps",
}


def host_head(host: HostLayout) -> Content:
    """The line above a hypervisor's guests."""
    sign = Sign.DONE if host.alone.ok else Sign.NEEDS
    total = f"of {gib(host.memory)}" if host.memory else ""
    return told(
        (f"{sign} ", STYLES[sign]),
        (f"{host.name:<10} ", STRONG),
        (f"{gib(host.given_memory)} {total}", MUTED),
    )


def machine_line(machine: MachineSpec) -> Content:
    """One guest."""
    memory, disk = (size_text(size) if size else UNKNOWN for size in (machine.memory, machine.disk))
    disks = disk + (f"+{size_text(machine.data_disk)}" if machine.data_disk else "")
    return told(f"{BLANK * 3}{machine.name:<10} {machine.cpus:>2} cpu {memory:>5} {disks:>8}")


def unplanned(lan: str, wrong: Sequence[Problem]) -> str:
    """Why nothing can be planned yet.

    Args:
        lan: as it was answered; empty = nobody has.
        wrong: what is wrong with the answers about the network.
    """
    if not lan or not wrong:
        return "The network is not known yet: look at the machines first (Discovery)."
    return f"An answer about the network is wrong (step Network). {wrong[0].text} {wrong[0].hint}"


def capacity(layout: Layout) -> Content:
    """Each hypervisor alone with the witness: a bar, and what would not start."""
    rows: list[Content] = [told(("If only one remains", STRONG)), told("")]
    for host in layout.hosts:
        rows += [*_alone(host), told("")]
    return lines([*rows, *_source(layout)])


def _source(layout: Layout) -> Iterator[Content]:
    """Whose sizes these are; of those that were agreed on, what a proposal of today would have otherwise."""
    if layout.approved_at is None:
        own = "Your own sizes. ctrl+r forgets them."
        yield told(("Proposed by the wizard." if layout.proposed else own, MUTED))
        return
    yield told(
        (f"Agreed on {local_time(layout.approved_at)}. They stay, whatever changes on the hosts.", MUTED)
    )
    if layout.differs:
        yield told("")
        yield told(("A proposal of today would differ:", MUTED))
        yield from (labelled("-", (text, MUTED), width=1) for text in layout.differs)


def _alone(host: HostLayout) -> Iterator[Content]:
    sign = Sign.DONE if host.alone.ok else Sign.FAILED
    yield signed(sign, host.name, " carries everything" if host.alone.ok else " is not enough")
    if host.memory and host.reserved is not None:
        used = host.given_memory + host.reserved
        full = min(BAR, max(0, round(BAR * used / host.memory)))
        yield told((f"{'█' * full}{'░' * (BAR - full)}", STYLES[sign]))
        yield told((f"{gib(used)} of {gib(host.memory)} memory", MUTED))
    if host.cpus:
        yield told((f"{host.given_cpus} cpus given, {host.cpus} there", MUTED))
    if not host.alone.ok:
        yield told(f"would not start: {', '.join(host.alone.wont_start)}")
        yield from (told((reason, MUTED)) for reason in host.alone.reasons)


def problem_lines(layout: Layout | None, wrong: Sequence[Problem]) -> Content:
    """What does not fit, with what to do."""
    rows = [
        signed(Sign.FAILED if one.level == "error" else Sign.NEEDS, f"{one.text} {one.hint}") for one in wrong
    ]
    for one in sorted(layout.problems if layout else (), key=lambda one: one.level != "refused"):
        rows.append(signed(Sign.FAILED if one.level == "refused" else Sign.NEEDS, one.text))
        rows.append(labelled("   do", one.do, width=5))
    return lines([told(""), *rows]) if rows else Content("")
