"""Files in place of downloads: what a wizard left that was killed while it wrote one."""

from __future__ import annotations

from pathlib import Path

from wizard.practice.artifacts import PracticeArtifacts


def test_a_file_that_is_not_whole_is_made_anew(tmp_path: Path) -> None:
    found, path = PracticeArtifacts(tmp_path).obtain("etcd", "amd64")
    whole = path.read_bytes()
    path.write_bytes(whole[:10])
    assert PracticeArtifacts(tmp_path).obtain("etcd", "amd64") == (found, path)
    assert path.read_bytes() == whole
