"""The layout with what the wire says about it: every address proven, every offer compared, one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wizard.core.dataclass import dataclass
from wizard.core.decide.layout import Layout
from wizard.core.decide.wire import Router, Wire
from wizard.core.decide.wire_addresses import address_problems, judge_addresses
from wizard.core.decide.wire_offers import (
    foreign_routers,
    free_group,
    group_problems,
    offer_problems,
    taken_groups,
)
from wizard.core.decide.wire_owners import Owners
from wizard.core.spec.model import ClusterSpec, MachineSpec


@dataclass(frozen=True, slots=True)
class Groups:
    """VRRP on the LAN."""

    routers: tuple[Router, ...]
    """Whoever leads a group and is not ours."""
    taken: tuple[int, ...]
    """Ids somebody else uses, ascending."""
    ours: int
    """The id that is free for the API address."""


def with_wire(layout: Layout, spec: ClusterSpec, wire: Wire, owners: Owners) -> Layout:
    """The layout, its addresses and problems as the wire has them.

    Args:
        layout: as decided from the facts.
        spec: what is wanted.
        wire: as heard, now or when it was measured last.
        owners: whose card is whose.
    """
    names = [host.name for host in spec.hypervisors]
    addresses = judge_addresses(layout.addresses, wire.arp, names, owners)
    found = [
        *address_problems(addresses),
        *offer_problems(spec, layout.machines, wire.dhcp),
        *group_problems(wire, our_addresses(spec, layout.machines)),
    ]
    return replace(layout, addresses=addresses, problems=(*layout.problems, *found))


def groups(spec: ClusterSpec, machines: Sequence[MachineSpec], wire: Wire) -> Groups:
    """The VRRP ids on the LAN and the one that is left for the API address: keepalived takes its router id from here.

    Args:
        spec: what is wanted.
        machines: the spec's, or the proposal's.
        wire: as heard.
    """
    ours = our_addresses(spec, machines)
    taken = taken_groups(wire, ours)
    return Groups(foreign_routers(wire, ours), tuple(sorted(taken)), free_group(taken))


def our_addresses(spec: ClusterSpec, machines: Sequence[MachineSpec]) -> tuple[str, ...]:
    """The addresses our hosts and machines have for themselves.

    Args:
        spec: what is wanted.
        machines: the spec's, or the proposal's.
    """
    return (*(host.address for host in spec.hosts), *(machine.address for machine in machines))
