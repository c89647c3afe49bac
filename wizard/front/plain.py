"""One line per event: what a person reads while a run goes on, without redraws, spinners or colour."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from wizard.core.check import Status
from wizard.core.events import (
    ChangeFinished,
    ChangeProgress,
    ChangeStarted,
    CheckFinished,
    Event,
    HostState,
    Note,
    RunFinished,
    StepFinished,
    StepStarted,
)
from wizard.core.text import printable
from wizard.core.view.durations import seconds_text
from wizard.front.streams import tell

_NUMBERS = re.compile(r"\d+")

WIDTH = 64
"""Column at which the result of a change begins: the line fits 80 columns with a short result."""


PROGRESS_SECONDS = 5.0
"""How often a change that only counts says how far it is; a line with other words is told at once."""


class PlainSink:
    """Prints events as they come. Safe from any thread; a broken pipe ends the talk, not the run.

    Args:
        out: where the lines go.
        verbose: also say which host is being connected to and which checks hold.
    """

    def __init__(self, out: TextIO, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._guard = threading.Lock()
        self._said: dict[tuple[str, str], str] = {}
        self._counted: dict[tuple[str, str], float] = {}
        self._busy: set[str] = set()
        self._lines: Mapping[type[Event], Callable[..., str | None]] = {
            HostState: self._host,
            StepStarted: self._step_started,
            StepFinished: self._step_finished,
            ChangeStarted: self._started,
            ChangeProgress: self._progress,
            ChangeFinished: self._finished,
            CheckFinished: self._check,
            Note: lambda event: _row(event, "", "", event.text),
            RunFinished: self._run_finished,
        }

    def __call__(self, event: Event) -> None:
        """Print the event's line, if it has one."""
        make = self._lines.get(type(event))
        with self._guard:
            line = make(event) if make else None
            if line is not None:
                self._write(line)

    def _write(self, line: str) -> None:
        try:
            self._out.write(printable(line) + "\n")
            self._out.flush()
        except (OSError, ValueError):  # a closed pipe, a terminal that is gone
            self._lines = {}

    def _host(self, event: HostState) -> str | None:
        if event.status == "failed":
            if event.host in self._busy:
                # A change is at work on it and says itself what it waits for: a guest that boots is not a broken host.
                return None
            # Told by the connection and by the pass that asked for it.
            if self._said.get(("", event.host)) == event.detail:
                return None
            self._said["", event.host] = event.detail
            return _row(event, "", event.host, f"cannot be used: {event.detail}")
        return _row(event, "", event.host, f"{event.status} ({event.detail})") if self._verbose else None

    def _step_started(self, event: StepStarted) -> str | None:
        return _row(event, event.step, "", event.title) if self._verbose else None

    def _step_finished(self, event: StepFinished) -> str | None:
        word = {"done": "ok", "blocked": "not begun: a step before it failed"}.get(event.status, event.status)
        return _row(event, event.step, "", f"{_dotted(event.title)} {word}")

    def _started(self, event: ChangeStarted) -> str | None:
        self._said.pop((event.step, event.change), None)
        self._counted.pop((event.step, event.change), None)
        self._busy.add(event.host)
        return None

    def _progress(self, event: ChangeProgress) -> str | None:
        key = (event.step, event.change)
        before = self._said.get(key, "")
        recent = event.at - self._counted.get(key, 0.0) < PROGRESS_SECONDS
        if before == event.text or (recent and _NUMBERS.sub("", before) == _NUMBERS.sub("", event.text)):
            return None
        self._said[key], self._counted[key] = event.text, event.at
        share = f" ({event.fraction:.0%})" if event.fraction is not None else ""
        return _row(event, event.step, event.host, f"waiting: {event.text}{share}")

    def _finished(self, event: ChangeFinished) -> str | None:
        self._busy.discard(event.host)
        summary = event.summary[:1].lower() + event.summary[1:]
        if event.status == "done":
            return _row(
                event, event.step, event.host, f"{_dotted(summary)} done in {seconds_text(event.seconds)}"
            )
        words = {"unknown": "not known how it ended", "not-started": "not begun"}
        detail = f": {event.detail}" if event.detail else ""
        word = words.get(event.status, event.status)
        return _row(event, event.step, event.host, f"{_dotted(summary)} {word}{detail}")

    def _check(self, event: CheckFinished) -> str | None:
        finding = event.finding
        if finding.status is Status.PASS and not self._verbose:
            return None
        if finding.status is Status.SKIP and not self._verbose:
            return None
        key = (finding.check, finding.host)
        text = f"{finding.status}: {finding.detail}"
        if self._said.get(key) == text:
            return None
        self._said[key] = text
        return _row(event, finding.step, finding.host, text)

    def _run_finished(self, event: RunFinished) -> str | None:
        if event.command != "apply":
            return None
        what = f"{event.changes} change{'s' if event.changes != 1 else ''} done"
        return _row(event, "", "", f"{event.status}: {what} in {seconds_text(event.seconds)}")


def tell_note(event: Event) -> None:
    """Say a note on stderr and nothing else: for commands whose stdout is data.

    Args:
        event: any.
    """
    if isinstance(event, Note):
        tell(printable(event.text))


def _row(event: Event, step: str, host: str, text: str) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    return f"{clock}  {step:<8} {host:<10} {text}".rstrip()


def _dotted(text: str) -> str:
    return text + " " + "." * max(3, WIDTH - 30 - len(text))
