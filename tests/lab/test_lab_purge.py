"""What `down --purge` takes away, and what it leaves to the labs beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizard.lab import images
from wizard.lab.docker import Output

OURS, THEIRS = "homelab-wizard-lab:pi-0557fb6b2ca8", "homelab-wizard-lab:hypervisor-80f4d1a10c07"


def test_the_tar_of_an_image_that_another_lab_runs_on_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {OURS, THEIRS}

    def docker(*words: str) -> Output:
        if words[0] == "rmi" and words[1] == OURS:
            there.discard(OURS)
            return Output(0, "", "")
        return Output(1, "", "image is being used by running container")

    for tag in (OURS, THEIRS, "x:hypervisor-of-last-year"):
        (tmp_path / f"{tag.split(':')[1]}.tar").write_bytes(b"root")
    monkeypatch.setattr(images, "cache_root", lambda: tmp_path)
    monkeypatch.setattr(images, "names", lambda kind: sorted(there))
    monkeypatch.setattr(images, "try_docker", docker)
    gone = images.remove()
    assert [path.name for path in tmp_path.iterdir()] == [f"{THEIRS.split(':')[1]}.tar"]
    assert OURS in gone and THEIRS not in gone
