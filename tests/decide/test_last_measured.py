"""What was measured last, as a plan says it: with its age, or that nothing is known."""

from __future__ import annotations

from dataclasses import replace

from tests.decide.test_witness import SPEC, speeds
from wizard.core.decide.last_measured import last_measured
from wizard.core.decide.speeds import to_keep
from wizard.core.decide.wire import DhcpProbe, Offer, Router, VrrpProbe, Wire
from wizard.core.decide.wire_kept import measurements_of
from wizard.core.engine.plan import Plan, plan_json
from wizard.core.engine.resume import Standing
from wizard.core.measurements import MemoryMeasurements
from wizard.front.plan import plan_text

NOW = 1_800_000_000.0
HOUR = 3600.0
FRESH = Standing((), (), (), (), ())


def kept(wire: Wire) -> MemoryMeasurements:
    """The disks, and the wire besides."""
    found = MemoryMeasurements()
    found.keep(to_keep(speeds(c=31.0), NOW - 2 * HOUR))
    found.keep(list(measurements_of(wire)))
    return found


def test_each_result_is_told_with_its_age() -> None:
    offer = DhcpProbe("tower-a", NOW - HOUR, "dhcpcd", (Offer("10.0.0.100", "10.0.0.1"),))
    router = VrrpProbe("tower-b", NOW - 3 * 24 * HOUR, "tcpdump", (Router(51, "10.0.0.7"),))
    disks, dhcp, vrrp = last_measured(SPEC, kept(Wire((), (offer,), (router,))), NOW)
    assert "pi 31 ms (slow, 2 hours ago)" in disks
    assert dhcp == "10.0.0.1 offered 10.0.0.100 to tower-a (measured 1 hour ago)."
    assert vrrp == "id 51 from 10.0.0.7 (measured 3 days ago)."


def test_what_nobody_measured_or_could_is_no_result() -> None:
    blind = DhcpProbe("tower-a", NOW, why="no dhcpcd was found there")
    _, dhcp, vrrp = last_measured(SPEC, kept(Wire((), (blind,), ())), NOW)
    assert dhcp == "DHCP: not checked: tower-a: no dhcpcd was found there."
    assert vrrp == "VRRP: not measured yet (wizard layout)."
    assert "not measured yet (`wizard witness`)" in last_measured(SPEC, MemoryMeasurements(), NOW)[0]


def test_a_cluster_without_machines_has_nothing_to_measure() -> None:
    assert last_measured(replace(SPEC, machines=()), MemoryMeasurements(), NOW) == ()


def test_a_plan_shows_it_and_is_silent_where_there_is_nothing() -> None:
    plan = Plan((), measured=("The disks of etcd sync [quickly].",))
    text = plan_text(plan, FRESH, "home")
    assert "Measured last:\n  -- The disks of etcd sync [quickly].\n" in text
    assert plan_json(plan, "home")["measured"] == ["The disks of etcd sync [quickly]."]
    assert "Measured last" not in plan_text(Plan(()), FRESH, "home")
