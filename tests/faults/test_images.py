"""Row 57: the base image is not there, cut short, or another file than the one that was named."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.cluster_site import APPLY, ClusterSite
from tests.rows import assert_explained
from wizard.artifacts.lock import Lock, LockEntry, Origin, read_lock, write_lock
from wizard.core.errors import ExitCode
from wizard.core.packages import load_packages
from wizard.practice.artifacts import PracticeArtifacts


def folder_of(site: ClusterSite) -> Path:
    """A folder for --artifacts with everything in it, as somebody filled it."""
    folder = site.home / "artifacts"
    folder.mkdir()
    lock = Lock(folder / "artifacts.lock")
    known = load_packages()
    debs = {deb.artifact: deb.version for deb in known.closure(known.wanted("server", "kvm"), "amd64")}
    k3s = dict.fromkeys(("k3s", "k3s-airgap-images"), site.cluster.spec.k3s.version)
    for name, version in {"debian-cloud-image": "", "etcd": "", **k3s, **debs}.items():
        made, path = PracticeArtifacts(folder).obtain(name, "amd64", version)
        lock = lock.with_entry(LockEntry(name, made.version, "amd64", path.name, Origin.BUILT, made.sha256))
    write_lock(lock)
    site.real_artifacts = True
    return folder


def image(folder: Path) -> Path:
    (found,) = folder.glob("debian-cloud-image-*")
    return found


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def another_file(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"image", b"imago"))


@pytest.mark.row("D", 57)
@pytest.mark.parametrize(
    ("harm", "says"), [(truncated, "sha256"), (another_file, "sha256"), (Path.unlink, "debian-cloud-image")]
)
def test_row_d57_an_image_that_is_not_the_one_named(
    grown: ClusterSite, harm: Callable[[Path], None], says: str
) -> None:
    folder = folder_of(grown)
    whole = image(folder).read_bytes()
    name = image(folder)
    harm(name)
    run = grown.run(*APPLY, "--artifacts", str(folder))
    assert_explained(run, exit_code=ExitCode.FAILED, says=[says, "debian-cloud-image"], do=str(folder))
    assert not any(machine.domains for machine in grown.cluster.machines.values())
    assert not any("wizard-base" in path for one in grown.cluster.machines.values() for path in one.files)
    name.write_bytes(whole)
    again = grown.run(*APPLY, "--artifacts", str(folder))
    assert again.exit_code == ExitCode.OK, again.stderr


def test_what_an_offline_folder_lacks_is_told_at_once_before_anything_is_changed(grown: ClusterSite) -> None:
    folder = folder_of(grown)
    lock = read_lock(folder / "artifacts.lock")
    gone = {
        entry.name: entry for entry in lock.all() if entry.name in {"debian-cloud-image", "deb-keepalived"}
    }
    for entry in gone.values():
        (folder / entry.file).unlink()

    def done() -> list[str]:
        return [each.op for machine in grown.cluster.machines.values() for each in machine.ran]

    run = grown.run(*APPLY, "--artifacts", str(folder))
    assert_explained(
        run,
        exit_code=ExitCode.FAILED,
        says=["lacks 2 files", *(entry.label for entry in gone.values())],
        do=f"wizard artifacts fetch {folder} ",
        unchanged=done,
        before=[],
    )


def test_an_install_from_a_folder_opens_no_connection_from_this_machine(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulated hosts are reached without one; the lab's are reached by SSH alone (tests/lab/cluster)."""

    def connect(_self: socket.socket, address: object) -> None:
        raise AssertionError(f"a connection to {address}")

    folder = folder_of(grown)
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    run = grown.run(*APPLY, "--artifacts", str(folder))
    assert run.exit_code == ExitCode.OK, run.stderr
    assert all(grown.cluster.machines[name].domains for name in ("tower-a", "tower-b"))
