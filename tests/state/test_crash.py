"""A save is struck at every one of its system calls: afterwards the old or the new state loads, whole."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pytest

from tests.state.faulty import KILLED, FailAt, KillAt, Recorder, ShortWrites
from tests.state.samples import WRITER, fresh, home_in, load_error, sample_state, saved, told
from wizard.core.errors import StateError
from wizard.core.files import SystemCalls
from wizard.core.home import ClusterHome
from wizard.core.state import RunState
from wizard.core.store import StateStore

P = ParamSpec("P")
R = TypeVar("R")

NEW = sample_state(serial=9)
OLD = sample_state(serial=8)

Scene = Callable[[ClusterHome], RunState | None]


def nothing_yet(_home: ClusterHome) -> None:
    """The very first save."""


def saved_once(home: ClusterHome) -> RunState:
    """The backup equals the state."""
    saved(home, OLD)
    return OLD


def saved_often(home: ClusterHome) -> RunState:
    """The usual case."""
    saved(home, sample_state(serial=6), sample_state(serial=7), OLD)
    return OLD


SCENES = (nothing_yet, saved_once, saved_often)


def save(home: ClusterHome, system: Recorder, state: RunState = NEW) -> StateStore:
    """Load, then save with the system armed, as an apply does."""
    store = StateStore(home, writer=WRITER, system=system)
    store.load()
    with store.lock():
        system.armed = True
        try:
            store.save(state)
        finally:
            system.armed = False
    return store


def calls_of_a_save(folder: Path, scene: Scene) -> list[str]:
    home = home_in(folder / "count")
    scene(home)
    recorder = Recorder()
    save(home, recorder)
    return recorder.names


def in_child(work: Callable[[], object]) -> int:
    """Run it in a process of its own and return how that ended: 0, `KILLED`, or 1 for an error."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def assert_whole(home: ClusterHome, old: RunState | None, hint: str) -> RunState | None:
    """The old or the new state loads, all is private, and the next run saves and loads as if nothing was."""
    found = fresh(home).load()
    assert found in (old, NEW), hint
    for path in home.folder.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.lstat().st_mode) == wanted, f"{hint}: {path}"
    assert found is None or fresh(home).newest_good_backup() or old is None, hint
    after = replace(NEW, serial=NEW.serial + 1)
    saved(home, after)
    assert fresh(home).load() == after, hint
    assert fresh(home).newest_good_backup() is not None, hint
    assert not list(home.folder.rglob("*.tmp")), hint
    return found


@pytest.mark.parametrize("power", [False, True], ids=["kill", "power-cut"])
@pytest.mark.parametrize("scene", SCENES)
def test_row_a16_killed_at_every_call(tmp_path: Path, scene: Scene, power: bool) -> None:
    names = calls_of_a_save(tmp_path, scene)
    outcomes = set()
    for index, name in enumerate(names):
        home = home_in(tmp_path / str(index))
        old = scene(home)
        system = KillAt(index=index, power=power)
        assert in_child(partial(save, home, system)) == KILLED
        found = assert_whole(home, old, f"call {index}, {name}")
        outcomes.add("new" if found == NEW else "old")
    assert outcomes == {"old", "new"}


def test_row_a16_the_power_cut_does_lose_what_was_not_synced(tmp_path: Path) -> None:
    """The control of the test above: a save that syncs the folder and forgets the file is found out."""

    class FolderSyncOnly(KillAt):
        def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
            folder = function is os.fsync and stat.S_ISDIR(os.fstat(args[0]).st_mode)  # type: ignore[arg-type]
            if self.armed and function is os.fsync and not folder:
                return cast(R, None)
            return super().call(function, *args, **kwargs)

    home = home_in(tmp_path)
    saved_once(home)
    names = calls_of_a_save(tmp_path, saved_once)
    last = len(names) - 1 - (names.count("fsync") - 1)
    assert in_child(lambda: save(home, FolderSyncOnly(index=last, power=True))) == KILLED
    load_error(home, "is damaged", "byte 0 of 0", "The file is empty")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("after", [False, True], ids=["refused", "done-but-refused"])
@pytest.mark.parametrize("scene", SCENES)
def test_row_a10_every_call_fails_once(tmp_path: Path, scene: Scene, number: int, after: bool) -> None:
    names = calls_of_a_save(tmp_path, scene)
    failed = []
    for index, name in enumerate(names):
        home = home_in(tmp_path / str(index))
        old = scene(home)
        try:
            save(home, FailAt(index=index, number=number, after=after))
        except StateError as error:
            told(error, "bytes free", errno.errorcode[number])
            failed.append(name)
        else:
            assert fresh(home).load() == NEW, f"call {index}, {name}: saved, they said"
        assert not list(home.folder.rglob("*.tmp")), f"call {index}, {name}"
        assert_whole(home, old, f"call {index}, {name}")
    assert failed.count("fsync") == names.count("fsync"), "a failed fsync was called a success"
    assert failed.count("write") == names.count("write")
    assert failed.count("replace") == names.count("replace")


@pytest.mark.parametrize("scene", SCENES)
def test_row_a10_the_disk_goes_away_for_good(tmp_path: Path, scene: Scene) -> None:
    for index, name in enumerate(calls_of_a_save(tmp_path, scene)):
        home = home_in(tmp_path / str(index))
        old = scene(home)
        try:
            save(home, FailAt(index=index, number=errno.EIO, for_ever=True))
        except StateError as error:
            told(error, "bytes free")
        assert_whole(home, old, f"from call {index}, {name}")


def test_row_a11_after_a_failed_fsync_another_temp_file_is_used(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    saved_often(home)
    names = calls_of_a_save(tmp_path, saved_often)
    system = FailAt(index=names.index("fsync"), number=errno.EIO)
    store = StateStore(home, writer=WRITER, system=system)
    store.load()
    with store.lock():
        system.armed = True
        with pytest.raises(StateError) as caught:
            store.save(NEW)
        assert fresh(home).load() == OLD
        store.save(NEW)
    told(caught.value, "the disk reported an error", "dmesg")
    temps = [args[0] for name, args in zip(system.names, system.arguments, strict=True) if name == "open"]
    created = [str(path) for path in temps if str(path).endswith(".tmp")]
    assert len(created) == len(set(created)) == 3
    assert fresh(home).load() == NEW


def test_row_a10_short_writes_are_carried_on(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    saved_once(home)
    system = ShortWrites()
    save(home, system)
    assert system.names.count("write") > 100
    assert fresh(home).load() == NEW


def test_row_a10_a_write_of_nothing_is_an_error(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    saved_once(home)
    with pytest.raises(StateError) as caught:
        save(home, ShortWrites(step=0))
    told(caught.value, "bytes free")
    assert fresh(home).load() == OLD


def test_row_a10_the_kernel_really_stops_the_write(tmp_path: Path) -> None:
    """No injection: the process's file size limit ends the write in the middle."""
    home = home_in(tmp_path)
    saved_once(home)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        with pytest.raises(StateError) as caught:
            save(home, Recorder())
        told(caught.value, "EFBIG", "bytes free")

    assert in_child(limited) == 0
    assert_whole(home, OLD, "file size limit")


def may_mount() -> bool:
    """Whether this machine lets us have a mount namespace of our own (root, and not in a locked-down container)."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="needs a mount namespace of its own")
def test_row_a10_a_disk_that_is_really_full_and_really_read_only(tmp_path: Path) -> None:
    command = ["unshare", "-m", sys.executable, "-m", "tests.state.real_disk", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("held\n", 0), done.stderr


def test_the_data_is_synced_before_its_name_and_the_folder_after(tmp_path: Path) -> None:
    names = calls_of_a_save(tmp_path, saved_often)
    steps = [name for name in names if name in ("write", "fsync", "replace")]
    assert steps == ["write", "fsync", "replace", "write", "fsync", "replace", "fsync"]


def test_saving_without_the_lock_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="lock"):
        StateStore(home_in(tmp_path), writer=WRITER, system=SystemCalls()).save(NEW)
