"""What was measured last and how long ago, in sentences: for those who only look (plan, prove, doctor)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wizard.core.decide.speeds import kept_speeds, speed_notes
from wizard.core.decide.wire import DhcpProbe, VrrpProbe, Wire
from wizard.core.decide.wire_kept import last_wire
from wizard.core.decide.wire_verdict import groups
from wizard.core.measurements import Measured, age_words
from wizard.core.spec import ClusterSpec

MEASURE = "wizard layout"
"""The command that asks the wire."""


def last_measured(spec: ClusterSpec, measured: Measured, now: float) -> tuple[str, ...]:
    """The last results for a cluster with machines; nothing for one without.

    Args:
        spec: with the machines that are wanted.
        measured: where results are kept.
        now: our clock, seconds since the epoch.

    Raises:
        StateError: the file of measurements cannot be used.
    """
    if not spec.machines:
        return ()
    wire = last_wire(measured, [host.name for host in spec.hypervisors])
    speeds = speed_notes(spec, kept_speeds(measured, spec), now)
    return (*speeds, f"{offered(wire, now)}.", f"{heard(spec, wire, now)}.")


def offered(wire: Wire, now: float) -> str:
    """What DHCP servers offered when the wire was asked.

    Args:
        wire: the last result.
        now: our clock, seconds since the epoch.
    """
    if unmeasured(wire.dhcp):
        return f"DHCP: {unmeasured(wire.dhcp)}"
    given = [
        f"{offer.server or 'a server'} offered {offer.address} to {probe.host}"
        for probe in wire.dhcp
        for offer in probe.offers
    ]
    return f"{'; '.join(given) or 'No DHCP server offered anything'} ({_age(wire.dhcp, now)})"


def heard(spec: ClusterSpec, wire: Wire, now: float) -> str:
    """Who spoke VRRP when the wire was listened to.

    Args:
        spec: with the machines that are wanted.
        wire: the last result.
        now: our clock, seconds since the epoch.
    """
    if unmeasured(wire.vrrp):
        return f"VRRP: {unmeasured(wire.vrrp)}"
    found = groups(spec, spec.machines, wire)
    ids = "; ".join(f"id {one.group} from {one.source}" for one in found.routers)
    return f"{ids or 'Nobody else speaks VRRP'} ({_age(wire.vrrp, now)})"


def unmeasured(probes: Sequence[DhcpProbe] | Sequence[VrrpProbe]) -> str:
    """Why nothing is known; empty where something is.

    Args:
        probes: one of each hypervisor, or none.
    """
    if not probes:
        return f"not measured yet ({MEASURE})"
    if any(not probe.why for probe in probes):
        return ""
    return "not checked: " + "; ".join(_reasons(probes))


def _reasons(probes: Sequence[DhcpProbe] | Sequence[VrrpProbe]) -> Iterator[str]:
    for probe in probes:
        yield f"{probe.host}: {probe.why}"


def _age(probes: Sequence[DhcpProbe] | Sequence[VrrpProbe], now: float) -> str:
    return f"measured {age_words(now - min(probe.measured_at for probe in probes if not probe.why))}"
