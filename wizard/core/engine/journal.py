"""The write-ahead record of a run: what is begun is saved before the host hears of it, what is done right after."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace
from typing import Protocol

from wizard.core.change import Change
from wizard.core.state import ChangeRecord, ChangeStatus, RunState, StepStatus


class StateSaver(Protocol):
    """Where the run state is kept."""

    def save(self, state: RunState) -> None:
        """Replace the saved state.

        Raises:
            StateError: it could not be made durable; the old one is still there.
        """


class Journal:
    """The run state while a run goes on: every change of it is saved before it counts. Safe from any thread.

    Args:
        state: as loaded.
        saver: where it is kept.
    """

    def __init__(self, state: RunState, saver: StateSaver) -> None:
        self._state = state
        self._saver = saver
        self._guard = threading.Lock()

    @property
    def state(self) -> RunState:
        """The state as last saved."""
        return self._state

    def replace(self, state: RunState) -> None:
        """Save another state and go on from it."""
        with self._guard:
            self._save(state)

    def begin(self, step: str, change: Change) -> str:
        """Record that a change is about to begin and return the id of its operation.

        An attempt that was cut off is taken up under its old id, so that the host can tell it was there before;
        where the answers behind the change differ, or the old attempt is known to have ended, the id is new.
        """
        with self._guard:
            old = self._state.step(step).changes.get(change.key)
            op = old.op if old and _goes_on(old, change) else new_operation(step, change.key)
            self._put(step, change, ChangeStatus.IN_FLIGHT, op)
            return op

    def end(self, step: str, change: Change, status: ChangeStatus, evidence: str) -> None:
        """Record how a change ended."""
        with self._guard:
            op = self._state.step(step).changes[change.key].op
            self._put(step, change, status, op, evidence)

    def settle(self, step: str, record: ChangeRecord, status: ChangeStatus, evidence: str) -> None:
        """Record what became of a change an earlier run left in flight."""
        with self._guard:
            record = replace(record, status=status, evidence=evidence, at=time.time())
            self._save(self._state.with_change(step, record))

    def step(self, step: str, status: StepStatus) -> None:
        """Record where a step stands."""
        with self._guard:
            old = self._state.step(step)
            if old.status is not status:
                self._save(self._state.with_step(replace(old, status=status, at=time.time())))

    def _put(self, step: str, change: Change, status: ChangeStatus, op: str, evidence: str = "") -> None:
        record = ChangeRecord(
            change.key, change.host, change.summary, status, change.digest, op, time.time(), evidence
        )
        self._save(self._state.with_change(step, record))

    def _save(self, state: RunState) -> None:
        self._saver.save(state)
        self._state = state


def _goes_on(old: ChangeRecord, change: Change) -> bool:
    return old.status is ChangeStatus.IN_FLIGHT and bool(old.op) and old.digest == change.digest


def new_operation(step: str, key: str) -> str:
    """A fresh operation id, readable on the host: `hosts.marker-tower-a.3f9c01ab`."""
    slug = "".join(char if char.isalnum() else "-" for char in key.lower()).strip("-")
    return f"{step}.{slug}.{secrets.token_hex(4)}"
