"""One cluster, made once by the real command from nothing, for every test of this folder; the lab is left bare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.cluster.site import Record, Site, newcomer
from tests.lab.conftest import Lab
from tests.lab.story.operators import Done
from tests.lab.story.world import tell


@dataclass(frozen=True, slots=True)
class Cluster(Site):
    """The site after an apply that nobody disturbed."""

    installed: Done
    """How it went."""
    state: dict[str, Any]
    records: dict[str, Record]
    """What was done to every machine by that apply."""


@pytest.fixture(scope="package")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Six guests on two hypervisors and three members of etcd, made by `wizard apply --plain --yes`."""
    operator = newcomer(lab, tmp_path_factory.mktemp("cluster") / "operator")
    site = Site(lab, operator)
    site.settle()
    site.wipe()
    for tower in ("tower-a", "tower-b"):
        site.run(tower, "count")
    installed = site.install()
    tell(f"from nothing to a proven cluster: {installed.seconds:.0f} s")
    machines = (*lab.names, *(machine.name for machine in site.spec.machines))
    records = {machine: site.record(machine) for machine in machines}
    yield Cluster(lab, operator, installed, operator.state(), records)
    lab.mend_all()
    site.wipe()
