"""The lab's hosts, bare before and after a person has built on them, and what such a person shall find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster.site import MEMBERS, Site, newcomer
from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator

SLOW_DISK = {"etcd.fsync"}
"""The check that a machine busy with other things may fail; it is not what is tested here."""


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """The lab's hosts, bare before and after; the operator here only takes away."""
    found = Site(lab, newcomer(lab, tmp_path / "cleaner", without=("storage",)))
    found.settle()
    found.wipe()
    yield found
    lab.mend_all()
    found.wipe()


def assert_well(site: Site, operator: Operator, verdict: str, *warned: str) -> None:
    """Green, or nothing worse than a disk that is slow because the machine is busy; and nothing is left to do.

    Args:
        site: the hosts.
        operator: who built.
        verdict: what whoever built was told.
        warned: checks that warn of what was answered.
    """
    document = operator.run("doctor", "--json").document
    unwell = {one["id"] for one in document["findings"] if one["status"] in ("fail", "warn")}
    assert unwell <= SLOW_DISK | set(warned), document
    assert "All is well." in verdict or unwell, "the setup saw something that the command does not"
    assert "Nothing to do" in operator.run("plan", code=0).stdout
    voters = {one["name"] for one in Site(site.lab, operator).members() if not one.get("isLearner")}
    assert voters == set(MEMBERS)
