"""A witness that is slow or quick, over several runs on the practice homelab: timers go round, the lead moves back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from steps.witness import run_witness
from tests.practice.cluster import MEMBERS, Cluster, yes
from wizard.core.check import Status
from wizard.core.errors import LinkLostError
from wizard.core.events import ChangeFinished
from wizard.core.session import DoctorReport
from wizard.core.spec.model import WaiverSpec
from wizard.payload.etcd_guard import GUARD_TIMER
from wizard.payload.etcd_guard import NAME as GUARD
from wizard.practice.etcd_process import member_of

QUICK = ("etcd-a", "etcd-b")


@pytest.fixture
def done(tmp_path: Path) -> Cluster:
    cluster = Cluster.fresh(tmp_path)
    assert cluster.session().apply(yes).status == "done"
    return cluster


def measure(cluster: Cluster) -> None:
    run_witness(cluster.session(), lambda _text: None)


def keys(cluster: Cluster) -> list[str]:
    plan, _ = cluster.session().plan()
    assert not plan.errors
    return [change.key for step in plan.steps for change in step.changes]


def found(report: DoctorReport, check: str) -> list[tuple[Status, str]]:
    return [(item.status, item.detail) for item in report.findings if item.check == check]


def leader(cluster: Cluster) -> str:
    etcd = cluster.etcd()
    return etcd.members[etcd.leader].name


def lead_of(cluster: Cluster, name: str) -> None:
    world, machine = cluster.world, cluster.machines[name]
    there = member_of(world, machine)
    assert there is not None
    cluster.etcd().hand_over(there[1].id)


def test_unmeasured_the_timers_are_safe_and_the_lead_is_watched(done: Cluster) -> None:
    report = done.session().doctor()
    assert report.verdict == "ok"
    ((status, detail),) = found(report, "etcd.timers")
    assert (status, "250/2500 ms because nothing was measured" in detail) == (Status.PASS, True)
    assert all(GUARD in done.machines[name].timers for name in QUICK)
    assert GUARD_TIMER not in done.machines["pi"].files


def test_a_slow_witness_keeps_all_as_it_is_and_is_told_with_its_age(done: Cluster) -> None:
    done.machines["pi"].fsync_ms = 31.0
    measure(done)
    assert keys(done) == []
    report = done.session().doctor()
    ((status, detail),) = found(report, "etcd.measured")
    assert (status, "pi was measured to take 31 ms" in detail) == (Status.WARN, True)
    ((_, told),) = found(report, "etcd.timers")
    assert "250/2500 ms because the p99 of pi is 31 ms" in told


def test_quick_disks_bring_new_timers_round_and_the_leader_hands_over_first(done: Cluster) -> None:
    measure(done)
    led, low, terms = leader(done), [], done.etcd().term
    done.hosts.faults.watch = lambda _host, _what: low.append(len(done.etcd().running))
    done.events.clear()
    assert done.session().apply(yes).status == "done"
    assert min(low) >= 2, "a quorum was taken away"
    restarts = [
        event.change
        for event in done.events
        if isinstance(event, ChangeFinished) and event.change.startswith("restart:")
    ]
    assert sorted(restarts) == sorted(f"restart:{name}" for name in MEMBERS)
    assert restarts[-1] == f"restart:{led}"
    assert done.etcd().term == terms + 1, "the lead moved once, by being handed over"
    said = [run for run in done.machines[led].operations.values() if "handed over to" in run.output]
    assert len(said) == 1
    assert leader(done) in QUICK
    assert not any(machine.timers for machine in done.machines.values()), "nobody needs the timer any more"
    assert keys(done) == []
    assert done.session().doctor().verdict == "ok"


def test_new_timers_can_be_cut_off_anywhere_and_are_taken_up_again(done: Cluster) -> None:
    measure(done)
    count = len(keys(done))
    for number in range(1, 2 * count + 2):
        one = done.clone()
        one.measurements = done.measurements
        seen = [0]
        low: list[int] = []

        def cut(
            host: str,
            what: str,
            one: Cluster = one,
            seen: list[int] = seen,
            low: list[int] = low,
            at: int = number,
        ) -> None:
            low.append(len(one.etcd().running))
            if what.removeprefix("after ").startswith("do/"):
                seen[0] += 1
                if seen[0] == at:
                    raise KeyboardInterrupt

        one.hosts.faults.watch = cut
        with suppress(KeyboardInterrupt, LinkLostError):
            one.session().apply(yes)
        one.restarted()
        assert one.session().apply(yes).status == "done", number
        assert min(low) >= 2, number
        assert one.twice() == [], number
        assert keys(one) == [], number
        assert "heartbeat-interval: 100" in one.machines["pi"].files["/etc/etcd/etcd.yml"].content.decode()


def test_a_witness_that_leads_loses_the_lead_by_itself(done: Cluster) -> None:
    lead_of(done, "pi")
    report = done.session().doctor()
    assert leader(done) in QUICK
    assert report.verdict == "ok"
    assert any("took the lead from" in done.machines[name].guard_said for name in QUICK)


def test_without_the_timer_doctor_tells_that_the_witness_leads(done: Cluster) -> None:
    for name in QUICK:
        done.machines[name].timers.clear()
    lead_of(done, "pi")
    report = done.session().doctor()
    ((status, detail),) = found(report, "etcd.leader")
    assert (status, detail.startswith("pi leads")) == (Status.WARN, True)
    assert [status for status, _ in found(report, "etcd.guard")] == [Status.WARN, Status.WARN]
    assert keys(done) == ["guard:etcd-a", "guard:etcd-b", "prove"]
    assert done.session().apply(yes).status == "done"
    assert leader(done) in QUICK
    assert done.session().doctor().verdict == "ok"


def test_a_quick_member_that_is_made_anew_gets_its_timer_again(done: Cluster) -> None:
    for path in [path for path in done.machines["etcd-b"].files if "wizard-etcd-leader" in path]:
        del done.machines["etcd-b"].files[path]
    done.machines["etcd-b"].timers.clear()
    assert keys(done) == ["guard:etcd-b", "prove"]
    assert done.session().apply(yes).status == "done"
    assert GUARD in done.machines["etcd-b"].timers


def test_a_new_witness_whose_disk_was_measured_too_slow_gets_no_etcd(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path)
    cluster.machines["pi"].fsync_ms = 90.0
    measure(cluster)
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    assert any("90 ms" in error.what and "accept_slow" in "".join(error.do) for error in result.unmet)
    assert not any(run.script == "do/etcd-configure" for run in cluster.machines["pi"].ran)
    accepted = replace(cluster.spec.witness, accept_slow=True)
    cluster.spec = replace(cluster.spec, witness=accepted)
    assert cluster.session().apply(yes).status == "done"
    assert "heartbeat-interval: 300" in cluster.machines["pi"].files["/etc/etcd/etcd.yml"].content.decode()


def test_a_guests_disk_too_slow_holds_a_run_up_until_it_is_accepted_for_a_while(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path)
    cluster.machines["tower-b"].fsync_ms = 90.0
    measure(cluster)
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    (error,) = [one for one in result.unmet if "etcd-b was measured to take 90 ms" in one.what]
    assert "etcd_dir of tower-b" in "".join(error.do)
    assert "waivers: - {check: etcd.measured" in "".join(error.do)
    cluster.spec = replace(cluster.spec, waivers=(WaiverSpec("etcd.measured", "ordered", "2020-01-01"),))
    assert cluster.session().apply(yes).status == "failed", "it has run out"
    until = (date.today() + timedelta(days=1)).isoformat()
    cluster.spec = replace(cluster.spec, waivers=(WaiverSpec("etcd.measured", "a disk is ordered", until),))
    assert cluster.session().apply(yes).status == "done"
    report = cluster.session().doctor()
    ((status, detail),) = found(report, "etcd.measured")
    assert status is Status.WARN
    assert f"Accepted until {until}: a disk is ordered." in detail
    assert report.verdict == "warn"
