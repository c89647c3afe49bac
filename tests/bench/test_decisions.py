"""Decisions once the facts are there: the layout of 12 hypervisors, the proof of a layout of 30 machines."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import pytest

from tests.bench.report import Report
from tests.decide.homes import home, hypervisors, machine
from tests.facts.build import facts, pi_facts
from wizard.core.decide.judgements import decide
from wizard.core.decide.kept import kept_decisions
from wizard.core.decide.layout import make_layout
from wizard.core.decide.prove import prove
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec, StorageSpec

pytestmark = pytest.mark.bench
ROUNDS = 9


def milliseconds(work: Callable[[], object]) -> float:
    """The median of some rounds, the first one (which reads the figures) not counted."""
    work()
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took) * 1000


def thirty_machines() -> ClusterSpec:
    """Eight hypervisors: four etcd members, six servers, eight storage machines, twelve workers."""
    hosts = hypervisors(8)
    letters = "abcdefgh"
    wanted = [
        ("etcd", letters[:4]),
        ("server", letters[:6]),
        ("storage", letters),
        ("worker", letters),
        ("worker", letters[:4]),
    ]
    machines = [
        machine(f"{role}-{x}-{i}", f"tower-{x}", role, 50 + 10 * i + n, memory=8 << 30)  # type: ignore[arg-type]
        for i, (role, where) in enumerate(wanted)
        for n, x in enumerate(where)
    ]
    assert len(machines) == 30
    return home(hosts=hosts, machines=tuple(machines))


def test_layout(report: Report) -> None:
    for count in (2, 12):
        spec = home(hosts=hypervisors(count), storage=StorageSpec("none"), apps=())
        found = {host.name: facts(host=host.name, machine_id=host.name) for host in spec.hypervisors}
        took = milliseconds(lambda spec=spec, found=found: make_layout(spec, found))  # type: ignore[misc]
        report.value(f"layout of {count} hypervisors", took, " ms", 50)


def test_everything_that_is_decided(report: Report) -> None:
    """What a plan decides: storage, layout, survivors, every rule, and the texts that are kept of what was not chosen."""
    for count in (2, 12):
        spec = home(hosts=hypervisors(count))
        found = {host.name: facts(host=host.name, machine_id=host.name) for host in spec.hypervisors}
        found["pi"] = pi_facts()

        def work(spec: ClusterSpec = spec, found: dict[str, HostFacts] = found) -> dict[str, str]:
            return kept_decisions(spec, found, decide(spec, found, None, "2026-11-22"))

        assert any(name.startswith("storage.") for name in work())
        report.value(f"all decisions for {count} hypervisors", milliseconds(work), " ms", 50)


def test_prove(report: Report) -> None:
    spec = thirty_machines()
    found = {host.name: facts(host=host.name, machine_id=host.name) for host in spec.hypervisors}
    found["pi"] = pi_facts()
    pairs = sum(len(loss.lost) > 1 for loss in prove(spec, found, "2026-11-22").losses)
    took = milliseconds(lambda: prove(spec, found, "2026-11-22"))
    report.value(f"proof of 30 machines, {pairs} pairs", took, " ms", 100)
