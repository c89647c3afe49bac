"""Asking the wire from every hypervisor: who answers at the addresses of the plan, what DHCP offers, who speaks VRRP."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from steps.parse import wire as parse
from steps.side_by_side import side_by_side
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.decide.addresses import planned_addresses
from wizard.core.decide.wire import (
    ArpProbe,
    DhcpProbe,
    VrrpProbe,
    Wire,
    askable,
    lan_nic,
    own_addresses,
)
from wizard.core.decide.wire_owners import Owners, owners
from wizard.core.facts import HostFacts
from wizard.core.spec.model import MachineSpec
from wizard.payload.addresses import mac_address

READ_WIRE = "read/wire"

WIRE_SECONDS = 60.0
"""Deadline of a look: 4 s are usual, 20 where nmap asks for offers, 13 where the kernel refreshes old answers."""

ARP, DHCP, VRRP = "arp", "dhcp", "vrrp"
EVERYTHING = (ARP, DHCP, VRRP)
"""What can be measured."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What a hypervisor is asked."""

    addresses: tuple[str, ...]
    parts: tuple[str, ...]


def hear(
    ctx: Context,
    machines: Sequence[MachineSpec],
    parts: Sequence[str] = EVERYTHING,
    *,
    only: Iterable[str] = (),
) -> Wire:
    """What every hypervisor hears, side by side. One that cannot be asked is there with the reason.

    Args:
        ctx: this pass; its hosts only read.
        machines: the spec's, or the proposal's.
        parts: of `EVERYTHING`.
        only: addresses to ask for; every address of the plan where none is named.
    """
    wanted = list(only) or [one.address for one in planned_addresses(ctx.spec, tuple(machines))]
    question = _Question(tuple(askable(ctx.spec, wanted)), tuple(parts))
    names = [host.name for host in ctx.spec.hypervisors]
    heard = side_by_side(
        names,
        lambda name: _hear(ctx, name, question),
        lambda name, error: _nothing(name, question, f"it could not be asked ({error.what.rstrip('.')})"),
    )
    return Wire(
        tuple(probe for one in heard for probe in one.arp),
        tuple(probe for one in heard for probe in one.dhcp),
        tuple(probe for one in heard for probe in one.vrrp),
    )


def _hear(ctx: Context, name: str, question: _Question) -> Wire:
    facts = ctx.facts(name)
    nic = lan_nic(ctx.spec, facts)
    if nic is None:
        return _nothing(name, question, f"no interface there has an address of {ctx.spec.network.cidr}")
    args = {
        "nic": nic.name,
        "addresses": " ".join(question.addresses),
        "parts": " ".join(question.parts),
    }
    said = ctx.ask(name, READ_WIRE, args, timeout=WIRE_SECONDS)
    if said.exit_code or not parse.whole(said.stdout):
        return _nothing(
            name, question, f"{READ_WIRE} ended with exit code {said.exit_code} and no whole answer"
        )
    if not parse.has_nic(said.stdout):
        return _nothing(name, question, f"its interface {nic.name} is gone")
    return _parsed(facts, said.stdout, question, said.at or time.time())


def _parsed(facts: HostFacts, text: str, question: _Question, at: float) -> Wire:
    name, parts = facts.host, question.parts
    own = own_addresses(facts)
    return Wire(
        (parse.arp_probe(text, name, at, question.addresses, own),) if ARP in parts else (),
        (parse.dhcp_probe(text, name, at),) if DHCP in parts else (),
        (parse.vrrp_probe(text, name, at),) if VRRP in parts else (),
    )


def _nothing(name: str, question: _Question, why: str) -> Wire:
    now, parts = time.time(), question.parts
    return Wire(
        (ArpProbe(name, now, why=why),) if ARP in parts else (),
        (DhcpProbe(name, now, why=why),) if DHCP in parts else (),
        (VrrpProbe(name, now, why=why),) if VRRP in parts else (),
    )


def known_owners(ctx: Context, machines: Sequence[MachineSpec]) -> Owners:
    """Whose network card is whose: our hosts as they told, and every guest of ours with the MAC it was made with.

    A guest is ours wherever it is and whatever its name: one that the spec moves or renames is still to be removed.

    Args:
        ctx: this pass.
        machines: the spec's, or the proposal's.
    """
    asked = {host.name: ctx.try_facts(host.name) for host in ctx.spec.hosts}
    facts = {name: one for name, one in asked.items() if isinstance(one, HostFacts)}
    given = {one.name: one.mac for one in machines if one.mac}
    macs: dict[str, str] = {}
    for host in ctx.spec.hypervisors:
        lineage = ctx.lineage_on(host.name)
        macs |= {
            name: given.get(name) or mac_address(lineage, name) for name in _ours(facts, host.name, lineage)
        }
    # Of a hypervisor that cannot be asked the guests may run all the same.
    known = next(filter(None, map(ctx.lineage_on, asked)), "")
    away = [one.name for one in machines if known and one.host not in facts and one.name not in macs]
    macs |= {name: given.get(name) or mac_address(known, name) for name in away}
    return owners(ctx.spec, facts, machines, macs)


def _ours(facts: Mapping[str, HostFacts], host: str, lineage: str) -> list[str]:
    """The guests on a hypervisor that bear our mark."""
    guests = facts[host].libvirt.guests if host in facts and lineage else ()
    return [guest.name for guest in guests if guest.owner == lineage]
