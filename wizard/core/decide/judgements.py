"""Every decision as one verdict each, in the words that plan, doctor and the commands of their own share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from wizard.core.dataclass import dataclass
from wizard.core.decide.capacity import gib
from wizard.core.decide.layout import HostLayout, Layout, effective_machines, make_layout
from wizard.core.decide.loss import World, world
from wizard.core.decide.prove_rules import RULES, Refusal, override_id, refusals, waived, waiver_line
from wizard.core.decide.storage import decide_storage
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec
from wizard.core.state import ApprovedLayout

if TYPE_CHECKING:
    from wizard.core.context import Context

Verdict = Literal["holds", "warning", "refused", "accepted"]
"""`accepted`: it would be refused, and a named key of the spec accepts it."""
Facts = Mapping[str, HostFacts]

STORAGE, MACHINES, SURVIVOR = "storage.choice", "layout.machines", "layout.survivor"
CHECKS: Mapping[str, str] = {
    STORAGE: "The way volumes are kept still fits the hosts",
    MACHINES: "The machines fit on their hosts",
    SURVIVOR: "Each hypervisor alone carries every app",
    **{override_id(rule): title for rule, title in RULES.items()},
}
"""Every decision by the id of its check, and what it holds to be true."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came out for one decision."""

    check: str
    """The id in doctor, and what a waiver names."""
    verdict: Verdict
    text: str
    evidence: str = ""
    """The numbers it rests on."""
    why: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """All decisions for one homelab."""

    layout: Layout
    judged: tuple[Judgement, ...]

    @property
    def refused(self) -> tuple[Judgement, ...]:
        """What keeps anything from being built."""
        return tuple(one for one in self.judged if one.verdict == "refused")


def decide(spec: ClusterSpec, facts: Facts, approved: ApprovedLayout | None, today: str) -> Decided:
    """Judge everything that is decided from the spec and the facts.

    Args:
        spec: what is wanted, with or without the machines that were proposed.
        facts: of the hosts that could be asked, by name.
        approved: the machines of the last apply.
        today: as `2026-11-22`; a waiver that has run out is none.
    """
    layout = layout_of(spec, facts, approved)
    judged = (
        storage_choice(spec, facts),
        machines_fit(spec, layout, today),
        survivor(layout),
        *rules(spec, facts, today),
    )
    return Decided(layout, judged)


def decided_in(ctx: Context) -> Decided:
    """The decisions of a pass, made once for as long as the facts are the same.

    Args:
        ctx: of the pass.
    """
    facts, today = ctx.known_facts(), date.today().isoformat()
    return ctx.cache.concluded(
        f"decisions of {today}",
        (ctx.spec, ctx.state.layout, *facts.values()),
        lambda: decide(ctx.spec, facts, ctx.state.layout, today),
    )


def layout_of(spec: ClusterSpec, facts: Facts, approved: ApprovedLayout | None) -> Layout:
    """The layout of a spec whose proposed machines may have been filled in already.

    Args:
        spec: what is wanted.
        facts: by host.
        approved: the machines of the last apply.
    """
    return make_layout(replace(spec, machines=()) if spec.propose else spec, facts, approved)


def storage_choice(spec: ClusterSpec, facts: Facts) -> Judgement:
    """What the spec chose for volumes, held against the hosts as `wizard storage` does.

    Args:
        spec: what is wanted.
        facts: by host.
    """
    decision = decide_storage(spec, facts)
    chosen = decision.verdict(decision.chosen)
    if chosen.verdict != "rejected":
        conditions = "; ".join(
            f"{one.host}: {one.found}" if one.host else one.found for one in chosen.conditions
        )
        word = "fits" if chosen.verdict == "fits" else "fits with conditions"
        return Judgement(STORAGE, "holds", f"{chosen.title} {word}. {chosen.summary}", conditions)
    found = "; ".join(f"{one.host}: {one.found}" if one.host else one.found for one in chosen.refused)
    ways = dict.fromkeys(f"{one.host}: {one.do}" if one.host else one.do for one in chosen.refused if one.do)
    why = "; ".join(dict.fromkeys(one.requirement for one in chosen.refused))
    text = f"The spec says {chosen.kind}, which is rejected here."
    return Judgement(STORAGE, "warning", text, found, why, "\n".join(ways) or "wizard storage")


def machines_fit(spec: ClusterSpec, layout: Layout, today: str) -> Judgement:
    """Whether the machines have room, and etcd a device that volumes do not use, as `wizard layout` says.

    Args:
        spec: what is wanted.
        layout: as made.
        today: as `2026-11-22`.
    """
    if not layout.problems:
        text = (
            f"{len(layout.machines)} machines fit on their hosts."
            if layout.machines
            else "No machines are wanted."
        )
        return Judgement(MACHINES, "holds", text)
    worst = layout.refused or layout.problems
    text = " ".join(one.text for one in worst)
    do = "\n".join(dict.fromkeys(one.do for one in worst))
    figures = [_given(host) for host in layout.hosts]
    why = "etcd and servers that have to wait for a processor, for memory or for the disk stop the cluster."
    if not layout.refused:
        return Judgement(
            MACHINES, "warning", text, "; ".join(figures), "The host is small for what it is to carry.", do
        )
    reason = waived(spec, MACHINES, today)
    verdict: Verdict = "accepted" if reason else "refused"
    return Judgement(
        MACHINES, verdict, text, _accepted(reason) or "; ".join(figures), why, f"{do}\n{_or(MACHINES)}"
    )


def _given(host: HostLayout) -> str:
    memory = gib(host.memory) if host.memory else "?"
    return f"{host.name}: {host.given_cpus} of {host.cpus or '?'} processors, {gib(host.given_memory)} of {memory}"


def survivor(layout: Layout) -> Judgement:
    """Whether each hypervisor alone carries what must survive, as `wizard layout` says.

    Args:
        layout: as made.
    """
    short = [host for host in layout.hosts if not host.alone.ok]
    if not layout.machines:
        return Judgement(SURVIVOR, "holds", "No machines are wanted: nothing is to survive.")
    if not short:
        names = " and ".join(host.name for host in layout.hosts)
        return Judgement(SURVIVOR, "holds", f"{names} each carry everything alone.")
    text = " ".join(
        f"{host.name} alone would not start: {', '.join(host.alone.wont_start)}." for host in short
    )
    evidence = "; ".join(f"{host.name}: {' '.join(host.alone.reasons)}" for host in short)
    why = "When the other hypervisor stops, these are away until it is back."
    return Judgement(SURVIVOR, "warning", text, evidence, why, "wizard layout")


def rules(spec: ClusterSpec, facts: Facts, today: str) -> Iterator[Judgement]:
    """The rules of `wizard prove`, one verdict each, in their order.

    Args:
        spec: what is wanted.
        facts: by host.
        today: as `2026-11-22`.
    """
    cluster = world(spec, effective_machines(spec, facts), facts)
    broken: dict[str, list[Refusal]] = {rule: [] for rule in RULES}
    for one in refusals(spec, facts, cluster, today):
        broken[one.rule].append(one)
    yield from (_rule(rule, found, _where(rule, cluster)) for rule, found in broken.items())


def _where(rule: str, cluster: World) -> str:
    """What a rule is about, each with the machine that is really below it."""
    kinds = {"replicas-in-one-zone": cluster.stores, "name-servers-on-one-host": cluster.dns}
    return ", ".join(f"{name} on {cluster.zone[name]}" for name in kinds.get(rule, cluster.members))


def _rule(rule: str, found: list[Refusal], where: str) -> Judgement:
    check = override_id(rule)
    if not found:
        return Judgement(check, "holds", f"{RULES[rule]}.", where)
    text = " ".join(one.text for one in found)
    verdict: Verdict = "accepted" if all(one.overridden for one in found) else "refused"
    why = "One loss would take away what the other machines are there for."
    return Judgement(
        check, verdict, text, _accepted(found[0].overridden) or where, why, f"wizard prove\n{_or(check)}"
    )


def _accepted(reason: str) -> str:
    return f"accepted in the spec: {reason}" if reason else ""


def _or(check: str) -> str:
    return f"or accept it, for a while and by name: {waiver_line(check)}"
