"""`wizard witness` on the practice homelab: what is measured where, what is never measured, and what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from steps.witness import run_witness
from tests.practice.cluster import ETCD_DIR, MEMBERS, Cluster, yes
from wizard.core.decide.speeds import FSYNC, kept_speeds
from wizard.core.decide.timers import verdict
from wizard.core.decide.witness_report import WitnessReport
from wizard.core.errors import StateError
from wizard.core.spec.model import WitnessSpec
from wizard.front.witness import witness_json, witness_text

MEASURE = "do/witness-fsync"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster.fresh(tmp_path)


@pytest.fixture
def installed(tmp_path: Path) -> Cluster:
    made = Cluster.fresh(tmp_path)
    assert made.session().apply(yes).status == "done"
    return made


def measured(cluster: Cluster, said: list[str] | None = None) -> WitnessReport:
    return run_witness(cluster.session(), (said if said is not None else []).append)


def ran(cluster: Cluster) -> list[str]:
    return [name for name, one in cluster.machines.items() for run in one.ran if run.script == MEASURE]


def verdicts(report: WitnessReport) -> dict[str, str]:
    return {one.member: verdict(one, report.spec) for one in report.speeds.disks}


def test_before_the_guests_are_there_their_hypervisors_are_measured_and_that_is_said(
    cluster: Cluster,
) -> None:
    said: list[str] = []
    report = measured(cluster, said)
    assert [(one.member, one.host, one.path) for one in report.speeds.disks] == [
        ("etcd-a", "tower-a", "/mnt/vm/domains"),
        ("etcd-b", "tower-b", "/mnt/cache/domains"),
        ("pi", "pi", ETCD_DIR),
    ]
    assert "not there yet" in report.speeds.disks[0].note
    assert len(said) == 3, "one line a disk: nobody waits without knowing for what"
    assert verdicts(report) == dict.fromkeys(MEMBERS, "good")
    assert report.timers.words.startswith("100/1000 ms because every disk")
    assert (report.leader, report.errors) == ("", ())
    assert not any(one.locked for one in cluster.machines.values()), "a host is still held"


def test_a_spec_without_machines_is_measured_as_proposed(cluster: Cluster) -> None:
    cluster.spec = replace(cluster.spec, machines=(), propose=True)
    report = measured(cluster)
    assert sorted(ran(cluster)) == ["pi", "tower-a", "tower-b"]
    assert len(report.speeds.disks) == 3


def test_members_that_are_there_are_measured_themselves_and_the_leader_is_named(installed: Cluster) -> None:
    report = measured(installed)
    assert sorted(ran(installed)) == sorted(MEMBERS)
    assert {one.path for one in report.speeds.disks} == {"/var/lib/etcd", ETCD_DIR}
    assert report.leader in MEMBERS
    assert len(report.speeds.round_trips) == 6
    assert set(report.speeds.round_trips.values()) == {0.2}


@pytest.mark.parametrize(
    ("ms", "judged", "timers"),
    [(2.0, "good", (100, 1000)), (31.0, "slow", (250, 2500)), (90.0, "refused", (300, 3000))],
)
def test_a_slow_witness_changes_the_verdict_and_the_timers(
    cluster: Cluster, ms: float, judged: str, timers: tuple[int, int]
) -> None:
    cluster.machines["pi"].fsync_ms = ms
    report = measured(cluster)
    assert verdicts(report)["pi"] == judged
    assert (report.timers.heartbeat_ms, report.timers.election_ms) == timers
    assert report.refused is (judged == "refused")
    document = json.loads(json.dumps(witness_json("home", report)))
    assert document["members"][2]["p99_ms"] == ms
    assert (document["heartbeat_ms"], document["election_ms"]) == timers
    assert document["reason"] == report.timers.reason


def test_a_card_is_refused_without_being_measured(cluster: Cluster) -> None:
    pi = replace(cluster.spec.hosts[2], etcd_dir="/var/lib/etcd")
    cluster.spec = replace(cluster.spec, hosts=(*cluster.spec.hosts[:2], pi))
    report = measured(cluster)
    assert "pi" not in ran(cluster)
    assert verdicts(report)["pi"] == "refused" and report.refused
    assert report.timers.heartbeat_ms == 250
    assert cluster.measurements.last(FSYNC, "pi") is None
    cluster.spec = replace(cluster.spec, witness=WitnessSpec(accept_slow=True))
    report = measured(cluster)
    assert "pi" in ran(cluster)
    assert verdicts(report)["pi"] == "accepted"
    assert report.timers.heartbeat_ms == 300


def test_without_fio_the_weaker_method_is_named(cluster: Cluster) -> None:
    cluster.machines["pi"].has_fio = False
    report = measured(cluster)
    found = report.speeds.disks[2]
    assert found.method == "dd" and "weaker" in found.note
    assert "weaker" in witness_text("home", report)


def test_a_disk_so_slow_that_nothing_comes_of_it_is_told(cluster: Cluster) -> None:
    cluster.machines["pi"].fsync_ms = 1500.0
    report = measured(cluster)
    assert verdicts(report)["pi"] == "unknown"
    assert "fewer than 20" in report.errors[0].why
    assert cluster.measurements.last(FSYNC, "etcd-a") is not None, "the others were measured"


def test_a_host_that_is_away_is_named_and_the_others_are_measured(cluster: Cluster) -> None:
    cluster.hosts.faults.dead.add("tower-b")
    report = measured(cluster)
    assert sorted(ran(cluster)) == ["pi", "tower-a"]
    assert verdicts(report) == {"etcd-b": "unknown", "etcd-a": "good", "pi": "good"}
    assert [error.where for error in report.errors] == ["tower-b"]
    assert "etcd-b was not measured" in report.timers.reason


def test_nothing_is_measured_while_another_operator_holds_a_host(cluster: Cluster) -> None:
    cluster.machines["tower-b"].locked = True
    with pytest.raises(StateError):
        measured(cluster)
    assert ran(cluster) == []


def test_the_result_is_kept_with_its_time_and_looked_at_without_measuring(installed: Cluster) -> None:
    installed.machines["pi"].fsync_ms = 31.0
    report = measured(installed)
    before = len(ran(installed))
    kept = kept_speeds(installed.measurements, installed.spec)
    assert [(one.member, one.p99_ms, one.method) for one in kept.disks] == [
        ("etcd-a", 2.0, "fio"),
        ("etcd-b", 2.0, "fio"),
        ("pi", 31.0, "fio"),
    ]
    assert {one.measured_at for one in kept.disks} == {report.measured_at}
    session = installed.session()
    session.plan()
    session.doctor()
    assert len(ran(installed)) == before, "looking measured"


def test_the_text_names_the_bridge_and_its_source(cluster: Cluster) -> None:
    cluster.machines["pi"].usb = ("device=sda", "usb=152d:0578", "driver=uas", "speed=5000")
    text = witness_text("home", measured(cluster))
    assert "JMicron" in text and "unusual_uas.h" in text
    assert "usb-storage.quirks=152d:0578:u" in text
    assert all(len(line) <= 80 for line in text.splitlines())
