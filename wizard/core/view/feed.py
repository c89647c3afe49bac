"""Between the threads that work and the screen that shows: a queue the screen empties in its own time."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wizard.core.dataclass import dataclass
from wizard.core.events import (
    ChangeFinished,
    ChangeProgress,
    ChangeStarted,
    CheckFinished,
    Event,
    HostState,
    Note,
    Output,
    RunFinished,
    StepFinished,
    StepStarted,
)
from wizard.core.text import printable
from wizard.core.view.durations import seconds_text
from wizard.core.view.progress import RunView, folded, with_plan

if TYPE_CHECKING:
    from wizard.core.engine.plan import Plan

KEPT_LINES = 2000
"""Lines of the log the screen holds; the file has them all."""
KEPT_OUTPUT = 500
"""Lines of output that wait for the screen; where more come, the oldest of them are passed over."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What came since the screen last looked."""

    view: RunView
    lines: tuple[str, ...]
    """For the log pane."""
    changed: bool
    """Whether anything but the log changed."""


class Feed:
    """A sink for events that never blocks, and the picture made of them.

    Args:
        kept: lines of output that may wait.
        wake: called from a writer's thread when something waits; once, however much comes until it is drained.
    """

    def __init__(self, kept: int = KEPT_OUTPUT, wake: Callable[[], None] = lambda: None) -> None:
        self._guard = threading.Lock()
        self._events: deque[Event] = deque()
        self._output: deque[Output] = deque(maxlen=kept)
        self._came = 0
        self._wake = wake
        self._woken = False
        self._plan: Plan | None = None
        self._said: dict[tuple[str, str], str] = {}
        self.view = RunView()
        """The picture, as of the last time it was drained."""
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        """The last lines, for a log that is opened later."""

    def __call__(self, event: Event) -> None:
        """Take an event, from any thread."""
        with self._guard:
            if isinstance(event, Output):
                self._output.append(event)
                self._came += 1
            else:
                self._events.append(event)
            call, self._woken = not self._woken, True
        if call:
            self._wake()

    def expect(self, plan: Plan) -> None:
        """Take the plan that is about to be carried out, from any thread: the bar knows the whole way from the beginning.

        Args:
            plan: as approved.
        """
        with self._guard:
            self._plan = plan
            call, self._woken = not self._woken, True
        if call:
            self._wake()

    def drain(self) -> Drained:
        """Everything that came since, folded into the picture. Called by the screen's own thread."""
        with self._guard:
            events, output, came = list(self._events), list(self._output), self._came
            plan, self._plan = self._plan, None
            self._events.clear()
            self._output.clear()
            self._came = 0
            self._woken = False
        self.view = folded(self.view, events)
        if plan is not None:
            self.view = with_plan(self.view, plan)
        lines = list(_merged(self._news(events), output, came - len(output)))
        self.log.extend(lines)
        return Drained(self.view, tuple(lines), bool(events) or plan is not None)

    def _news(self, events: list[Event]) -> Iterator[Event]:
        """Without what was said before: a wait that only counts is one line of the log, not hundreds."""
        for event in events:
            if isinstance(event, ChangeProgress):
                said = _NUMBERS.sub("", event.text)
                if self._said.get((event.step, event.change)) == said:
                    continue
                self._said[event.step, event.change] = said
            yield event


_NUMBERS = re.compile(r"\d+")


def _merged(events: Iterable[Event], output: list[Output], passed_over: int) -> Iterator[str]:
    if passed_over > 0:
        yield f"{'':10}({passed_over} more lines are in the log file only)"
    for event in sorted([*events, *output], key=lambda one: one.at):
        text = log_line(event)
        if text:
            yield text


def log_line(event: Event) -> str:
    """The line of an event in the log; empty where it has none.

    Args:
        event: any.
    """
    text = _log_text(event)
    if not text:
        return ""
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    return f"{clock}  {printable(text)}"


def _log_text(event: Event) -> str:
    tell = _TOLD.get(type(event))
    return tell(event) if tell else ""


def _ended(event: ChangeFinished) -> str:
    sign = {"done": "ok", "not-started": "--"}.get(event.status, "xx")
    detail = f": {event.detail}" if event.status != "done" and event.detail else ""
    took = f" ({seconds_text(event.seconds)})" if event.status == "done" else f" {event.status}"
    return f"{event.host:<10} {sign} {event.summary}{took}{detail}"


def _checked(event: CheckFinished) -> str:
    found = event.finding
    return f"{found.host or 'cluster':<10} {found.status}: {found.check}: {found.detail}"


_TOLD: Mapping[type[Event], Callable[[Any], str]] = MappingProxyType(
    {
        Output: lambda event: f"{event.host:<10} | {event.line}",
        ChangeStarted: lambda event: f"{event.host:<10} .. {event.summary}",
        ChangeProgress: lambda event: f"{event.host:<10} .. {event.text}",
        ChangeFinished: _ended,
        StepStarted: lambda event: event.title,
        StepFinished: lambda event: f"{event.title}: {event.status} after {seconds_text(event.seconds)}",
        CheckFinished: _checked,
        HostState: lambda event: f"{event.host:<10} {event.status} {event.detail}".rstrip(),
        Note: lambda event: event.text,
        RunFinished: lambda event: f"{event.command} {event.status} after {seconds_text(event.seconds)}",
    }
)
