"""What a cluster's files come from: a folder that has to hold all of them, and one that may lack some."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from tests.rows import assert_explained
from wizard.artifacts.access import ArtifactAccess
from wizard.artifacts.lock import Lock, LockEntry, Origin, write_lock
from wizard.core.artifact import Need
from wizard.core.errors import ExitCode, RefusedError
from wizard.transport.http import HttpClient

NEEDS = (Need("etcd", "amd64", "3.6.14"), Need("etcd", "arm64", "3.6.14"), Need("k3s", "amd64"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_self: HttpClient, url: str, **_more: object) -> None:
        raise AssertionError(f"{url} was asked")

    monkeypatch.setattr(HttpClient, "get", asked)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds etcd for amd64, as somebody built it."""
    place = tmp_path / "usb"
    place.mkdir()
    (place / "etcd.tar.gz").write_bytes(b"etcd")
    digest = hashlib.sha256(b"etcd").hexdigest()
    entry = LockEntry("etcd", "3.6.14", "amd64", "etcd.tar.gz", Origin.BUILT, digest)
    write_lock(Lock(place / "artifacts.lock").with_entry(entry))
    return place


def access(tmp_path: Path, folder: Path | None, *, sealed: bool = True) -> ArtifactAccess:
    return ArtifactAccess(
        lock=tmp_path / "artifacts.lock",
        cache=tmp_path / "cache",
        folder=folder,
        sealed=sealed,
        accept_built=True,
        cancelled=threading.Event(),
        talk=lambda _text: None,
    )


def test_all_that_a_folder_lacks_is_told_at_once(tmp_path: Path, folder: Path) -> None:
    error = access(tmp_path, folder).lacking(NEEDS)
    assert isinstance(error, RefusedError)
    parts = assert_explained(
        error,
        exit_code=ExitCode.FAILED,
        says=["lacks 2 files"],
        do=f"wizard artifacts fetch {folder} --only etcd --only k3s --arch arm64 --arch amd64",
    )
    assert parts["why"].splitlines() == ["etcd 3.6.14 for arm64", "k3s v1.36.4+k3s1 for amd64"]
    assert access(tmp_path, folder).lacking(NEEDS[:1]) is None


def test_a_file_that_its_lock_names_and_that_is_gone_is_lacking(tmp_path: Path, folder: Path) -> None:
    (folder / "etcd.tar.gz").unlink()
    for sealed in (True, False):
        error = access(tmp_path, folder, sealed=sealed).lacking(NEEDS[:1])
        assert error is not None and error.why == "etcd 3.6.14 for amd64"


def test_the_folder_of_the_spec_may_lack_what_can_be_downloaded(tmp_path: Path, folder: Path) -> None:
    assert access(tmp_path, folder, sealed=False).lacking(NEEDS) is None
    assert access(tmp_path, None, sealed=False).lacking(NEEDS) is None


def test_what_a_folder_lacks_is_asked_of_nobody(tmp_path: Path, folder: Path) -> None:
    made = access(tmp_path, folder)
    found, path = made.obtain("etcd", "amd64", "3.6.14")
    assert (found.origin, path) == ("built", folder / "etcd.tar.gz")
    with pytest.raises(RefusedError, match="lacks 1 file "):
        made.obtain("k3s", "amd64")
