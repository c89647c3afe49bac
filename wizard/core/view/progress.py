"""A run as it is seen while it goes on: the stream of events folded into one frozen picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wizard.core.check import Finding, Status
from wizard.core.dataclass import dataclass
from wizard.core.events import (
    ChangeFinished,
    ChangeProgress,
    ChangeStarted,
    CheckFinished,
    Event,
    HostState,
    Note,
    RunFinished,
    RunStarted,
    StepFinished,
    StepPlanned,
    StepStarted,
)

if TYPE_CHECKING:
    from wizard.core.engine.plan import Plan

NOTES = 50
"""How many notes are kept."""
PRIOR_SECONDS = 30.0
"""How much weight of work our own guess of the pace counts as, against the pace that is observed."""
PRIOR_PACE = 0.6
"""Seconds of the clock per second of weight before anything was observed: two hypervisors work side by side."""
ALMOST = 0.95
"""The most of itself that a change counts for before it is done."""
NEARLY = 0.99
"""The most that is told of a run before it is done: what is missing last may be expected to take no time."""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change of a step."""

    key: str
    host: str
    summary: str
    weight: float = 1.0
    """Expected seconds."""
    status: str = "planned"
    """`planned`, `running`, `done`, `failed`, `unknown` (the link was lost) or `not-started`."""
    waiting: str = ""
    """What is waited for, by name."""
    fraction: float | None = None
    began: float = 0.0
    seconds: float = 0.0
    """How long it took, once it ended."""
    detail: str = ""

    def share(self, now: float) -> float:
        """How much of it is done, 0 to 1.

        Args:
            now: seconds since the epoch.
        """
        if self.status == "done":
            return 1.0
        if self.status != "running":
            return 0.0
        if self.fraction is not None:
            return min(self.fraction, ALMOST)
        return min((now - self.began) / max(self.weight, 0.1), ALMOST) if now > self.began else 0.0


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the story."""

    id: str
    title: str
    status: str = "not-begun"
    """`not-begun`, `running`, `done`, `failed`, `blocked` or `stopped`."""
    changes: tuple[ChangeView, ...] = ()
    seconds: float = 0.0

    def change(self, key: str) -> ChangeView | None:
        """The change of that key."""
        return next((one for one in self.changes if one.key == key), None)


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything the screens show of one pass."""

    command: str = ""
    cluster: str = ""
    status: str = "idle"
    """`idle`, `running`, `done`, `failed` or `stopped`."""
    began: float = 0.0
    ended: float = 0.0
    steps: tuple[StepView, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By name: `connecting`, `connected`, `failed`."""
    waits: tuple[Finding, ...] = ()
    """Checks that do not hold yet and are tried again."""
    wrong: tuple[Finding, ...] = ()
    """Checks that failed."""
    unseen: tuple[Finding, ...] = ()
    """Checks that could not be made because of something else that is broken."""
    notes: tuple[str, ...] = ()
    error: str = ""
    """The last thing that went wrong, one sentence."""
    reached: float = 0.0
    """The furthest the bar has been: a plan that grows does not send it back."""

    @property
    def total(self) -> int:
        """How many changes are known of."""
        return sum(len(step.changes) for step in self.steps)

    @property
    def done(self) -> int:
        """How many changes are done."""
        return sum(change.status == "done" for step in self.steps for change in step.changes)

    @property
    def running(self) -> tuple[tuple[StepView, ChangeView], ...]:
        """The changes that are being made, each with its step."""
        return tuple((s, c) for s in self.steps for c in s.changes if c.status == "running")

    @property
    def step(self) -> StepView | None:
        """The step the run is at: the one that runs, else the last that was begun."""
        begun = [step for step in self.steps if step.status != "not-begun"]
        return next((step for step in begun if step.status == "running"), begun[-1] if begun else None)

    def weights(self, now: float) -> tuple[float, float]:
        """(weight done, weight of everything).

        Args:
            now: seconds since the epoch.
        """
        changes = [change for step in self.steps for change in step.changes]
        return sum(one.weight * one.share(now) for one in changes), sum(one.weight for one in changes)

    def fraction(self, now: float) -> float:
        """How far the run is, 0 to 1, by expected seconds; it never goes back.

        Args:
            now: seconds since the epoch.
        """
        if self.status == "done":
            return 1.0
        done, total = self.weights(now)
        return min(max(self.reached, done / total if total else 0.0), NEARLY)

    def elapsed(self, now: float) -> float:
        """Seconds since the run began, or that it took.

        Args:
            now: seconds since the epoch.
        """
        return max(0.0, (self.ended or now) - self.began) if self.began else 0.0

    def left(self, now: float) -> float | None:
        """Seconds that are left as far as one can tell: expected seconds at the pace seen so far.

        Args:
            now: seconds since the epoch.

        Returns:
            None where the run does not go on, or nothing is known to be missing.
        """
        done, total = self.weights(now)
        if self.status != "running" or not total:
            return None
        pace = (PRIOR_SECONDS * PRIOR_PACE + self.elapsed(now)) / (PRIOR_SECONDS + done)
        return max(0.0, (total - done) * pace)


def with_plan(view: RunView, plan: Plan) -> RunView:
    """The picture with everything the first plan found, so that the bar knows the whole way from the beginning.

    Args:
        view: as it is.
        plan: as approved.
    """
    found = {item.step.id: item.changes for item in plan.steps}
    steps = tuple(
        replace(
            step,
            changes=tuple(ChangeView(c.key, c.host, c.summary, c.weight) for c in found.get(step.id, ())),
        )
        if step.status == "not-begun"
        else step
        for step in view.steps
    )
    return replace(view, steps=steps)


def folded(view: RunView, events: Iterable[Event]) -> RunView:
    """The picture after some more events.

    Args:
        view: before them.
        events: in the order they came.
    """
    for event in events:
        fold = _FOLDS.get(type(event))
        if fold is not None:
            view = fold(view, event)
    return view


def _run_started(view: RunView, event: RunStarted) -> RunView:
    steps = tuple(StepView(name, title) for name, title in event.steps)
    return RunView(event.command, event.cluster, "running", began=event.at, steps=steps, hosts=view.hosts)


def _run_finished(view: RunView, event: RunFinished) -> RunView:
    return replace(view, status=event.status, ended=event.at, waits=())


def _host(view: RunView, event: HostState) -> RunView:
    return replace(view, hosts=MappingProxyType({**view.hosts, event.host: event.status}))


def _step_started(view: RunView, event: StepStarted) -> RunView:
    return _with_step(view, event.step, lambda step: replace(step, status="running"))


def _step_planned(view: RunView, event: StepPlanned) -> RunView:
    changes = tuple(ChangeView(*row) for row in event.changes)
    return _reached(_with_step(view, event.step, lambda step: replace(step, changes=changes)), event.at)


def _step_finished(view: RunView, event: StepFinished) -> RunView:
    waits = tuple(one for one in view.waits if one.step != event.step)
    error = view.error
    if event.status == "blocked":
        error = error or f"{event.title} was not begun: a step before it failed."
    view = replace(view, waits=waits, error=error)
    return _with_step(
        view, event.step, lambda step: replace(step, status=event.status, seconds=event.seconds)
    )


def _change_started(view: RunView, event: ChangeStarted) -> RunView:
    def begin(one: ChangeView) -> ChangeView:
        return replace(one, status="running", began=event.at, waiting="", fraction=None)

    return _with_change(view, event.step, event.change, begin, event)


def _change_progress(view: RunView, event: ChangeProgress) -> RunView:
    def go_on(one: ChangeView) -> ChangeView:
        return replace(one, waiting=event.text, fraction=event.fraction)

    return _with_change(view, event.step, event.change, go_on, event)


def _change_finished(view: RunView, event: ChangeFinished) -> RunView:
    def end(one: ChangeView) -> ChangeView:
        return replace(one, status=event.status, detail=event.detail, seconds=event.seconds, waiting="")

    view = _with_change(view, event.step, event.change, end, event)
    if event.status in ("failed", "unknown"):
        view = replace(view, error=event.detail or event.summary)
    return _reached(view, event.at)


def _check(view: RunView, event: CheckFinished) -> RunView:
    finding = event.finding
    same = (finding.check, finding.host)
    waits = tuple(one for one in view.waits if (one.check, one.host) != same)
    if finding.status is Status.WAITING:
        return replace(view, waits=(*waits, finding))
    if finding.status is Status.FAIL:
        wrong = tuple(one for one in view.wrong if (one.check, one.host) != same)
        error = view.error if finding.explained_by else finding.detail
        return replace(view, waits=waits, wrong=(*wrong, finding), error=error)
    unseen = (*view.unseen, finding) if finding.unseen else view.unseen
    return replace(view, waits=waits, unseen=unseen)


def _note(view: RunView, event: Note) -> RunView:
    return replace(view, notes=(*view.notes, event.text)[-NOTES:])


_FOLDS: Mapping[type[Event], Callable[[RunView, Any], RunView]] = MappingProxyType(
    {
        RunStarted: _run_started,
        RunFinished: _run_finished,
        HostState: _host,
        StepStarted: _step_started,
        StepPlanned: _step_planned,
        StepFinished: _step_finished,
        ChangeStarted: _change_started,
        ChangeProgress: _change_progress,
        ChangeFinished: _change_finished,
        CheckFinished: _check,
        Note: _note,
    }
)


def _reached(view: RunView, now: float) -> RunView:
    return replace(view, reached=view.fraction(now))


def _with_step(view: RunView, name: str, change: Callable[[StepView], StepView]) -> RunView:
    return replace(view, steps=tuple(change(one) if one.id == name else one for one in view.steps))


def _with_change(
    view: RunView,
    step: str,
    key: str,
    to: Callable[[ChangeView], ChangeView],
    event: ChangeStarted | ChangeProgress | ChangeFinished,
) -> RunView:
    """The picture with one change replaced; one that no plan named is added."""

    def with_it(one: StepView) -> StepView:
        if one.change(key) is None:
            summary = event.text if isinstance(event, ChangeProgress) else event.summary
            one = replace(one, changes=(*one.changes, ChangeView(key, event.host, summary)))
        return replace(one, changes=tuple(to(each) if each.key == key else each for each in one.changes))

    return _with_step(view, step, with_it)


def problems(view: RunView) -> Iterator[str]:
    """What went wrong, one sentence each, causes only: what broke off first, then what the checks found after it.

    Where neither says anything of a run that failed, what could not be looked at.
    """
    changes = (change for step in view.steps for change in step.changes)
    said = [one.detail for one in changes if one.status in ("failed", "unknown") and one.detail]
    said += [one.detail for one in _in_order(view.wrong) if not one.explained_by]
    yield from said or [one.detail for one in _in_order(view.unseen if view.status == "failed" else ())]


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Checks are made side by side: the order in which they ended tells nothing."""
    return sorted(findings, key=lambda one: (one.check, one.host))
