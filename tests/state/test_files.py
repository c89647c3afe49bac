"""What lies where our file should: refused with the line that mends it, and never waited for."""

from __future__ import annotations

import os
import shlex
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.state.samples import fresh, home_in, load_error, needs_root, sample_state, saved, told
from wizard.core import files
from wizard.core.errors import StateError
from wizard.core.files import read_private, write_private
from wizard.core.home import ClusterHome, prepare_home

STATE = sample_state()
NOBODY = 65534


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    home = home_in(tmp_path)
    saved(home, STATE)
    return home


@contextmanager
def umask(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601, 0o777])
def test_row_a09_open_to_others(home: ClusterHome, mode: int) -> None:
    home.state.chmod(mode)
    line = f"chmod 0600 {home.state}"
    load_error(home, f"{mode:04o}", line)
    subprocess.run(shlex.split(line), check=True)
    assert fresh(home).load() == STATE


@needs_root
def test_row_a09_other_owner(home: ClusterHome) -> None:
    os.chown(home.state, NOBODY, -1)
    load_error(home, "belongs to nobody", f"sudo chown root {home.state}")


def test_row_a09_symbolic_link(home: ClusterHome) -> None:
    target = home.folder / "elsewhere"
    home.state.rename(target)
    home.state.symlink_to(target)
    load_error(home, "symbolic link", f"rm {home.state}")
    assert target.exists()


def test_row_a09_dangling_link(home: ClusterHome) -> None:
    home.state.unlink()
    home.state.symlink_to("/nonexistent/state")
    load_error(home, "symbolic link", f"rm {home.state}")


def test_row_a09_folder(home: ClusterHome) -> None:
    home.state.unlink()
    home.state.mkdir()
    load_error(home, "a folder", f"rmdir {home.state}")


def test_row_a09_fifo_does_not_hang(home: ClusterHome) -> None:
    home.state.unlink()
    os.mkfifo(home.state, 0o600)
    load_error(home, "FIFO", f"rm {home.state}")


def test_row_a09_socket(home: ClusterHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.state.unlink()
    monkeypatch.chdir(home.folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(home.state.name)
        load_error(home, "a socket")


KINDS: dict[str, Callable[[Path], None]] = {
    "symlink": lambda path: path.symlink_to("x"),
    "fifo": lambda path: os.mkfifo(path, 0o600),
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_row_a09_a_save_does_not_replace_it_either(home: ClusterHome, kind: str) -> None:
    home.state.unlink()
    KINDS[kind](home.state)
    before = home.state.lstat()
    store = fresh(home)
    with store.lock(), pytest.raises(StateError) as caught:
        store.save(STATE)
    told(caught.value, "not a plain file")
    assert home.state.lstat().st_ino == before.st_ino


def test_too_large(home: ClusterHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "READ_LIMIT", 1000)
    load_error(home, "too large")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777], ids=oct)
def test_the_umask_does_not_matter(tmp_path: Path, mask: int) -> None:
    home = ClusterHome(tmp_path / "deep" / "er" / "home")
    with umask(mask):
        saved(home, STATE, STATE)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.folder.iterdir()}
    assert found == {"state.json": 0o600, "state.json.bak": 0o600, "lock": 0o600}
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.folder.parent.stat().st_mode) == 0o700


def test_any_private_file_goes_through_the_same_door(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    assert read_private(path) is None
    with umask(0):
        write_private(path, b"one")
        write_private(path, b"two")
    assert read_private(path) == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.yaml"]


def test_row_a10_the_folder_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StateError) as caught:
        write_private(tmp_path / "gone" / "state.json", b"x")
    told(caught.value, "No such file", "bytes free")


def test_row_a09_the_folder_is_open_to_others(home: ClusterHome) -> None:
    home.folder.chmod(0o755)
    load_error(home, "0755", f"chmod 0700 {home.folder}")
    with pytest.raises(StateError) as caught, fresh(home).lock():
        pass
    told(caught.value, f"chmod 0700 {home.folder}")


@needs_root
def test_row_a09_the_folder_is_somebody_elses(home: ClusterHome) -> None:
    os.chown(home.folder, NOBODY, -1)
    load_error(home, "belongs to nobody", f"sudo chown root {home.folder}")


def test_the_folder_is_a_file(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    home.folder.write_text("x")
    load_error(home, "is not a folder", "--dir")
    with pytest.raises(StateError) as caught:
        prepare_home(home)
    told(caught.value, "is not a folder")


@pytest.mark.parametrize("beside", [(), ("cluster.yaml",)])
def test_an_empty_folder_of_ours_is_closed(tmp_path: Path, beside: tuple[str, ...]) -> None:
    home = home_in(tmp_path)
    home.folder.mkdir()
    home.folder.chmod(0o755)
    for name in beside:
        (home.folder / name).write_text("name: home")
    prepare_home(home)
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700


def test_a_folder_with_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    home.folder.mkdir()
    home.folder.chmod(0o755)
    (home.folder / "letter.txt").write_text("dear")
    with pytest.raises(StateError) as caught:
        prepare_home(home)
    told(caught.value, f"chmod 0700 {home.folder}")
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o755


def test_a_shared_temporary_folder_is_never_closed(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    home.folder.mkdir()
    home.folder.chmod(0o1777)
    with pytest.raises(StateError):
        prepare_home(home)
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o1777
