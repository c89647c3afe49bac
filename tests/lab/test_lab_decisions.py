"""What is decided on real hosts: the proposal that plan shows is layout's, apply would build it, storage changes its mind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator, settle_in

pytestmark = pytest.mark.lab


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
