"""Apply: step by step, checks before, changes, checks after; what failed keeps back only what needs it.

A step has the run to itself, but for those it names in `beside`: it begins once their checks before have held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field
from queue import SimpleQueue

from wizard.core.check import Finding, Level, Status, When, unmet
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.engine.changes import Outcome, Tools, run_changes
from wizard.core.engine.checks import Assertion, run_checks
from wizard.core.engine.order import in_order, kept_back
from wizard.core.engine.plan import PlannedStep, plan_step
from wizard.core.errors import RESUMES, CancelledError, LinkLostError, WizardError
from wizard.core.events import StepFinished, StepPlanned, StepStarted
from wizard.core.state import RunState, StepStatus
from wizard.core.step import Step


@dataclass(slots=True)
class ApplyResult:
    """What an apply came to."""

    changes: int = 0
    """Changes that were done."""
    failed: list[str] = field(default_factory=list)
    """Ids of the steps that did not end well."""
    stopped: bool = False
    errors: list[WizardError] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    state: RunState | None = None
    """What is remembered after a repair; None after anything else."""

    @property
    def unmet(self) -> list[WizardError]:
        """What kept it from its end besides its errors: checks that forbade a step, else checks that fail after all.

        Where nothing else says it, what could not be looked at. A check whose cause another one says is left to that
        one only where that one was made too: the checks of earlier steps are not made again.
        """
        failing = [item for item in self.findings if item.status is Status.FAIL]
        made = {item.check for item in failing}
        wrong = [item for item in failing if item.explained_by not in made]
        fatal = [item for item in wrong if item.level is Level.FATAL]
        unseen = [item for item in self.findings if item.unseen] if self.failed else []
        return [unmet(item) for item in fatal or ([] if self.errors else wrong or unseen)]

    @property
    def status(self) -> str:
        """`done`, `failed` or `stopped`."""
        if self.failed:
            return "failed"
        return "stopped" if self.stopped else "done"

    def add(self, part: ApplyResult) -> None:
        """Count in what one step came to."""
        self.changes += part.changes
        self.failed += part.failed
        self.stopped |= part.stopped
        self.errors += part.errors
        self.findings += part.findings


def apply_steps(steps: Sequence[Step], ctx: Context, tools: Tools) -> ApplyResult:
    """Bring about what every step finds missing.

    Args:
        steps: in the order of the story.
        ctx: what the steps look at; hosts that were changed are read again.
        tools: what the changes need.

    Raises:
        StateError: the run state could not be saved, or another cluster's marker was found.
    """
    return _Run(ctx, tools, in_order(steps)).to_the_end()


def apply_part(planned: PlannedStep, ctx: Context, tools: Tools) -> ApplyResult:
    """Bring about a part of what one step finds missing, with all checks of the step before and after.

    Args:
        planned: the step, and the changes that are wanted of it.
        ctx: what the step looks at.
        tools: what the changes need.

    Raises:
        StateError: the run state could not be saved.
    """
    result = ApplyResult()
    step, began = planned.step, time.monotonic()
    tools.emit(StepStarted(step=step.id, title=step.title))
    if _fatal(_check(step, When.BEFORE, ctx, tools, result)):
        _finish(step, "failed", began, tools, result)
        return result
    _carry_out(planned, began, ctx, tools, result)
    return result


@dataclass(slots=True)
class _Run:
    """Whose turn it is."""

    ctx: Context
    tools: Tools
    waiting: list[Step]
    running: dict[Future[ApplyResult], Step] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    """Steps whose checks before have held."""
    result: ApplyResult = field(default_factory=ApplyResult)
    news: SimpleQueue[str | Future[ApplyResult]] = field(default_factory=SimpleQueue)
    """The id of a step that was opened, or a step that has ended."""

    def to_the_end(self) -> ApplyResult:
        with ThreadPoolExecutor(max(1, len(self.waiting)), thread_name_prefix="step") as pool:
            while self.waiting or self.running:
                while self.waiting and self._may_begin(self.waiting[0]):
                    self._begin(self.waiting.pop(0), pool)
                if self.running:
                    self._hear(self.news.get())
        return self.result

    def _may_begin(self, step: Step) -> bool:
        busy = {one.id for one in self.running.values()}
        return busy <= self.opened & set(step.beside)

    def _begin(self, step: Step, pool: ThreadPoolExecutor) -> None:
        if self.tools.control.stop.is_set():
            self.result.stopped = True
            self.waiting.clear()
        elif kept_back(step, self.result.failed, self.opened):
            self.result.failed.append(step.id)
            self.tools.emit(StepFinished(step=step.id, title=step.title, status="blocked"))
        else:
            future = pool.submit(_apply_step, step, self.ctx, self.tools, self.news.put)
            self.running[future] = step
            future.add_done_callback(self.news.put)

    def _hear(self, news: str | Future[ApplyResult]) -> None:
        if isinstance(news, str):
            self.opened.add(news)
            return
        del self.running[news]
        if news.exception() is not None:
            # What is done beside it ends in order, and nothing more is begun.
            self.tools.control.stop.set()
        self.result.add(news.result())


def _apply_step(step: Step, ctx: Context, tools: Tools, opened: Callable[[str], object]) -> ApplyResult:
    result = ApplyResult()
    began = time.monotonic()
    tools.emit(StepStarted(step=step.id, title=step.title))
    before = _check(step, When.BEFORE, ctx, tools, result)
    if _fatal(before):
        _finish(step, "failed", began, tools, result)
        return result
    opened(step.id)
    planned = plan_step(step, ctx)
    if planned.error is not None:
        result.errors.append(planned.error)
        _finish(step, "failed", began, tools, result)
        return result
    _carry_out(planned, began, ctx, tools, result)
    return result


def _carry_out(planned: PlannedStep, began: float, ctx: Context, tools: Tools, result: ApplyResult) -> None:
    step = planned.step
    outcome = _change(planned, ctx, tools, result)
    if _stopped(outcome, tools):
        result.stopped = True
        _finish(step, "stopped", began, tools, result)
        return
    after = _check(step, When.AFTER, ctx, tools, result)
    well = outcome.complete and not any(item.status is Status.FAIL for item in after)
    _finish(step, "done" if well and not _blind(after) else "failed", began, tools, result)


def _change(planned: PlannedStep, ctx: Context, tools: Tools, result: ApplyResult) -> Outcome:
    step = planned.step
    tools.emit(
        StepPlanned(
            step=step.id,
            changes=tuple((item.key, item.host, item.summary, item.weight) for item in planned.changes),
        )
    )
    if planned.changes:
        tools.journal.step(step.id, StepStatus.HALF_DONE)
    outcome = run_changes(step.id, planned.changes, tools)
    for change in planned.changes:
        ctx.cache.forget(change.host)
    if planned.changes:
        ctx.cache.forget_answers()
    result.changes += len(outcome.done)
    result.errors += outcome.failed.values()
    return outcome


def _stopped(outcome: Outcome, tools: Tools) -> bool:
    """Whether the person's wish, and nothing else, kept the step from its end."""
    if not tools.control.stop.is_set():
        return False
    wished = all(isinstance(error, CancelledError | LinkLostError) for error in outcome.failed.values())
    return wished and not outcome.complete


def _check(step: Step, when: When, ctx: Context, tools: Tools, result: ApplyResult) -> list[Finding]:
    assertions = [Assertion(step.id, check) for check in step.checks(ctx) if check.when is when]
    findings = run_checks(assertions, ctx, tools.emit, tools.control)
    result.findings += findings
    return findings


def _fatal(findings: Sequence[Finding]) -> bool:
    return any(item.status is Status.FAIL and item.level is Level.FATAL for item in findings)


def _blind(findings: Sequence[Finding]) -> bool:
    """Whether something could not be looked at because of something else that is broken."""
    return any(item.unseen for item in findings)


def _finish(step: Step, status: str, began: float, tools: Tools, result: ApplyResult) -> None:
    if status == "done":
        tools.journal.step(step.id, StepStatus.DONE)
    if status == "failed":
        result.failed.append(step.id)
    seconds = round(time.monotonic() - began, 3)
    tools.emit(StepFinished(step=step.id, title=step.title, status=status, seconds=seconds))


def stopped_error(done: int) -> CancelledError:
    """What is said when the person stopped a run.

    Args:
        done: changes done before.
    """
    return CancelledError(
        "Stopped as you asked.",
        where=f"after {done} change{'s' if done != 1 else ''}",
        why="You pressed Ctrl-C, or the terminal was closed.",
        do="wizard apply",
        again=RESUMES,
    )
