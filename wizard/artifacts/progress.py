"""How far a download is: speed, time left, and lines about it at a bounded rate."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import field
from typing import TextIO

from wizard.artifacts.problems import amount
from wizard.core.dataclass import dataclass

REDRAW_SECONDS = 0.25
"""A terminal line is redrawn this often: fast enough to look alive (style.md, the 0.1 s and 1 s rules)."""

LINE_SECONDS = 5.0
"""A log gets a line this often."""

_WINDOW = 10.0
"""Seconds the speed is averaged over: long enough to be calm, short enough to follow a change."""

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Progress:
    """A download as it stands."""

    label: str
    done: int
    total: int | None
    speed: float
    """Bytes a second over the last seconds; 0 while it is not known."""

    @property
    def fraction(self) -> float | None:
        """How much of it is there, 0 to 1, where the whole is known."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def eta(self) -> float | None:
        """Seconds left at this speed."""
        return (self.total - self.done) / self.speed if self.total and self.speed > 0 else None

    def __str__(self) -> str:
        parts = [f"{self.label}: {amount(self.done)}"]
        if self.total:
            parts = [f"{self.label}: {amount(self.done)} of {amount(self.total)} ({self.fraction:.0%})"]
        if self.speed:
            parts.append(f"{amount(self.speed)}/s")
        if self.eta is not None:
            parts.append(f"{duration(self.eta)} left")
        return ", ".join(parts)


Report = Callable[[Progress], None]
"""Is told how far a download is, as often as bytes come; it decides what to show."""


def silent(_progress: Progress) -> None:
    """Shows nothing."""


def duration(seconds: float) -> str:
    """A time as a person reads it: `8 s`, `3 min 20 s`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


@dataclass(slots=True)
class Meter:
    """Turns counts of bytes into progress.

    Args:
        label: of the file.
        report: is told.
        clock: monotonic seconds.
    """

    label: str
    report: Report
    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def __call__(self, done: int, total: int | None) -> None:
        """Say that `done` bytes of `total` are there."""
        now = self.clock()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # it began anew
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        self.report(Progress(self.label, done, total, self._speed()))

    def _speed(self) -> float:
        (then, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - then) if now > then else 0.0


@dataclass(slots=True)
class Lines:
    """Shows progress on a stream: one line that is redrawn on a terminal, now and then a line elsewhere.

    Args:
        stream: usually stderr.
        redraw: whether a line may be drawn over.
        width: columns of the terminal.
        clock: monotonic seconds.
    """

    stream: TextIO
    redraw: bool
    width: int = 80
    clock: Callable[[], float] = time.monotonic
    _last: float = float("-inf")
    _open: bool = False

    def __call__(self, progress: Progress) -> None:
        """Show it, unless something was shown a moment ago."""
        now = self.clock()
        if now - self._last < (REDRAW_SECONDS if self.redraw else LINE_SECONDS):
            return
        self._last = now
        text = str(progress)
        if self.redraw:
            self.stream.write("\r" + text[: self.width - 1].ljust(self.width - 1))
        else:
            self.stream.write(text + "\n")
        self._open = self.redraw
        self.stream.flush()

    def say(self, text: str) -> None:
        """A whole line of talk."""
        if self._open:
            self.stream.write("\r" + " " * (self.width - 1) + "\r")
        self._open = False
        self._last = float("-inf")
        self.stream.write(text + "\n")
        self.stream.flush()
