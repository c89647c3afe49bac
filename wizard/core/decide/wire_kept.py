"""What was heard on the wire in the form it is kept in, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TypeVar

from wizard.core.decide.wire import ArpProbe, DhcpProbe, Offer, Router, VrrpProbe, Wire
from wizard.core.measurements import Measured, Measurement

Probe = TypeVar("Probe", ArpProbe, DhcpProbe, VrrpProbe)

ARP, DHCP, VRRP = "wire-arp", "wire-dhcp", "wire-vrrp"
"""Kinds of measurements; one of each for each hypervisor."""


def measurements_of(wire: Wire) -> Iterator[Measurement]:
    """The probes as measurements.

    Args:
        wire: as measured.
    """
    for kind, probes in ((ARP, wire.arp), (DHCP, wire.dhcp), (VRRP, wire.vrrp)):
        for probe in probes:
            data = {key: value for key, value in asdict(probe).items() if key not in ("host", "measured_at")}
            yield Measurement(kind, probe.host, probe.measured_at, data)


def last_wire(measured: Measured, hosts: Iterable[str]) -> Wire:
    """What was heard when the wire was measured last; a result of another shape (an older wizard's) counts as none.

    Args:
        measured: where results are kept.
        hosts: the hypervisors.

    Raises:
        StateError: the file of measurements cannot be used.
    """
    names = list(hosts)
    return Wire(
        tuple(_read(measured, ARP, names, _arp)),
        tuple(_read(measured, DHCP, names, _dhcp)),
        tuple(_read(measured, VRRP, names, _vrrp)),
    )


def _read(
    measured: Measured, kind: str, hosts: Iterable[str], read: Callable[[Measurement], Probe]
) -> Iterator[Probe]:
    for host in hosts:
        found = measured.last(kind, host)
        if found is None:
            continue
        try:
            yield read(found)
        except (KeyError, TypeError, ValueError):
            continue


def _arp(one: Measurement) -> ArpProbe:
    data = one.data
    answers = tuple((_text(pair[0]), _text(pair[1])) for pair in _list(data["answers"]))
    tool, why = _text(data["tool"]), _text(data["why"])
    own, asked = _texts(data["own"]), _texts(data["asked"])
    return ArpProbe(one.host, one.measured_at, tool, own, asked, answers, why)


def _dhcp(one: Measurement) -> DhcpProbe:
    offers = tuple(
        Offer(_text(row["address"]), _text(row["server"]), _text(row["router"]))
        for row in _list(one.data["offers"])
    )
    return DhcpProbe(one.host, one.measured_at, _text(one.data["tool"]), offers, _text(one.data["why"]))


def _vrrp(one: Measurement) -> VrrpProbe:
    routers = tuple(
        Router(_whole(row["group"]), _text(row["source"]), _priority(row["priority"]))
        for row in _list(one.data["routers"])
    )
    return VrrpProbe(one.host, one.measured_at, _text(one.data["tool"]), routers, _text(one.data["why"]))


def _list(value: object) -> Iterable[Mapping[str | int, object]]:
    """Rows: pairs and objects are both indexed, by number or by key."""
    if not isinstance(value, list | tuple):
        raise TypeError
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(one) for one in _list(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _priority(value: object) -> int | None:
    return None if value is None else _whole(value)
