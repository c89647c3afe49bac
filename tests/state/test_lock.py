"""One wizard at a time, across real processes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.state.samples import fresh, home_in, needs_root, sample_state, saved, told
from wizard.core.errors import StateError
from wizard.core.home import ClusterHome
from wizard.front.state import unlock_text

HOLD = """
import sys
from pathlib import Path
from wizard.core.home import ClusterHome
from wizard.core.store import StateStore
with StateStore(ClusterHome(Path(sys.argv[1])), writer="other").lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    home = home_in(tmp_path)
    saved(home, sample_state())
    return home


@contextmanager
def other_wizard(home: ClusterHome) -> Iterator[subprocess.Popen[str]]:
    """A second process that holds the lock until its stdin ends."""
    command = [sys.executable, "-c", HOLD, str(home.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def refused(home: ClusterHome) -> str:
    with pytest.raises(StateError) as caught, fresh(home).lock():
        pass
    return told(caught.value, "Another wizard is at work", str(home.lock))


def test_row_a12_the_second_wizard_is_told_who_and_since_when(home: ClusterHome) -> None:
    with other_wizard(home) as process:
        text = refused(home)
        assert f"@{os.uname().nodename}, process {process.pid}, since 20" in text
        assert f"kill {process.pid}" in text
        assert "only read" in text
        assert fresh(home).load() == sample_state(), "reading needs no lock"


def test_row_a12_the_lock_is_free_when_the_holder_has_ended(home: ClusterHome) -> None:
    with other_wizard(home) as process:
        process.communicate("", timeout=30)
    with fresh(home).lock():
        pass
    assert home.lock.read_bytes() == b""


def test_row_a16_the_lock_frees_itself_after_kill_9(home: ClusterHome) -> None:
    with other_wizard(home) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert json.loads(home.lock.read_text())["pid"] == process.pid, "only its name is left over"
        with fresh(home).lock():
            assert json.loads(home.lock.read_text())["pid"] == os.getpid()


def test_the_same_process_cannot_hold_it_twice(home: ClusterHome) -> None:
    with fresh(home).lock():
        assert f"process {os.getpid()}" in refused(home)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"pid": "x"}', "\x1b[2J"])
def test_an_unreadable_name_is_not_an_excuse(home: ClusterHome, text: str) -> None:
    with fresh(home).lock():
        home.lock.write_text(text)
        assert "has not said who it is" in refused(home)


def test_a_lock_file_exchanged_at_the_last_moment_is_noticed(
    home: ClusterHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our open and our flock somebody removes the file: locking the nameless one would keep nobody out."""
    flock = fcntl.flock
    exchanged: list[int] = []

    def exchanging(handle: int, flags: int) -> None:
        if not exchanged:
            home.lock.unlink()
            exchanged.append(handle)
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", exchanging)
    with fresh(home).lock():
        assert exchanged
        refused(home)


def test_leftovers_of_killed_saves_go_when_the_lock_is_taken(home: ClusterHome) -> None:
    left = home.folder / ".state.json.4242-00ff.tmp"
    other = home.folder / ".artifacts.lock.4242-00ff.tmp"
    left.touch()
    other.touch()
    with fresh(home).lock():
        assert not left.exists()
    assert other.exists(), "artifacts fetch may be writing it right now"


def test_row_a09_the_lock_is_a_link(home: ClusterHome) -> None:
    home.lock.unlink()
    home.lock.symlink_to("/dev/null")
    with pytest.raises(StateError) as caught, fresh(home).lock():
        pass
    told(caught.value, "symbolic link", f"rm {home.lock}")


@needs_root
def test_row_a09_the_lock_is_somebody_elses(home: ClusterHome) -> None:
    os.chown(home.lock, 65534, -1)
    with pytest.raises(StateError) as caught, fresh(home).lock():
        pass
    told(caught.value, f"chown root {home.lock}")


def test_unlock_with_nothing_to_do(home: ClusterHome) -> None:
    assert "Nothing to do" in unlock_text(home)
    home.lock.unlink()
    assert "Nothing to do" in unlock_text(home)
    assert not home.lock.exists()


def test_unlock_leaves_a_living_holder_alone(home: ClusterHome) -> None:
    with other_wizard(home) as process:
        with pytest.raises(StateError) as caught:
            unlock_text(home)
        told(caught.value, f"process {process.pid}")
        assert process.poll() is None
        refused(home)


def test_unlock_clears_the_name_of_a_dead_holder(home: ClusterHome) -> None:
    with other_wizard(home) as process:
        process.kill()
        process.wait(30)
    assert f"process {process.pid}" in unlock_text(home)
    assert home.lock.read_bytes() == b""
    assert "Nothing to do" in unlock_text(home)
