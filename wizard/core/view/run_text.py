"""A run in words: one sentence, a bar, the steps with the one at work opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING

from wizard.core.text import printable
from wizard.core.view.columns import wrapped
from wizard.core.view.durations import about, seconds_text
from wizard.core.view.progress import ChangeView, RunView, StepView, problems
from wizard.core.view.resume import count
from wizard.core.view.styled import Line, Tone, cut, line, padded

if TYPE_CHECKING:
    from wizard.core.errors import WizardError

FULL, EMPTY = "█", "░"
PERCENT = 6
"""Columns of the figure behind the bar."""
HOST = 10
"""Columns of a host's name."""
ROOMY = 56
"""Columns from which on a change's host has a column of its own; its summary mostly names it."""
INDENT = 4
"""Columns in front of what is said below a change."""

STEP_SIGNS = {
    "not-begun": ("--", Tone.DIM),
    "running": ("..", Tone.BUSY),
    "done": ("ok", Tone.OK),
    "failed": ("xx", Tone.BAD),
    "blocked": ("--", Tone.WARN),
    "stopped": ("!!", Tone.WARN),
}
CHANGE_SIGNS = {
    "planned": ("--", Tone.DIM),
    "running": ("..", Tone.BUSY),
    "done": ("ok", Tone.OK),
    "failed": ("xx", Tone.BAD),
    "unknown": ("??", Tone.WARN),
    "not-started": ("--", Tone.WARN),
}


class Leaving(Enum):
    """Whether the person asked the run to end."""

    NO = ""
    AFTER_THIS = "Stopping after this change"
    NOW = "Letting go now"


class Aim(Enum):
    """What a run is for: the words while it goes on, and once it has ended well."""

    BUILD = ("Building", "Built")
    MEND = ("Mending", "Mended")


def headline(view: RunView, now: float, leaving: Leaving = Leaving.NO, aim: Aim = Aim.BUILD) -> Line:
    """How it stands, in one line.

    Args:
        view: of the run.
        now: seconds since the epoch.
        leaving: whether it was asked to end.
        aim: what the run is for.
    """
    doing, did = aim.value
    so_far = f"{view.done} of {view.total}"
    took = seconds_text(view.elapsed(now))
    if view.status == "running" and leaving is not Leaving.NO:
        return line((leaving.value, Tone.WARN), (f" · {so_far}" if view.total else "", Tone.DIM))
    if view.status == "running":
        left = view.left(now)
        if not view.total:
            return line(("Looking at your hosts", Tone.STRONG), (f" · {took}", Tone.DIM))
        rest = f" · {about(left)} left" if left is not None else ""
        return line((doing, Tone.STRONG), f" · {so_far}{rest}")
    words = {
        "done": (did, Tone.OK, f" · {count(view.done)} in {took}"),
        "failed": ("Not finished", Tone.BAD, f" · {so_far} done"),
        "stopped": ("Stopped", Tone.WARN, f" · {so_far} done"),
    }
    word, tone, rest = words.get(view.status, ("Nothing runs", Tone.DIM, ""))
    return line((word, tone), rest)


def bar(view: RunView, now: float, width: int) -> Line:
    """How far it is: a bar, and the same as a figure.

    Args:
        view: of the run.
        now: seconds since the epoch.
        width: columns of both.
    """
    fraction = view.fraction(now)
    room = max(width - PERCENT, 1)
    full = round(fraction * room)
    return line((FULL * full, Tone.ACCENT), (EMPTY * (room - full), Tone.DIM), f"{fraction:>5.0%}")


def step_lines(view: RunView, width: int) -> list[Line]:
    """The steps, each in a line with what it came to.

    Args:
        view: of the run.
        width: columns.
    """
    return [_step(step, width) for step in view.steps]


def current_lines(view: RunView, now: float, width: int, height: int) -> list[Line]:
    """The step at work and its changes; the other steps stand in the rail.

    Args:
        view: of the run.
        now: seconds since the epoch.
        width: columns.
        height: rows.
    """
    if view.step is None:
        return [_host(name, status) for name, status in view.hosts.items()][:height]
    at_work = [step for step in view.steps if step.status == "running"] or [view.step]
    share = max(height // len(at_work), 3)
    rows: list[Line] = []
    for step in at_work:
        rows += [_step(step, width), *_opened(step, view, now, width, share - 1)]
    return rows[:height]


def leaving_lines(view: RunView, now: float, width: int, height: int, leaving: Leaving) -> list[Line]:
    """A run that was asked to end: what it waits for, and what comes of asking again.

    Args:
        view: of the run.
        now: seconds since the epoch.
        width: columns.
        height: rows.
        leaving: what it was asked.
    """
    running = [change for _, change in view.running]
    if leaving is Leaving.NOW:
        told = f"Waiting until {'what was begun is saved' if running else 'the hosts are let go of'}."
        return [*_quiet(told, width), line(""), *_quiet(f"{GOES_ON[0].upper()}{GOES_ON[1:]}", width)]
    ends = {0: "the hosts to answer.", 1: "this to end:"}.get(len(running), f"these {len(running)} to end:")
    first = _quiet(f"Nothing more is begun. Waiting for {ends}", width)
    last = [line(""), *_quiet(f"Press c again to let go now: {GOES_ON}", width)]
    rows = [row for one in running for row in _change(one, now, width)]
    return [*first, *rows[: max(height - len(first) - len(last), 1)], *last]


GOES_ON = "what runs on a host goes on there, and the next start looks what became of it."


def _quiet(text: str, width: int) -> list[Line]:
    return [line((part, Tone.DIM)) for part in wrapped(text, width, "", "")]


def _host(name: str, status: str) -> Line:
    """A host that is being looked at before anything is known to be missing."""
    sign, tone = _HOST_SIGNS[status]
    return line((sign, tone), f" {name}: {status}")


_HOST_SIGNS = {"connecting": ("..", Tone.BUSY), "connected": ("ok", Tone.OK), "failed": ("xx", Tone.BAD)}


def _step(step: StepView, width: int) -> Line:
    sign, tone = STEP_SIGNS[step.status]
    told = line((sign, tone), " ", (step.title, Tone.PLAIN if step.status != "not-begun" else Tone.DIM))
    done = sum(one.status == "done" for one in step.changes)
    result = {
        "done": f"{count(done) if done else 'nothing to do'}",
        "running": f"{done} of {len(step.changes)}" if step.changes else "looking",
        "not-begun": f"{count(len(step.changes))}" if step.changes else "",
        "blocked": "not begun",
    }.get(step.status, step.status)
    return _justified(told, result, width)


def _justified(left: Line, right: str, width: int) -> Line:
    """Left text, right text, and the blanks between them."""
    room = max(width - len(right) - 1, 1)
    return (*padded(cut(left, room), room), *line(" ", (right, Tone.DIM)))


def _opened(step: StepView, view: RunView, now: float, width: int, room: int) -> list[Line]:
    """What runs, what is waited for, the last that was done and what comes next: the most telling that fit."""
    running = [one for one in step.changes if one.status == "running"]
    wrong = [one for one in step.changes if one.status in ("failed", "unknown")]
    ended = [one for one in step.changes if one.status == "done"]
    coming = [one for one in step.changes if one.status in ("planned", "not-started")]
    now_rows = [row for one in (*wrong, *running) for row in _change(one, now, width)]
    now_rows += [
        row
        for one in view.waits
        if one.step == step.id
        for row in _waited(f"{one.title}: {one.detail}", width)
    ]
    spare = max(room - len(now_rows), 0)
    before = (
        ended[-min(len(ended), max(spare - min(len(coming), spare // 2), 0)) :] if spare and ended else []
    )
    after = coming[: max(spare - len(before), 0)]
    rows = [row for one in before for row in _change(one, now, width)]
    rows += now_rows
    rows += [row for one in after for row in _change(one, now, width)]
    return rows[:room]


def _change(one: ChangeView, now: float, width: int) -> Iterator[Line]:
    """A change in one line; the one that runs is told whole."""
    sign, tone = CHANGE_SIGNS[one.status]
    took = ""
    if one.status == "done":
        took = seconds_text(one.seconds)
    elif one.status == "running":
        took = seconds_text(max(0.0, now - one.began))
    quiet = Tone.DIM if one.status == "planned" else Tone.PLAIN
    lead = f" {one.host or 'here':<{HOST}} " if width >= ROOMY else " "
    first, *more = _told(one, width - len(lead) - len(sign) - len(took) - 2)
    yield _justified(line(" ", (sign, tone), lead, (first, quiet)), took, width)
    for text in more:
        yield line(" " * (len(lead) + len(sign) + 1), (text, quiet))
    if one.status == "running" and one.waiting:
        share = f" ({one.fraction:.0%})" if one.fraction is not None else ""
        yield from _waited(f"{one.waiting}{share}", width)
    if one.status in ("failed", "unknown") and one.detail:
        for part in wrapped(one.detail, max(width - INDENT, 20), "", ""):
            yield line(" " * INDENT, (part, Tone.BAD))


def _told(one: ChangeView, room: int) -> list[str]:
    """Its summary, in two lines at most where it runs."""
    if one.status != "running":
        return [one.summary]
    return wrapped(one.summary, max(room, 16), "", "")[:2] or [one.summary]


def _waited(text: str, width: int) -> Iterator[Line]:
    for part in wrapped(f"waiting: {text}", max(width - INDENT, 20), "", "         ")[:3]:
        yield line(" " * INDENT, (part, Tone.BUSY))


def ending_lines(view: RunView, width: int, errors: Iterable[WizardError] = ()) -> list[Line]:
    """What is said of a run that did not come to its end: what went wrong, once each, and that going on is safe.

    Args:
        view: of the run.
        width: columns.
        errors: what kept it from its end, where that is known: why it went wrong, and what to do.
    """
    known = {printable(error.what): error for error in errors}
    rows: list[Line] = []
    for text in dict.fromkeys(problems(view)):
        first, *rest = wrapped(printable(text), max(width - 3, 20), "", "") or [""]
        rows.append(line(("xx", Tone.BAD), " ", (first, Tone.STRONG)))
        rows += [line("   ", (more, Tone.STRONG)) for more in rest]
        if error := known.get(printable(text)):
            rows += _why(error, width)
    if view.status in ("failed", "stopped"):
        text = "Going on is safe: what is done is not repeated, what was half done is looked at first."
        rows += _quiet(text, width)
    return rows


def _why(error: WizardError, width: int) -> Iterator[Line]:
    """Why, and what to do."""
    for label, text in (("why", error.why), *(("do", one) for one in error.do)):
        parts = wrapped(printable(text), max(width - INDENT - len(label), 20), "", "") if text else []
        for number, part in enumerate(parts):
            yield line("   ", ("" if number else label).ljust(len(label)), " ", part)
