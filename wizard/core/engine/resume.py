"""Coming back to a run that was left: what became of the changes in flight, what still holds, what changed since."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wizard.core.context import numbered
from wizard.core.dataclass import dataclass
from wizard.core.engine.control import Control
from wizard.core.engine.journal import Journal
from wizard.core.engine.plan import Plan
from wizard.core.errors import HostError, RemoteError
from wizard.core.events import ChangeProgress, Note, Sink
from wizard.core.host import Operation, OpStatus, Reader
from wizard.core.state import ChangeRecord, ChangeStatus, RunState

POLL_SECONDS = 2.0
"""Pause between two questions about an operation that still runs."""

SETTLE_SECONDS = 1800.0
"""How long we wait for an operation an earlier run left running; a base image copy takes minutes."""


def settle_in_flight(
    journal: Journal, hosts: Mapping[str, Reader], emit: Sink, control: Control, *, poll: float = POLL_SECONDS
) -> None:
    """Ask each host what became of the operations an earlier run left in flight, and wait for those still running.

    Args:
        journal: the run state; each answer is saved in it.
        hosts: by name.
        emit: is told of each answer.
        control: lets go when the person stops the run.
        poll: seconds between two questions.
    """
    for step, record in journal.state.in_flight():
        if record.host not in hosts or not record.op:
            continue
        try:
            seen = _wait_for(step, record, hosts[record.host], emit, control, poll)
        except (HostError, RemoteError) as error:
            emit(Note(text=f"{record.host}: {record.summary}: cannot be asked about: {error.what}"))
            continue
        _record(journal, step, record, seen, emit)


def _wait_for(
    step: str, record: ChangeRecord, host: Reader, emit: Sink, control: Control, poll: float
) -> Operation:
    """The last operation of a change that the host knows of, once it no longer runs."""
    number, until = 1, control.clock() + SETTLE_SECONDS
    last = host.operation(record.op)
    while not control.stop.is_set():
        if last.status is OpStatus.RUNNING and control.clock() < until:
            text = f"still running on {record.host} since an earlier run"
            emit(ChangeProgress(step=step, change=record.key, host=record.host, text=text))
            control.stop.wait(poll)
            last = host.operation(numbered(record.op, number))
            continue
        if last.status is not OpStatus.DONE or last.exit_code != 0:
            return last
        number += 1
        following = host.operation(numbered(record.op, number))
        if following.status is OpStatus.ABSENT:
            return last
        last = following
    return last


def _record(journal: Journal, step: str, record: ChangeRecord, seen: Operation, emit: Sink) -> None:
    """Save what is known. What went well, still runs or was never begun stays in flight: the plan tells what is missing."""
    name = f"{record.host}: {record.summary}"
    if seen.status is OpStatus.DONE and seen.exit_code == 0:
        emit(Note(text=f"{name}: went on without us and was done"))
    elif seen.status is OpStatus.DONE:
        journal.settle(step, record, ChangeStatus.FAILED, f"ended with {seen.exit_code} without us")
        emit(Note(text=f"{name}: went on without us and failed with {seen.exit_code}"))
    elif seen.status is OpStatus.LOST:
        journal.settle(step, record, ChangeStatus.FAILED, "the host was reset or the operation was killed")
        emit(Note(text=f"{name}: was cut off on the host; looking at what is there"))
    elif seen.status is OpStatus.ABSENT:
        emit(Note(text=f"{name}: is not known to the host; looking at what is there"))


def close_in_flight(journal: Journal, plan: Plan) -> None:
    """Mark as done what was in flight and that the plan no longer finds missing: reality is the truth.

    Args:
        journal: the run state.
        plan: made after `settle_in_flight`; changes of hosts it could not ask stay in flight.
    """
    unknown = {host for host, _ in plan.unreachable}
    missing = {(item.step.id, change.key) for item in plan.steps for change in item.changes}
    blind = {item.step.id for item in plan.steps if item.error is not None}
    for step, record in journal.state.in_flight():
        if (step, record.key) in missing or record.host in unknown or step in blind:
            continue
        journal.settle(step, record, ChangeStatus.DONE, "found done on return")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an earlier run was left, held against the world."""

    holds: tuple[str, ...]
    """Done and still true."""
    drifted: tuple[str, ...]
    """Done once, no longer true."""
    half: tuple[str, ...]
    """Begun, its end not known."""
    unstarted: tuple[str, ...]
    answers: tuple[tuple[str, str, str], ...]
    """(path, then, now) of each answer that changed since."""


def standing(state: RunState, plan: Plan, answers: Mapping[str, str]) -> Standing:
    """Compare what the file remembers with what the plan found.

    Args:
        state: as loaded.
        plan: fresh from the hosts.
        answers: the spec as it is now, flattened.
    """
    missing = {(item.step.id, change.key): change.summary for item in plan.steps for change in item.changes}
    known = {(step.id, key): record for step in state.steps.values() for key, record in step.changes.items()}

    def of(test: Callable[[ChangeStatus, bool], bool]) -> tuple[str, ...]:
        return tuple(
            record.summary for place, record in known.items() if test(record.status, place in missing)
        )

    begun = tuple(known)
    return Standing(
        holds=of(lambda status, gone: status is ChangeStatus.DONE and not gone),
        drifted=of(lambda status, gone: status is ChangeStatus.DONE and gone),
        half=of(lambda status, _: status is ChangeStatus.IN_FLIGHT),
        unstarted=of(lambda status, gone: status in (ChangeStatus.NOT_STARTED, ChangeStatus.FAILED) and gone)
        + tuple(summary for place, summary in missing.items() if place not in begun),
        answers=changed_answers(state.answers, answers),
    )


def changed_answers(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """(path, old value, new value) of every answer that differs; empty for one that was added or taken away.

    Args:
        then: the answers of the last apply; empty where there was none.
        now: the answers of this one.
    """
    if not then:
        return ()
    paths = sorted({*then, *now})
    return tuple(
        (path, then.get(path, ""), now.get(path, "")) for path in paths if then.get(path) != now.get(path)
    )
