"""Runs the changes of one step: side by side over hosts, in order on each, every begin and end on disk first."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import field
from itertools import count

from wizard.core.artifact import Artifacts, NoArtifacts
from wizard.core.change import Change
from wizard.core.context import Work
from wizard.core.dataclass import dataclass
from wizard.core.engine.checks import WORKERS
from wizard.core.engine.control import Control
from wizard.core.engine.journal import Journal
from wizard.core.errors import (
    RESUMES,
    CancelledError,
    HostError,
    LinkLostError,
    RefusedError,
    StateError,
    UnreachableError,
    WizardError,
)
from wizard.core.events import ChangeFinished, ChangeProgress, ChangeStarted, Output, Sink
from wizard.core.host import Hosts
from wizard.core.kubernetes import Api, NoApi
from wizard.core.secrets import MemorySecrets, SecretKeeper
from wizard.core.spec import ClusterSpec
from wizard.core.state import ChangeStatus
from wizard.core.text import printable

RECONNECT_PAUSES = (1.0, 3.0, 8.0, 20.0)
"""Seconds before each new try to reach a host whose link broke in the middle of a change."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What running a change needs besides the change."""

    spec: ClusterSpec
    hosts: Hosts
    journal: Journal
    emit: Sink
    control: Control
    pauses: Sequence[float] = RECONNECT_PAUSES
    secrets: SecretKeeper = field(default_factory=MemorySecrets)
    artifacts: Artifacts = field(default_factory=NoArtifacts)
    kubernetes: Api = field(default_factory=NoApi)
    losses: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many things the person said yes to losing, by step and change; a step that is planned anew may find more.

    Counted and not compared by their words: how full a disk is changes while the plan is read.
    """


@dataclass(slots=True)
class Outcome:
    """How the changes of a step ended, by key."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, WizardError] = field(default_factory=dict)
    not_started: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything was done."""
        return not self.failed and not self.not_started


def run_changes(step: str, changes: Sequence[Change], tools: Tools) -> Outcome:
    """Do the changes of a step.

    A failed change keeps back those after it on its host and those that name it in `after`; the others go on.

    Args:
        step: its id.
        changes: in the order the step found them.
        tools: hosts, journal, events.

    Raises:
        StateError: the run state could not be saved; nothing more was begun.
    """
    waiting = _dependencies(changes)
    by_key = {change.key: change for change in changes}
    outcome = Outcome()
    running: dict[Future[WizardError | None], str] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="change") as pool:
        while True:
            for key in _ready(waiting, outcome, tools.control):
                del waiting[key]
                running[pool.submit(_do, step, by_key[key], tools)] = key
            if not running:
                break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                _take(future.result(), running.pop(future), outcome, tools.control)
    outcome.not_started = list(waiting)
    for key in waiting:
        change = by_key[key]
        tools.emit(_finished(step, change, "not-started"))
    for error in outcome.failed.values():
        if isinstance(error, StateError):
            raise error
    return outcome


def _dependencies(changes: Sequence[Change]) -> dict[str, set[str]]:
    """Each change's key to the keys that must be done first: those it names and the one before it on its host."""
    last: dict[str, str] = {}
    needs: dict[str, set[str]] = {}
    for change in changes:
        needs[change.key] = set(change.after)
        if change.host in last:
            needs[change.key].add(last[change.host])
        last[change.host] = change.key
    return needs


def _ready(waiting: Mapping[str, set[str]], outcome: Outcome, control: Control) -> list[str]:
    if control.stop.is_set():
        return []
    done = set(outcome.done)
    return [key for key, needs in waiting.items() if needs <= done]


def _take(error: WizardError | None, key: str, outcome: Outcome, control: Control) -> None:
    if error is None:
        outcome.done.append(key)
        return
    outcome.failed[key] = error
    if isinstance(error, StateError):
        control.stop.set()


def _do(step: str, change: Change, tools: Tools) -> WizardError | None:
    """One change from its first save to its last; the error that ended it, as a value."""
    began = time.monotonic()
    try:
        op = tools.journal.begin(step, change)
    except StateError as unsaved:
        return unsaved
    tools.emit(ChangeStarted(step=step, change=change.key, host=change.host, summary=change.summary))
    status, detail, error = _attempt(step, change, op, tools)
    try:
        tools.journal.end(step, change, status, detail)
    except StateError as unsaved:
        error = error or unsaved
    word = "unknown" if status is ChangeStatus.IN_FLIGHT else str(status)
    tools.emit(_finished(step, change, word, detail, time.monotonic() - began))
    return error


def _attempt(
    step: str, change: Change, op: str, tools: Tools
) -> tuple[ChangeStatus, str, WizardError | None]:
    broke = threading.Event()
    try:
        _may_destroy(step, change, tools)
        return ChangeStatus.DONE, _through_lost_links(step, change, op, tools, broke), None
    except (HostError, CancelledError) as error:
        # The host let us in a moment ago: whatever it says now, what was begun on it may have gone on.
        return ChangeStatus.IN_FLIGHT, error.what, error
    except StateError as error:
        # Somebody else has the host. That can come out after the link broke in the middle, too.
        return ChangeStatus.IN_FLIGHT if broke.is_set() else ChangeStatus.FAILED, error.what, error
    except WizardError as error:
        return ChangeStatus.FAILED, error.what, error
    except Exception as defect:  # noqa: BLE001 - the engine's boundary: a step's defect must not take the run down
        return ChangeStatus.FAILED, str(defect), _defect(change, defect)


def _may_destroy(step: str, change: Change, tools: Tools) -> None:
    """Nothing is destroyed that was not shown before the person said yes.

    Raises:
        RefusedError: it was found only since.
    """
    if len(change.destroys) > tools.losses.get((step, change.key), 0):
        raise RefusedError(
            f"{change.summary}: this was not in the plan that you said yes to.",
            where=change.host or "the cluster",
            why=f"What it would destroy was found only since: {'; '.join(change.destroys)}.",
            do="wizard apply",
            again=RESUMES,
        )


def _through_lost_links(step: str, change: Change, op: str, tools: Tools, broke: threading.Event) -> str:
    """Do it; when the link breaks, set `broke`, come back and take it up under the same operation id.

    The host is held for this run: whoever comes back to it is given the lock anew before anything is done there.
    A person who asked to stop does not wait for a host that may never come back: the next run asks it.
    """
    pauses = iter(tools.pauses)
    while True:
        try:
            return change.do(_work(step, change, op, tools))
        except (LinkLostError, UnreachableError) as error:
            broke.set()
            pause = next(pauses, None)
            if pause is None or tools.control.stop.is_set():
                raise _unknown(change, error) from error
            text = f"the link to {change.host} broke, trying again in {pause:.0f} s ({error.why})"
            tools.emit(ChangeProgress(step=step, change=change.key, host=change.host, text=printable(text)))
            tools.control.stop.wait(pause)


def _work(step: str, change: Change, op: str, tools: Tools) -> Work:
    def progress(text: str, fraction: float | None) -> None:
        said = printable(text)
        tools.emit(
            ChangeProgress(step=step, change=change.key, host=change.host, text=said, fraction=fraction)
        )

    def line(text: str) -> None:
        tools.emit(Output(step=step, change=change.key, host=change.host, line=printable(text)))

    return Work(
        host_name=change.host,
        hosts=tools.hosts,
        spec=tools.spec,
        state=tools.journal.state,
        op=op,
        progress=progress,
        line=line,
        cancelled=tools.control.detach,
        stopping=tools.control.stop,
        clock=tools.control.clock,
        secrets=tools.secrets,
        artifacts=tools.artifacts,
        kubernetes=tools.kubernetes,
        _numbers=count(1),
    )


def _finished(
    step: str, change: Change, status: str, detail: str = "", seconds: float = 0.0
) -> ChangeFinished:
    return ChangeFinished(
        step=step,
        change=change.key,
        host=change.host,
        summary=change.summary,
        status=status,
        detail=printable(detail),
        seconds=round(seconds, 3),
    )


def _unknown(change: Change, error: WizardError) -> LinkLostError:
    return LinkLostError(
        f"The link to {change.host} broke: {change.summary}",
        where=change.host,
        why=error.why,
        do=("Look at the network and the host.", "wizard apply"),
        again=RESUMES,
    )


def _defect(change: Change, defect: Exception) -> WizardError:
    return WizardError(
        f"This is a defect of the wizard: {change.summary} ended in {type(defect).__name__}.",
        where=f"{change.host or 'this machine'}, change {change.key}",
        why=str(defect) or type(defect).__name__,
        do="Report it with the output of `wizard state show --json`.",
        again=RESUMES,
    )
