"""What is decided on real hosts: plan shows the proposal of layout, a missing disk changes the verdict of storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator, settle_in

pytestmark = pytest.mark.lab

SPARE = (Path(__file__).parent / "scripts" / "spare-disk.sh").read_bytes()
TOWERS = {"tower-a": "S6PTNZ0R100001A", "tower-b": "S6PTNZ0R100002B"}
"""The hypervisors and the serial numbers of the disks they are lent."""


@pytest.fixture
def undecided(lab: Lab, tmp_path: Path) -> Operator:
    """A person whose spec of the lab leaves the machines to the wizard."""
    operator = settle_in(lab, tmp_path / "home")
    spec = operator.home / "cluster.yaml"
    spec.write_text(spec.read_text().replace("machines: []\n", ""))
    return operator


def test_plan_shows_what_layout_proposes_and_would_build_just_that(undecided: Operator) -> None:
    layout = undecided.run("layout", "--json").document
    plan = undecided.run("plan", "--json", code=10).document
    assert layout["proposed"] is True
    assert plan["layout"] == {"proposed": True, "approved_at": None, "machines": layout["machines"]}
    changes = [change["key"] for step in plan["steps"] for change in step["changes"]]
    made = {key.removeprefix("create:") for key in changes if key.startswith("create:")}
    assert made == {machine["name"] for machine in layout["machines"]}
    assert {machine["role"] for machine in layout["machines"]} >= {"etcd", "server", "worker"}
    text = undecided.run("plan", code=10).stdout
    assert "The spec names no machines; these are proposed" in text
    verdicts = {one["check"]: one["verdict"] for one in plan["decisions"]}
    rules = [verdict for check, verdict in verdicts.items() if check.startswith("prove.")]
    assert rules == ["holds"] * len(rules), "three hosts that are no guests of each other"
    assert not undecided.happened("ChangeStarted"), "a plan changes nothing"


@pytest.fixture
def roomy(lab: Lab) -> Iterator[Lab]:
    """Each hypervisor has an empty SSD beside the disk that etcd writes to."""
    for tower, serial in TOWERS.items():
        lab.inside(tower, "/bin/sh", "-s", "add", serial, given=SPARE)
    yield lab
    lab.mend_all()
    for tower in TOWERS:
        lab.inside(tower, "/bin/sh", "-s", "clear", "", given=SPARE)


def test_a_second_disk_that_is_missing_changes_the_verdict_of_storage(
    roomy: Lab, undecided: Operator
) -> None:
    spec = undecided.home / "cluster.yaml"
    spec.write_text(
        spec.read_text().replace("storage: {kind: existing, class: lab}", "storage: {kind: longhorn}")
    )
    with_disks = longhorn(undecided)
    assert with_disks["verdict"] != "rejected", with_disks["summary"]
    roomy.fault("disk-missing", "tower-b", "sdz")
    without = longhorn(undecided)
    assert without["verdict"] == "rejected"
    unmet = [
        (one["host"], one["do"])
        for one in without["reasons"]
        if one["met"] is False and one["level"] == "must"
    ]
    assert [host for host, _ in unmet] == ["tower-b"]
    assert "uy an SSD" in unmet[0][1]
    shown = undecided.run("plan").stdout
    assert "The spec says longhorn, which is rejected here." in shown
    roomy.mend("disk-missing", "tower-b")
    assert longhorn(undecided)["verdict"] == with_disks["verdict"]


def longhorn(operator: Operator) -> dict[str, Any]:
    """What `wizard storage` says of it."""
    document = operator.run("storage", "--json", code=0).document
    found: dict[str, Any] = next(one for one in document["verdicts"] if one["kind"] == "longhorn")
    return found
