"""The part of `wizard layout` that tells of the wire: addresses, DHCP and VRRP, and how old that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from wizard.core.decide.addresses import PlannedAddress
from wizard.core.decide.wire import DhcpProbe, Wire
from wizard.core.decide.wire_verdict import Groups
from wizard.core.measurements import age_words


def address_json(one: PlannedAddress) -> dict[str, object]:
    """One address of the JSON document.

    Args:
        one: as judged.
    """
    return {
        "address": one.address,
        "for": one.used_for,
        "probe": one.probe,
        "mac": one.mac,
        "by": one.by,
        "why": one.why if one.probe == "not-checked" else None,
        "conflict": one.conflict or None,
    }


def wire_json(wire: Wire, groups: Groups) -> dict[str, object]:
    """What was heard, for the JSON document.

    Args:
        wire: as heard, now or last.
        groups: VRRP on the LAN.
    """
    return {
        "probes": [
            {"host": one.host, "measured_at": one.measured_at, "tool": one.tool, "why": one.why or None}
            for one in wire.arp
        ],
        "dhcp": [asdict(one) | {"why": one.why or None} for one in wire.dhcp],
        "vrrp": {
            "taken": list(groups.taken),
            "router_id": groups.ours,
            "probes": [asdict(one) | {"why": one.why or None} for one in wire.vrrp],
        },
    }


def address_rows(addresses: Sequence[PlannedAddress]) -> Iterator[tuple[str, str, str, str]]:
    """The table of addresses; neighbours of which the same is to be told share a line.

    Args:
        addresses: as judged.
    """
    for (used_for, state, who), group in groupby(addresses, key=_told):
        same = list(group)
        yield (
            _span(same[0].address.partition("-")[0], same[-1].address.rpartition("-")[2]),
            used_for,
            state,
            who,
        )


def _span(first: str, last: str) -> str:
    """From one address to another; what both begin with is said once."""
    head, _, end = last.rpartition(".")
    if first == last:
        return first
    return f"{first}-.{end}" if first.rpartition(".")[0] == head else f"{first}-{last}"


def _told(one: PlannedAddress) -> tuple[str, str, str]:
    if one.probe == "not-checked":
        return one.used_for, "unchecked", ""
    if one.probe == "free":
        return one.used_for, "free", ""
    who = f"{one.mac} ({one.by})" if one.mac and one.by else one.mac or one.by or ""
    state = "TAKEN" if one.conflict else "in use" if one.used_for == "gateway" else "ours"
    return one.used_for, state, who


def wire_sentences(
    addresses: Sequence[PlannedAddress], wire: Wire, groups: Groups, now: float
) -> Iterator[str]:
    """How the addresses were asked for, and what DHCP and VRRP said.

    Args:
        addresses: as judged.
        wire: as heard, now or last.
        groups: VRRP on the LAN.
        now: our clock, seconds since the epoch.
    """
    asked = [f"{one.host} by {one.tool}" for one in wire.arp if one.tool]
    if asked:
        yield f"Asked from {', from '.join(asked)}, {_age(wire, now)}."
    unchecked = [one for one in addresses if one.probe == "not-checked"]
    if unchecked:
        why = "; ".join(dict.fromkeys(one.why for one in unchecked))
        yield f"Addresses not checked on the wire: {len(unchecked)} of {len(addresses)}: {why}."
    yield from map(_dhcp, wire.dhcp)
    if wire.vrrp:
        yield _vrrp(wire, groups)


def _age(wire: Wire, now: float) -> str:
    return age_words(now - min(one.measured_at for one in wire.arp))


def _dhcp(one: DhcpProbe) -> str:
    if one.why:
        return f"DHCP not checked from {one.host}: {one.why}."
    if not one.offers:
        return f"DHCP: nobody offered {one.host} anything."
    told = [f"{offer.server or 'a server'} offered {one.host} {offer.address}" for offer in one.offers]
    return f"DHCP: {'; '.join(told)}. No lease was taken."


def _vrrp(wire: Wire, groups: Groups) -> str:
    heard = [f"id {one.group} from {one.source}" for one in groups.routers]
    listened = [one.host for one in wire.vrrp if not one.why]
    parts = []
    if heard:
        parts.append(f"VRRP: {', '.join(heard)}.")
    elif listened:
        parts.append(f"VRRP: {' and '.join(listened)} heard nobody.")
    parts += [f"VRRP not checked from {one.host}: {one.why}." for one in wire.vrrp if one.why]
    return f"{' '.join(parts)} Id {groups.ours} is for the API address."
