"""From nothing to guests and a proven etcd: where the time went, against the longest chain of real work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.phases import LIMIT, phases
from tests.bench.report import Report, Row
from tests.lab.cluster.site import GUESTS, TOWERS, Site, newcomer
from tests.lab.conftest import Lab

pytestmark = [pytest.mark.bench, pytest.mark.lab]


def test_install_from_nothing(lab: Lab, tmp_path: Path, report: Report) -> None:
    """The one figure that asserts is a count: the base image is sent to each hypervisor once."""
    site = Site(lab, newcomer(lab, tmp_path / "operator"))
    site.settle()
    site.wipe()
    try:
        done = site.install()
    finally:
        site.wipe()
    found = phases(site.operator.events.read_text().splitlines())
    report.say(found.table())
    name, chain = found.longest
    ratio = found.wall / chain
    what = (
        f"{len(GUESTS)} guests and 3 members of etcd from nothing, beside the longest chain of work ({name})"
    )
    rival = f"chain {chain:.0f} s"
    report.add(Row(what, f"{found.wall:.0f} s", rival, f"{ratio:.2f}x", f"<= {LIMIT}x", ratio <= LIMIT))
    images = sorted(change.key for change in found.changes if change.key.startswith("image:"))
    assert images == [f"image:{tower}" for tower in TOWERS]
    assert done.exit_code == 0
