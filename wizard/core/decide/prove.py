"""The failure domains of a cluster: every single loss and every pair, what stays, what stops, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from wizard.core.dataclass import dataclass
from wizard.core.decide.layout import effective_machines
from wizard.core.decide.loss import Part, World, world
from wizard.core.decide.prove_rules import Refusal, refusals, witness_notes
from wizard.core.decide.prove_services import Effect, Judge
from wizard.core.decide.speeds import kept_speeds, speed_notes
from wizard.core.decide.timers import EtcdSpeeds, choose_timers, timed
from wizard.core.facts import HostFacts
from wizard.core.measurements import Measured
from wizard.core.spec.model import ClusterSpec

PAIR = "pair"
"""The kind of a loss of two things; one thing's kind is its own."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One or two things lost, and what that means for every service."""

    lost: tuple[str, ...]
    kind: str
    """`host`, `machine`, `disk`, `network`, `circuit`, `array` or `pair`."""
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found."""

    losses: tuple[Loss, ...]
    """Single ones first, then pairs; what carries nothing of ours is in no pair."""
    refused: tuple[Refusal, ...]
    healthy: tuple[Effect, ...]
    """With nothing lost: a service that does not stay here is not there at all."""
    cuts: Mapping[str, tuple[tuple[str, ...], ...]]
    """By service: the smallest losses of at most two things that stop it."""
    notes: tuple[str, ...]
    """What could not be told."""
    proposed: bool
    """The spec names no machines: those of the proposal were judged."""

    @property
    def accepted(self) -> bool:
        """Nothing is refused that was not overridden."""
        return all(one.overridden for one in self.refused)


def prove(
    spec: ClusterSpec, facts: Mapping[str, HostFacts], today: str, measured: Measured | None = None
) -> Proof:
    """Judge every single loss and every pair.

    Args:
        spec: what is wanted; without machines the proposal is judged.
        facts: by host, of those that answered.
        today: as `2026-11-22`.
        measured: what was measured last: the timers of etcd follow from it. None = nothing was.

    Raises:
        StateError: our file of measurements cannot be read.
    """
    machines = effective_machines(spec, facts)
    speeds = kept_speeds(measured, replace(spec, machines=machines)) if measured else EtcdSpeeds()
    told = speed_notes(replace(spec, machines=machines), speeds, time.time()) if measured else ()
    spec = timed(spec, choose_timers(replace(spec, machines=machines), speeds))
    cluster = world(spec, machines, facts)
    judge = Judge(spec, machines, cluster)
    existing = any(app.size for app in spec.apps) and spec.storage.kind == "existing"
    notes = [
        *cluster.notes,
        *witness_notes(spec, facts),
        *told,
        *(
            ["Volumes lie on a StorageClass the wizard does not know: they are not judged."]
            if existing
            else []
        ),
    ]
    return Proof(
        losses=tuple(_losses(cluster, judge)),
        refused=tuple(refusals(spec, facts, cluster, today)),
        healthy=judge.effects(0),
        cuts=_cuts(cluster, judge),
        notes=tuple(notes),
        proposed=spec.propose,
    )


def _losses(cluster: World, judge: Judge) -> Iterator[Loss]:
    effects = judge.effects
    for part in cluster.parts:
        yield Loss((part.name,), part.kind, effects(part.mask))
    for one, other in combinations([part for part in cluster.parts if part.mask], 2):
        yield Loss((one.name, other.name), PAIR, effects(one.mask | other.mask))


def _cuts(cluster: World, judge: Judge) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Of each service the losses that stop it and of which no smaller one does; of equal parts the first one."""
    different: dict[int, Part] = {}
    for part in cluster.parts:
        if part.mask:
            different.setdefault(part.mask, part)
    parts = list(different.values())
    tried: list[tuple[tuple[str, ...], int]] = [((one.name,), one.mask) for one in parts]
    tried += [((a.name, b.name), a.mask | b.mask) for a, b in combinations(parts, 2)]
    healthy = judge.effects(0)
    return {
        effect.service: tuple(
            _smallest([(n, m) for n, m in tried if not judge.effects(m)[index].stays] if effect.stays else [])
        )
        for index, effect in enumerate(healthy)
    }


def _smallest(stopping: list[tuple[tuple[str, ...], int]]) -> Iterator[tuple[str, ...]]:
    found: list[int] = []
    for names, mask in sorted(stopping, key=lambda one: (one[1].bit_count(), len(one[0]))):
        if not any(mask & smaller == smaller for smaller in found):
            found.append(mask)
            yield names
