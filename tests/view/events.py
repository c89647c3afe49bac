"""A run of two steps as a stream of events, with times of its own."""

from __future__ import annotations

from wizard.core.check import Finding, Status
from wizard.core.events import (
    ChangeFinished,
    ChangeProgress,
    ChangeStarted,
    CheckFinished,
    Event,
    Output,
    RunFinished,
    RunStarted,
    StepFinished,
    StepPlanned,
    StepStarted,
)

BEGAN = 1_700_000_000.0
STEPS = (("machines", "Machines"), ("etcd", "etcd cluster"))
PLANNED = (
    ("create:etcd-a", "tower-a", "Make etcd-a on tower-a", 10.0),
    ("create:etcd-b", "tower-b", "Make etcd-b on tower-b", 30.0),
)


def started(after: float = 0.0) -> RunStarted:
    return RunStarted(at=BEGAN + after, command="apply", cluster="home", steps=STEPS)


def planned(after: float = 1.0) -> list[Event]:
    return [
        started(),
        StepStarted(at=BEGAN + after, step="machines", title="Machines"),
        StepPlanned(at=BEGAN + after, step="machines", changes=PLANNED),
    ]


def begun(number: int, after: float) -> ChangeStarted:
    key, host, summary, _ = PLANNED[number]
    return ChangeStarted(at=BEGAN + after, step="machines", change=key, host=host, summary=summary)


def waits(number: int, after: float, text: str, fraction: float | None = None) -> ChangeProgress:
    key, host, _, _ = PLANNED[number]
    return ChangeProgress(
        at=BEGAN + after, step="machines", change=key, host=host, text=text, fraction=fraction
    )


def ended(number: int, after: float, status: str = "done", detail: str = "") -> ChangeFinished:
    key, host, summary, _ = PLANNED[number]
    return ChangeFinished(
        at=BEGAN + after,
        step="machines",
        change=key,
        host=host,
        summary=summary,
        status=status,
        detail=detail,
        seconds=after,
    )


def step_ended(after: float, status: str = "done", step: str = "machines") -> StepFinished:
    title = dict(STEPS)[step]
    return StepFinished(at=BEGAN + after, step=step, title=title, status=status, seconds=after)


def run_ended(after: float, status: str = "done") -> RunFinished:
    return RunFinished(at=BEGAN + after, command="apply", status=status, changes=2, seconds=after)


def check(status: Status, after: float, **fields: str) -> CheckFinished:
    told = {"check": "etcd.quorum", "step": "etcd", "title": "etcd has a leader", "detail": "No leader."}
    finding = Finding(status=status, **{**told, **fields})  # type: ignore[arg-type]
    return CheckFinished(at=BEGAN + after, finding=finding)


def output(text: str, after: float = 2.0, host: str = "tower-a") -> Output:
    return Output(at=BEGAN + after, step="machines", change="create:etcd-a", host=host, line=text)
