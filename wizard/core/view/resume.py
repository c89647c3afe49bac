"""Where an earlier run was left, in the words both front ends use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.state import ChangeStatus, RunState, StepStatus
from wizard.core.text import printable
from wizard.core.view.columns import wrapped
from wizard.core.view.styled import Line, Tone, line

if TYPE_CHECKING:
    from wizard.core.engine.resume import Standing

NOT_THERE, TAKEN_AWAY = "(not there)", "(taken away)"


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of an earlier run that have the same standing."""

    word: str
    symbol: str
    tone: Tone
    names: tuple[str, ...]
    """What is told of them, one a line; only their number where everything is as it should be."""


def groups(left: Standing) -> list[Group]:
    """Done and still true, done but drifted, half done, not started: those there are.

    Args:
        left: how an earlier run stands against the world.
    """
    begun = left.holds or left.drifted or left.half
    found = (
        Group("done and still true", "ok", Tone.OK, (count(len(left.holds)),) if left.holds else ()),
        Group("done but drifted", "!!", Tone.WARN, left.drifted),
        Group("half done", "..", Tone.BUSY, left.half),
        Group("not started", "--", Tone.DIM, left.unstarted if begun else ()),
    )
    return [one for one in found if one.names]


def standing_lines(left: Standing, width: int) -> list[Line]:
    """Done and still true, drifted, half done, not started, and the answers that changed since.

    Args:
        left: how an earlier run stands against the world.
        width: columns.
    """
    rows: list[Line] = []
    for group in groups(left):
        if group.tone is Tone.OK:
            rows.append(line((group.symbol, group.tone), f" {group.word}", (f"  {group.names[0]}", Tone.DIM)))
            continue
        rows.append(line((group.symbol, group.tone), f" {group.word}", (f"  {len(group.names)}", Tone.DIM)))
        rows += [line("   ", part) for name in group.names for part in wrapped(name, width - 3, "", "  ")]
    if left.answers:
        rows.append(line(("!!", Tone.WARN), " answers that changed since"))
        rows += [
            line("   ", part)
            for one in left.answers
            for part in wrapped(answer_text(*one), width - 3, "", "  ")
        ]
    return rows


def answer_text(path: str, then: str, now: str) -> str:
    """An answer that changed since: `network.cidr: 10.0.0.0/24 -> 10.1.0.0/24`.

    Args:
        path: of the key.
        then: its value of the last apply; empty = it was not there.
        now: its value; empty = it was taken away.
    """
    return f"{printable(path)}: {printable(then) or NOT_THERE} -> {printable(now) or TAKEN_AWAY}"


def count(changes: int) -> str:
    """So many changes."""
    return f"{changes} change{'s' if changes != 1 else ''}"


def half_done(state: RunState | None) -> bool:
    """Whether an apply was begun on this cluster and did not come to its end.

    Args:
        state: as loaded; None = nothing was ever applied.
    """
    if state is None or not state.serial:
        return False
    unfinished = any(step.status is not StepStatus.DONE for step in state.steps.values())
    return unfinished or bool(state.in_flight()) or not state.steps


def remembered(state: RunState) -> Iterator[Line]:
    """What the run state alone remembers, before any host is asked: a line per step that was begun.

    Args:
        state: as loaded.
    """
    for step in state.steps.values():
        found = Counter(change.status for change in step.changes.values())
        told = ", ".join(f"{found[status]} {status}" for status in ChangeStatus if found[status])
        symbol, tone = ("ok", Tone.OK) if step.status is StepStatus.DONE else ("..", Tone.BUSY)
        yield line((symbol, tone), f" {step.id:<10} ", f"{step.status:<10} ", (told, Tone.DIM))


def last_touched(state: RunState) -> str:
    """When an apply last saved anything, as a person says it; empty = never.

    Args:
        state: as loaded.
    """
    steps = state.steps.values()
    times = [step.at for step in steps] + [one.at for step in steps for one in step.changes.values()]
    return f"{datetime.fromtimestamp(max(times)):%Y-%m-%d %H:%M}" if any(times) else ""
