"""The plan as a person approves it: step by step, and every loss by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.core.dataclass import dataclass
from wizard.core.engine.plan import Plan, PlannedStep
from wizard.core.text import printable
from wizard.core.view.columns import wrapped
from wizard.core.view.decided import decided_block
from wizard.core.view.durations import about
from wizard.core.view.progress import PRIOR_PACE
from wizard.core.view.resume import count
from wizard.core.view.styled import Line, Tone, line

TYPED_AT_MOST = 3
"""Names that have to be typed; of more losses their number is typed instead."""

_SERIAL = re.compile(r"\bserial[ :]+([A-Za-z0-9_-]+)")

SYMBOLS = {"done": "ok", "changes": "..", "unknown": "!!"}
TONES = {"done": Tone.OK, "changes": Tone.BUSY, "unknown": Tone.WARN}


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that the plan destroys."""

    text: str
    """So that a person recognises it: model, serial, size, what is on it."""
    summary: str
    """The change that destroys it."""
    host: str

    @property
    def token(self) -> str:
        """What a person types to say that they mean this one: its serial, else what it is called."""
        found = _SERIAL.search(self.text)
        return found[1] if found else re.split(r"[:,\s]", self.text.strip(), maxsplit=1)[0]


def losses(plan: Plan) -> list[Loss]:
    """Everything that would be lost, in the order of the plan.

    Args:
        plan: as made.
    """
    return [
        Loss(printable(loss), printable(change.summary), change.host)
        for item in plan.steps
        for change in item.changes
        for loss in change.destroys
    ]


def confirmation(lost: list[Loss]) -> str:
    """What has to be typed before anything is destroyed; empty where nothing is.

    Args:
        lost: of the plan.
    """
    tokens = list(dict.fromkeys(one.token for one in lost))
    if not tokens:
        return ""
    return " ".join(tokens) if len(tokens) <= TYPED_AT_MOST else f"destroy {len(lost)}"


def confirmed(typed: str, lost: list[Loss]) -> bool:
    """Whether what was typed is what has to be; blanks around and between the words do not matter.

    Args:
        typed: by the person.
        lost: of the plan.
    """
    return bool(lost) and typed.split() == confirmation(lost).split()


def sum_text(plan: Plan) -> str:
    """One sentence: how much is to be done, how long that takes, what is lost.

    Args:
        plan: as made.
    """
    if plan.changes == 0:
        return "Nothing to do." if not plan.errors else "Nothing to do as far as could be seen."
    weight = sum(change.weight for item in plan.steps for change in item.changes)
    gone = f"{plan.destroys} thing{'s' if plan.destroys != 1 else ''} destroyed"
    lost = gone if plan.destroys else "nothing destroyed"
    return f"{count(plan.changes)}, about {about(weight * PRIOR_PACE)}, {lost}."


def plan_lines(plan: Plan, width: int, *, previews: bool = False) -> list[Line]:
    """What was decided where it does not simply hold, then the plan, step by step.

    Args:
        plan: as made.
        width: columns.
        previews: also show the command or file behind each change.
    """
    decided = [line((text, Tone.PLAIN)) for text in decided_block(plan.decided, width=width)]
    return [*decided, *(one for item in plan.steps for one in _step(item, width, previews))]


def _step(item: PlannedStep, width: int, previews: bool) -> Iterator[Line]:
    detail = {"done": "nothing to do", "changes": count(len(item.changes))}.get(item.status, "")
    if item.error is not None:
        detail = item.error.what
    yield line(
        (SYMBOLS[item.status], TONES[item.status]), " ", (f"{item.step.title:<15}", Tone.STRONG), f" {detail}"
    )
    for change in item.changes:
        lead = f"   {change.host or 'here':<10} "
        yield from _hung(change.summary, lead, width)
        if previews:
            for row in printable(change.preview, keep_newlines=True).splitlines():
                yield line((f"   {'':<10}   {row}", Tone.DIM))
        for loss in change.destroys:
            for part in wrapped(f"!! destroys {loss}", max(width - len(lead), 20), "", "   "):
                yield line(" " * len(lead), (part, Tone.BAD))


def _hung(text: str, lead: str, width: int) -> Iterator[Line]:
    """A sentence behind a host's name, its further lines below its first."""
    for index, part in enumerate(wrapped(text, max(width - len(lead), 20), "", "")):
        yield line((lead if not index else " " * len(lead), Tone.DIM), part)
