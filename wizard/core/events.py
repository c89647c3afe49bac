"""What happened, as frozen data. The log, the screens and the plain output are three sinks of one stream."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, field
from typing import ClassVar

from wizard.core.check import Finding
from wizard.core.dataclass import dataclass

EVENT_SCHEMA = 1
"""Version of the JSON lines written by `--events FILE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The common part: when it happened, seconds since the epoch."""

    kind: ClassVar[str]
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A plan, apply or doctor pass begins."""

    kind: ClassVar[str] = "run-started"
    command: str
    cluster: str
    steps: tuple[tuple[str, str], ...]
    """(id, title) of every step, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState(Event):
    """Reaching a host: `connecting`, `connected`, `failed`."""

    kind: ClassVar[str] = "host"
    host: str
    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """A step begins."""

    kind: ClassVar[str] = "step-started"
    step: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlanned(Event):
    """It is known what is missing; the weights make the progress bar."""

    kind: ClassVar[str] = "step-planned"
    step: str
    changes: tuple[tuple[str, str, str, float], ...]
    """(key, host, summary, weight)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """A step ended: `done`, `failed`, `blocked` (a step it needs failed) or `stopped`."""

    kind: ClassVar[str] = "step-finished"
    step: str
    title: str
    status: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStarted(Event):
    """A change begins."""

    kind: ClassVar[str] = "change-started"
    step: str
    change: str
    host: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProgress(Event):
    """How far a change is: a fraction where it can be known, and what is waited for, by name."""

    kind: ClassVar[str] = "change-progress"
    step: str
    change: str
    host: str
    text: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFinished(Event):
    """A change ended: `done`, `failed`, `unknown` (link lost, it may have gone on) or `not-started`."""

    kind: ClassVar[str] = "change-finished"
    step: str
    change: str
    host: str
    summary: str
    status: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinished(Event):
    """A check was made, or is being waited for (`finding.status` is `waiting`)."""

    kind: ClassVar[str] = "check-finished"
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Event):
    """A line a host printed while a change ran, already made printable."""

    kind: ClassVar[str] = "output"
    step: str
    change: str
    host: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Event):
    """Something worth a line that belongs to no change: what a resume found, a backup that was made."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The pass ended."""

    kind: ClassVar[str] = "run-finished"
    command: str
    status: str
    """`done`, `failed` or `stopped`."""
    changes: int
    seconds: float


Sink = Callable[[Event], None]
"""Where events go. It must not block and must be safe to call from any thread."""


def event_json(event: Event) -> dict[str, object]:
    """The event as one JSON object: `schema`, `event`, `at` and its own fields.

    Args:
        event: any event; it holds no secrets by construction, and a `Secret` in it would be written as its mask.
    """
    return {"schema": EVENT_SCHEMA, "event": event.kind, **asdict(event)}
