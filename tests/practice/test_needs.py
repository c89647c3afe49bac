"""What a change obtains it has said before: only then can everything that is missing be told at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.practice.cluster import Cluster
from wizard.core.artifact import Artifact, Need
from wizard.practice.artifacts import PracticeArtifacts


class Counting(PracticeArtifacts):
    """Files of the simulated homelab, and a list of those that were obtained."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.obtained: set[Need] = set()

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        self.obtained.add(Need(name, arch, version))
        return super().obtain(name, arch, version, on_bytes=on_bytes)


def test_the_first_plan_names_every_file_that_the_whole_install_obtains(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path)
    files = Counting(tmp_path)
    session = replace(cluster.session(), artifacts=files)
    planned, _ = session.plan()
    assert session.apply(lambda _plan, _left: True).status == "done"
    assert files.obtained
    assert files.obtained <= set(planned.needs)
    assert {need.name for need in planned.needs} >= {"etcd", "debian-cloud-image"}
    after, _ = cluster.session().plan()
    assert after.needs == []
