"""What the answers on the wire mean for each address of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from wizard.core.dataclass import dataclass
from wizard.core.decide.addresses import PlannedAddress
from wizard.core.decide.capacity import LayoutProblem
from wizard.core.decide.vendors import vendor
from wizard.core.decide.wire import ArpProbe
from wizard.core.decide.wire_owners import Owners

NOT_MEASURED = "{host} was not asked yet"
"""Why an address is not checked where there is no probe."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """Everything the hypervisors know of one address."""

    hosts: Mapping[str, tuple[str, ...]]
    """Who heard it, by MAC."""
    itself: tuple[str, ...]
    """Hypervisors that have the address themselves."""
    gaps: tuple[str, ...]
    """Why a hypervisor cannot say that nobody has it."""


def judge_addresses(
    planned: Iterable[PlannedAddress], probes: Sequence[ArpProbe], hypervisors: Sequence[str], owners: Owners
) -> tuple[PlannedAddress, ...]:
    """Each address with what the wire says of it: free where every hypervisor asked and nobody answered any of them.

    Args:
        planned: the addresses of the cluster.
        probes: at most one of each hypervisor.
        hypervisors: by name; one without a probe leaves every silence unproven.
        owners: whose card is whose.
    """
    by_host = {probe.host: probe for probe in probes}
    return tuple(_judge(one, _hear(one.address, by_host, hypervisors), owners) for one in planned)


def _hear(address: str, probes: Mapping[str, ArpProbe], hypervisors: Sequence[str]) -> _Heard:
    hosts: dict[str, tuple[str, ...]] = {}
    itself, gaps = [], []
    for host in hypervisors:
        probe = probes.get(host)
        if probe is None:
            gaps.append(NOT_MEASURED.format(host=host))
            continue
        for _, mac in (pair for pair in probe.answers if pair[0] == address):
            hosts[mac] = (*hosts.get(mac, ()), host)
        if address in probe.own:
            itself.append(host)
        elif address not in probe.asked:
            gaps.append(f"{host}: {probe.why or 'not asked when the wire was measured last'}")
    return _Heard(hosts, tuple(itself), tuple(gaps))


def _judge(one: PlannedAddress, heard: _Heard, owners: Owners) -> PlannedAddress:
    if "-" in one.address:
        return replace(one, why="only the first addresses of a long range are asked")
    if not heard.hosts and not heard.itself:
        if heard.gaps:
            return replace(one, why="; ".join(heard.gaps))
        return replace(one, probe="free", why="")
    wrong = _wrong(one, heard, owners)
    names = [owners.name(mac) or vendor(mac) for mac in heard.hosts] or list(heard.itself)
    return replace(
        one,
        probe="used",
        mac=", ".join(heard.hosts) or None,
        by=", ".join(dict.fromkeys(name for name in names if name)) or None,
        why="",
        conflict=wrong,
    )


def _wrong(one: PlannedAddress, heard: _Heard, owners: Owners) -> str:
    """What is wrong about who answers, as a sentence; empty where all is as it should be."""
    ours = dict.fromkeys(heard.itself, "")
    ours |= {owners.name(mac): mac for mac in heard.hosts if owners.name(mac)}
    strangers = [mac for mac in heard.hosts if not owners.name(mac)]
    misplaced = [
        name for name in ours if one.used_for == "gateway" or not owners.may_answer(name, one.used_for)
    ]
    expected = one.used_for == "gateway" or (one.used_for in owners.unknown and not ours)
    if strangers and not (expected and len(strangers) == 1):
        who = [*(_who(mac, heard) for mac in strangers), *(f"our {name}" for name in ours)]
        return f"{one.address} ({one.used_for}) is answered by {' and by '.join(who)}."
    if misplaced:
        return f"{one.address} ({one.used_for}) is answered by our {' and our '.join(misplaced)}."
    if len(ours) > 1:
        return f"{one.address} ({one.used_for}) is held by {' and '.join(sorted(ours))} at the same time."
    return ""


def _who(mac: str, heard: _Heard) -> str:
    maker = vendor(mac)
    return f"{mac}{f' ({maker})' if maker else ''}, heard by {' and '.join(heard.hosts[mac])}"


def address_problems(addresses: Iterable[PlannedAddress]) -> Iterator[LayoutProblem]:
    """What is to be done about addresses others answer at, and about a gateway nobody heard.

    Args:
        addresses: as judged.
    """
    for one in addresses:
        if one.conflict:
            yield LayoutProblem("refused", "", one.used_for, one.conflict, _remedy(one))
        elif one.used_for == "gateway" and one.probe == "free":
            text = f"The gateway {one.address} answers none of the hypervisors."
            yield LayoutProblem("warning", "", "", text, "Is network.gateway the router's address?")


def _remedy(one: PlannedAddress) -> str:
    where = {
        "api_vip": "choose another network.api_vip",
        "load_balancer": "make network.load_balancer end before it or begin behind it",
        "gateway": "write the router's own address as network.gateway",
    }
    other = where.get(one.used_for, f"give {one.used_for} another address in the spec")
    return f"Find that device (its MAC is in the router's list of clients) and give it another address, or {other}."
