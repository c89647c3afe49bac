"""The run lock of a simulated host: lost with the link, taken anew by who comes back, refused as over SSH."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.faults import Faults
from wizard.practice.machine import Machine
from wizard.practice.refusals import not_locked

Ask = Callable[[str, Args, bytes], Answer]
"""Runs a script on the host."""


@dataclass(frozen=True, slots=True)
class PracticeLock:
    """What one run holds of one host."""

    machine: Machine
    faults: Faults
    ask: Ask
    holder: str
    serial: int
    lineage: str
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def held(self) -> bool:
        """Whether it is still ours."""
        return self.machine.locked and self.machine.lock_run == self.run

    def take(self, *, again: bool) -> None:
        """Hold the host.

        Args:
            again: it was ours before, and was lost.

        Raises:
            StateError: it is not ours to hold.
            HostError: it does not answer.
        """
        self.faults.before(self.machine.name, "run_lock")
        args = {
            "holder": self.holder,
            "serial": str(self.serial),
            "lineage": self.lineage,
            "run": self.run,
            "again": "yes" if again else "no",
        }
        with self.machine.guard:
            self.machine.requests += 1
            answer = self.ask("lib/runlock", args, b"")
            if answer.exit_code:
                raise not_locked(self.machine.name, answer, args)
            self.machine.locked = True

    def ensure(self) -> None:
        """No change is made without it.

        Raises:
            StateError, HostError: as `take`.
        """
        # Several changes may be at work on one host: one of them takes it anew for all.
        with self.machine.guard:
            if not self.held:
                self.take(again=True)

    def let_go(self) -> None:
        """The run is over, or the link that held it is."""
        with self.machine.guard:
            if self.held:
                self.machine.locked = False
