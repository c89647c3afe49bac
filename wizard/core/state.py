"""The resumable file as data: what was done, what is in flight, and with which answers. A hint; reality is the truth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from types import MappingProxyType

from wizard.core.dataclass import dataclass
from wizard.core.spec.model import MachineSpec

STATE_SCHEMA = 1
"""Version of the file format this program reads and writes."""


class ChangeStatus(StrEnum):
    """Where a change stands according to the file."""

    NOT_STARTED = "not started"
    IN_FLIGHT = "in flight"
    DONE = "done"
    FAILED = "failed"


class StepStatus(StrEnum):
    """Where a step stands according to the file."""

    NOT_STARTED = "not started"
    HALF_DONE = "half done"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change as last known."""

    key: str
    host: str
    summary: str
    status: ChangeStatus
    digest: str
    """Of what it would do: another digest on resume means the answers behind it changed."""
    op: str = ""
    """The id of its detached operation; the host is asked by it after a kill."""
    at: float = 0.0
    """When it reached this status, seconds since the epoch."""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as last known."""

    id: str
    status: StepStatus = StepStatus.NOT_STARTED
    at: float = 0.0
    changes: Mapping[str, ChangeRecord] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ApprovedLayout:
    """The machines somebody said yes to. They stay what they are when the facts behind a proposal change."""

    machines: tuple[MachineSpec, ...]
    at: float
    """When, seconds since the epoch."""
    inputs: str
    """Digest of what the proposal rested on: the answers and what does not change in the facts of the hypervisors."""


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything the wizard remembers of one cluster between two runs. No secrets."""

    name: str
    lineage: str
    """A random id given once: the hosts' markers carry it, so that two clusters are never mixed up."""
    serial: int = 0
    """Raised by every apply that changes something: an older file than the hosts know is refused."""
    writer: str = ""
    """Version of the wizard that wrote it."""
    created: float = 0.0
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The spec of the last apply, flattened: path to value, to name what changed since."""
    steps: Mapping[str, StepRecord] = field(default_factory=lambda: MappingProxyType({}))
    decisions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Rejected options and other decisions with their reasons."""
    layout: ApprovedLayout | None = None
    """The machines of the last apply; those of a spec that names none."""

    def step(self, step: str) -> StepRecord:
        """What is known of a step; a step never begun has an empty record."""
        return self.steps.get(step) or StepRecord(step)

    def with_step(self, record: StepRecord) -> RunState:
        """The state with one step's record replaced."""
        return replace(self, steps=MappingProxyType({**self.steps, record.id: record}))

    def with_change(self, step: str, record: ChangeRecord) -> RunState:
        """The state with one change's record replaced."""
        old = self.step(step)
        return self.with_step(replace(old, changes=MappingProxyType({**old.changes, record.key: record})))

    def in_flight(self) -> list[tuple[str, ChangeRecord]]:
        """(step id, record) of every change that was begun and whose end was never saved."""
        return [
            (step.id, change)
            for step in self.steps.values()
            for change in step.changes.values()
            if change.status is ChangeStatus.IN_FLIGHT
        ]


def new_state(name: str, writer: str) -> RunState:
    """The state of a cluster nobody has built yet.

    Args:
        name: of the cluster, from the spec.
        writer: version of this program.
    """
    from uuid import uuid4  # which only a new cluster needs

    return RunState(name=name, lineage=str(uuid4()), writer=writer, created=time.time())
