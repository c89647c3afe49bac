"""`wizard witness` on real disks: three are measured, a slow one changes the verdict, a card is refused unmeasured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.cluster.site import newcomer
from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator
from tests.lab.story.world import tell

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

FOLDERS = {"tower-a": "/mnt/vm", "tower-b": "/mnt/cache/domains", "pi": "/mnt/usb"}
"""Where the disks of etcd lie, or will lie."""


@pytest.fixture
def operator(lab: Lab, tmp_path: Path) -> Operator:
    return newcomer(lab, tmp_path / "operator")


def nothing_left(lab: Lab) -> None:
    for host, folder in FOLDERS.items():
        assert lab.try_inside(host, "test", "-e", f"{folder}/.wizard-fsync") != 0, f"{host} was left untidy"


def test_a_slow_disk_changes_the_verdict_and_the_timers(lab: Lab, tmp_path: Path) -> None:
    """Of the witness alone: the guests' disks have their turn below."""
    operator = newcomer(lab, tmp_path / "operator", without=("etcd", "server", "storage"))
    spec = operator.home / "cluster.yaml"
    spec.write_text(spec.read_text().replace("machines:\n", "machines: []\n"))
    usual = operator.run("witness", "--json")
    (before,) = usual.document["members"]
    assert (before["host"], before["method"]) == ("pi", "fio")
    assert usual.exit_code == int(before["verdict"] == "refused")
    lab.fault("disk-slow", "pi", "10")
    slow = operator.run("witness", "--json", code=1)
    (pi,) = slow.document["members"]
    tell(
        f"the Pi's disk: {before['p99_ms']} ms; with 10 writes a second {pi['p99_ms']} ms, {slow.document['reason']}"
    )
    assert pi["verdict"] == "refused"
    assert pi["p99_ms"] > max(40.0, before["p99_ms"])
    assert slow.document["heartbeat_ms"] >= 300
    assert slow.document["election_ms"] == 10 * slow.document["heartbeat_ms"]
    nothing_left(lab)


def test_all_three_are_measured_and_a_card_is_refused_and_not_written_to(
    lab: Lab, operator: Operator
) -> None:
    spec = operator.home / "cluster.yaml"
    spec.write_text(spec.read_text().replace("etcd_dir: /mnt/usb/etcd", "etcd_dir: /home/etcd"))
    done = operator.run("witness", "--json", code=1)
    members = {one["name"]: one for one in done.document["members"]}
    tell(f"wizard witness: {[(one['name'], one['method'], one['p99_ms']) for one in members.values()]}")
    hosts = {name: one["host"] for name, one in members.items()}
    assert hosts == {"etcd-a": "tower-a", "etcd-b": "tower-b", "pi": "pi"}
    for name in ("etcd-a", "etcd-b"):
        assert members[name]["method"] == "fio" and members[name]["p99_ms"] > 0
        assert "not there yet" in members[name]["note"]
    pi = members["pi"]
    assert (pi["verdict"], pi["p99_ms"], pi["device"]) == ("refused", None, "mmcblk0")
    parts = {one["part"]: one for one in done.document["witness"]["pi"]}
    assert parts["disk"]["verdict"] == "refused" and parts["disk"]["source"]
    assert len(done.document["round_trips"]) == 6
    assert lab.try_inside("pi", "test", "-e", "/home/.wizard-fsync") != 0
    nothing_left(lab)
