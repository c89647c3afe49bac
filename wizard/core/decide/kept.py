"""What was decided against, with its reason, as the run state keeps it: in a year somebody asks why it is as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wizard.core.decide.capacity import gib
from wizard.core.decide.judgements import Decided
from wizard.core.decide.layout import HostLayout
from wizard.core.decide.layout_data import LayoutData, RoleSize, layout_data
from wizard.core.decide.storage import StorageDecision, Verdict, decide_storage
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec, MachineSpec


def kept_decisions(spec: ClusterSpec, facts: Mapping[str, HostFacts], decided: Decided) -> dict[str, str]:
    """Every option with what became of it, by a name that stays the same over runs.

    Args:
        spec: what is wanted.
        facts: by host.
        decided: from the same.
    """
    return dict(
        [
            *_storage(decide_storage(spec, facts)),
            *_variants(layout_data()),
            *_smaller(decided),
            *_accepted(decided),
        ]
    )


def _storage(decision: StorageDecision) -> Iterator[tuple[str, str]]:
    for one in decision.verdicts:
        word = "chosen" if one.kind == decision.chosen else "not chosen"
        yield f"storage.{one.kind}", f"{word}, {one.verdict}: {_because(one) or one.summary}"


def _because(verdict: Verdict) -> str:
    """The reasons that reject it, else those that are conditions; each with its host, number and source."""
    reasons = verdict.refused or verdict.conditions
    return "; ".join(
        f"{one.host + ': ' if one.host else ''}{one.found} ({one.requirement}; {one.source})"
        for one in reasons
    )


def _variants(data: LayoutData) -> Iterator[tuple[str, str]]:
    for one in data.variants:
        yield f"layout.{one.name}", f"not chosen: {one.what}. {one.why} ({one.source})"


def _smaller(decided: Decided) -> Iterator[tuple[str, str]]:
    """Machines of a proposal that are smaller than they would be on a larger host, and those that found no room."""
    if not decided.layout.proposed:
        return
    hosts = {host.name: host for host in decided.layout.hosts}
    for machine in decided.layout.machines:
        less = [*_less(machine, layout_data().roles[machine.role])]
        if less:
            yield (
                f"layout.{machine.name}",
                f"larger was not chosen: {', '.join(less)}; {_has(hosts[machine.host])}",
            )
    for index, problem in enumerate(decided.layout.problems):
        yield f"layout.problem-{index + 1}", f"{problem.level}: {problem.text}"


def _less(machine: MachineSpec, wanted: RoleSize) -> Iterator[str]:
    if machine.cpus < wanted.wanted_cpus:
        yield f"{machine.cpus} of {wanted.wanted_cpus} processors"
    if machine.memory < wanted.wanted_memory:
        yield f"{gib(machine.memory)} of {gib(wanted.wanted_memory)} of memory"
    if machine.disk < wanted.wanted_disk:
        yield f"{gib(machine.disk)} of {gib(wanted.wanted_disk)} of disk"


def _has(host: HostLayout) -> str:
    memory = gib(host.memory) if host.memory else "memory that is not known"
    return f"{host.name} has {host.cpus or '?'} processors and {memory}"


def _accepted(decided: Decided) -> Iterator[tuple[str, str]]:
    for one in decided.judged:
        if one.verdict == "accepted":
            yield f"accepted.{one.check}", f"{one.text} ({one.evidence})"
