"""Real etcd: a slow witness loses the lead, and new timers go round without an election while clients write."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import MEMBERS, failing
from tests.lab.cluster.test_members import GAP_MS, writing
from tests.lab.story.world import tell
from wizard.core.decide.speeds import to_keep
from wizard.core.decide.timers import DiskSpeed, EtcdSpeeds
from wizard.core.home import ClusterHome
from wizard.core.measurements import FileMeasurements

pytestmark = pytest.mark.lab

GUESTS = ("etcd-a", "etcd-b")


def statuses(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """What each member says of itself."""
    said = cluster.etcdctl("etcd-a", "endpoint", "status", "-w", "json", through=MEMBERS)
    found = {one["Endpoint"]: one["Status"] for one in json.loads(said)}
    return {name: found[cluster.client(name)] for name in MEMBERS}


def leader(cluster: Cluster) -> str:
    found = statuses(cluster)
    return next(name for name, one in found.items() if one["header"]["member_id"] == one["leader"])


def test_a_witness_that_leads_loses_the_lead_to_the_member_whose_timer_looks(cluster: Cluster) -> None:
    for guest in GUESTS:
        assert cluster.shell(guest, "systemctl is-active wizard-etcd-leader.timer").strip() == "active"
    own = statuses(cluster)["pi"]["header"]["member_id"]
    cluster.etcdctl(leader(cluster), "move-leader", f"{own:x}")
    assert leader(cluster) == "pi"
    cluster.shell("etcd-b", "systemctl start wizard-etcd-leader.service")
    assert leader(cluster) in GUESTS
    said = "".join(cluster.shell(guest, "journalctl -u wizard-etcd-leader -o cat") for guest in GUESTS)
    assert f"took the lead from {cluster.client('pi')}" in said
    code, document = cluster.doctor()
    assert code == 0, failing(document)


def test_measured_timers_go_round_and_the_lead_is_handed_over(cluster: Cluster) -> None:
    """Disks that were measured to be quick, and a way so long that the timers follow from it."""
    disks = tuple(DiskSpeed(name, name, "/x", "sda", "fio", 2.0, 900) for name in MEMBERS)
    trips = {("etcd-a", "pi"): 190.0}
    FileMeasurements(ClusterHome(cluster.operator.folder)).keep(
        to_keep(EtcdSpeeds(disks, trips), time.time())
    )
    plan = cluster.operator.run("plan", "--json", code=10)
    changes = {one["key"]: one for step in plan.document["steps"] for one in step["changes"]}
    reason = "300/3000 ms because a round trip from etcd-a to pi takes 190 ms"
    assert all(reason in changes[f"configure:{name}"]["preview"] for name in MEMBERS)
    before, led = statuses(cluster), leader(cluster)
    with writing(cluster, MEMBERS) as writes:
        done = cluster.operator.apply()
    after = statuses(cluster)
    tell(
        f"300/3000 ms taken up in {done.seconds:.0f} s: led by {led}, then {leader(cluster)}; {writes.written} writes, "
        f"{writes.failed} failed, longest pause {writes.longest / 1000:.1f} s; "
        f"terms {before['pi']['raftTerm']} to {after['pi']['raftTerm']}"
    )
    assert leader(cluster) != led
    assert writes.written > 0 and writes.longest < GAP_MS, writes
    for name in MEMBERS:
        config = cluster.shell(name, "cat /run/etcd/etcd.yml")
        assert "heartbeat-interval: 300" in config and "election-timeout: 3000" in config
    for guest in GUESTS:
        assert cluster.shell(guest, "ls /etc/systemd/system/ | grep -c wizard-etcd || true").strip() == "0"
    assert "handed over to" in cluster.shell(led, "cat /run/wizard/op.etcd.restart-*/output")
    cluster.operator.run("plan", code=0)
    code, document = cluster.doctor()
    assert (code, document["verdict"]) == (0, "ok"), failing(document)
    (timers,) = [one for one in document["findings"] if one["id"] == "etcd.timers"]
    assert reason in timers["detail"]
