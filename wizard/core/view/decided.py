"""The machines that were proposed and every decision that does not simply hold, as a plan and its review show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from wizard.core.decide.judgements import Decided, Judgement
from wizard.core.decide.layout import Layout
from wizard.core.spec.model import MachineSpec
from wizard.core.spec.values import size_text
from wizard.core.view.columns import WIDTH, table, wrapped

SIGNS = {"refused": "!! REFUSED:", "accepted": " ! accepted:", "warning": " !"}
"""How a decision that does not simply hold is marked."""


def decided_block(decided: Decided | None, *, width: int = WIDTH) -> list[str]:
    """The lines before the steps of a plan, an empty one behind them; none where there is nothing to say.

    Args:
        decided: with the plan; None = nothing could be decided yet.
        width: columns.
    """
    if decided is None:
        return []
    lines = [*_machines(decided.layout, width)]
    lines += [text for one in decided.judged for text in _judgement(one, width)]
    return [*lines, ""] if lines else []


def measured_block(measured: Iterable[str], *, width: int = WIDTH) -> list[str]:
    """What was measured last, an empty line behind it; none where nothing is measured in such a cluster.

    Args:
        measured: sentences, as with the plan.
        width: columns.
    """
    lines = [line for text in measured for line in wrapped(text, width, "  -- ", "     ")]
    return ["Measured last:", *lines, ""] if lines else []


def machine_table(machines: Iterable[MachineSpec], *, width: int = WIDTH) -> list[str]:
    """The machines as a table, one a line.

    Args:
        machines: in the order they are shown.
        width: columns.
    """
    head = ("machine", "host", "address", "cpus", "memory", "disk", "data")
    return table(head, (_machine_row(one) for one in machines), width=width)


def local_time(at: float) -> str:
    """A time to the minute, as the clock of this machine shows it.

    Args:
        at: seconds since the epoch.
    """
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def _machine_row(one: MachineSpec) -> tuple[str, ...]:
    data = size_text(one.data_disk) if one.data_disk else "-"
    return (one.name, one.host, one.address, str(one.cpus), size_text(one.memory), size_text(one.disk), data)


def _machines(layout: Layout, width: int) -> Iterator[str]:
    if not layout.proposed or not layout.machines:
        return
    text = "The spec names no machines; these are proposed (wizard layout tells more):"
    if layout.approved_at is not None:
        text = f"The machines that were proposed, approved on {local_time(layout.approved_at)}:"
    yield from wrapped(text, width)
    yield from (f"  {row}" for row in machine_table(layout.machines, width=width - 2))


def _judgement(one: Judgement, width: int) -> Iterator[str]:
    if one.verdict == "holds":
        return
    yield from wrapped(f"{SIGNS[one.verdict]} {one.text}", width, "", "   ")
    yield from wrapped(f"({one.check}{f'; {one.evidence}' if one.evidence else ''})", width, "   ", "   ")
