"""Whether the addresses of the plan are ours to use, and what the wire said when it was measured last."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from steps.wire import ARP, hear, known_owners
from wizard.core.check import Check, Finding, Level, Status, When, passed, skipped
from wizard.core.context import Context
from wizard.core.decide.addresses import PlannedAddress, planned_addresses
from wizard.core.decide.capacity import LayoutProblem
from wizard.core.decide.last_measured import MEASURE, heard, offered, unmeasured
from wizard.core.decide.wire_addresses import address_problems, judge_addresses
from wizard.core.decide.wire_kept import last_wire
from wizard.core.decide.wire_offers import group_problems, offer_problems
from wizard.core.decide.wire_owners import Owners
from wizard.core.decide.wire_verdict import groups, our_addresses

_SECONDS = 90.0
"""One try: a look at the facts, and at the wire."""

FLOATING = ("api_vip", "load_balancer")
"""Addresses that no machine has for itself."""


def wire_checks() -> Iterator[Check]:
    """What the step that makes machines asks of the wire."""
    yield Check(
        "machines.taken",
        "Nobody else answers at an address that is still to be used",
        taken,
        When.BEFORE,
        Level.FATAL,
        timeout=_SECONDS,
    )
    yield Check("machines.wire", "Nobody else answers at an address of the plan", answers, timeout=_SECONDS)
    yield Check(
        "machines.offers", "DHCP gives out nothing of the plan (last measured)", offers, level=Level.WARNING
    )
    yield Check("machines.routers", "VRRP ids are used once (last measured)", routers, level=Level.WARNING)


def taken(ctx: Context) -> Finding:
    """Before machines are made: the addresses they will have, the API's and the load balancer's."""
    missing = {one.name for one in ctx.spec.machines if not _there(ctx, one.name)}
    if not missing:
        return passed("Every machine has its address already.")
    planned = [
        one
        for one in planned_addresses(ctx.spec, ctx.spec.machines)
        if one.used_for in missing or one.used_for in FLOATING
    ]
    addresses, owned = judged(ctx, planned)
    # What answers and is ours is moved or renamed: it is removed before the new machine is made.
    return _finding([_but_ours(one, owned) for one in addresses])


def answers(ctx: Context) -> Finding:
    """Every address of the plan, asked by every hypervisor."""
    return _finding(judged(ctx, planned_addresses(ctx.spec, ctx.spec.machines))[0])


def _there(ctx: Context, name: str) -> bool:
    known = ctx.try_facts(ctx.spec.machine(name).host)
    return not isinstance(known, Exception) and ctx.guest(name) is not None


def _but_ours(one: PlannedAddress, owned: Owners) -> PlannedAddress:
    macs = one.mac.split(", ") if one.mac else []
    return one if any(not owned.name(mac) for mac in macs) else replace(one, conflict="")


def judged(ctx: Context, planned: Sequence[PlannedAddress]) -> tuple[tuple[PlannedAddress, ...], Owners]:
    """Addresses of the plan as the wire has them, and whose network card is whose.

    Args:
        ctx: this pass.
        planned: the addresses; every hypervisor asks for each.
    """
    owned = known_owners(ctx, ctx.spec.machines)
    wire = hear(ctx, ctx.spec.machines, (ARP,), only=[one.address for one in planned])
    names = [host.name for host in ctx.spec.hypervisors]
    return judge_addresses(planned, wire.arp, names, owned), owned


def _finding(addresses: Sequence[PlannedAddress]) -> Finding:
    """The worst of what was found: somebody else, then what nobody could ask, then all is well."""
    problems = list(address_problems(addresses))
    refused = [one for one in problems if one.level == "refused"]
    if refused:
        seen = [f"{one.address} is at {one.mac}" for one in addresses if one.conflict]
        cause = "Another device has the address, set by hand or given by DHCP."
        return _told(refused, Status.FAIL, "; ".join(seen), cause)
    unchecked = [one for one in addresses if one.probe == "not-checked"]
    if unchecked:
        why = "; ".join(dict.fromkeys(one.why for one in unchecked))
        return skipped(f"{len(unchecked)} of {len(addresses)} addresses were not checked: {why}.")
    if problems:
        cause = "The router is off or away, or has another address."
        return _told(problems, Status.WARN, "no answer to ARP", cause)
    used = sum(one.probe == "used" for one in addresses)
    free = len(addresses) - used
    return passed(
        f"{len(addresses)} addresses were asked for: {used} answer as they should, {free} are free."
    )


def _told(problems: Sequence[LayoutProblem], status: Status, evidence: str, cause: str) -> Finding:
    more = f" And {len(problems) - 1} more: {MEASURE} --last" if len(problems) > 1 else ""
    return Finding(status, problems[0].text + more, evidence, cause, problems[0].do)


def offers(ctx: Context) -> Finding:
    """What DHCP servers offered when `wizard layout` asked."""
    wire = last_wire(ctx.measurements, [host.name for host in ctx.spec.hypervisors])
    seen = offered(wire, time.time())
    if unmeasured(wire.dhcp):
        return skipped(f"{seen}.")
    problems = list(offer_problems(ctx.spec, ctx.spec.machines, wire.dhcp))
    if problems:
        return _told(problems, Status.WARN, seen, "The DHCP server's range is not what the spec says of it.")
    return passed(f"{seen}.")


def routers(ctx: Context) -> Finding:
    """Who spoke VRRP when `wizard layout` listened."""
    wire = last_wire(ctx.measurements, [host.name for host in ctx.spec.hypervisors])
    seen = heard(ctx.spec, wire, time.time())
    if unmeasured(wire.vrrp):
        return skipped(f"{seen}.")
    problems = list(group_problems(wire, our_addresses(ctx.spec, ctx.spec.machines)))
    if problems:
        cause = "Two groups were given the same id, or the routers of one do not hear each other."
        return _told(problems, Status.WARN, seen, cause)
    return passed(f"{seen}; the API address has id {groups(ctx.spec, ctx.spec.machines, wire).ours}.")
