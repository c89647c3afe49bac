"""What a change obtains it has said before: only then can everything that is missing be told at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from steps.needed_files import needed_by
from tests.practice.cluster import without_proxy
from tests.practice.k3s_site import STORY, fresh
from wizard.artifacts.catalog import ARCHES
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


def test_the_first_plan_names_every_file_that_the_whole_install_obtains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxy(monkeypatch)
    cluster = fresh(tmp_path)
    files = Counting(tmp_path)
    session = replace(cluster.session(steps=STORY), artifacts=files)
    planned, _ = session.plan()
    assert session.apply(lambda _plan, _left: True).status == "done"
    assert files.obtained
    assert files.obtained <= set(planned.needs)
    assert set(planned.needs) <= set(needed_by(cluster.spec, ARCHES))
    assert {need.name for need in planned.needs} >= {"etcd", "debian-cloud-image", "k3s", "k3s-airgap-images"}
    after, _ = cluster.session(steps=STORY).plan()
    assert after.needs == []
