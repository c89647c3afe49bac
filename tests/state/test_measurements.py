"""`measurements.json`: the last result of each kind and host, whole after every crash, damaged ones refused."""

from __future__ import annotations

import errno
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.state.faulty import FailAt, Recorder
from wizard.core.errors import ExitCode, StateError
from wizard.core.files import SYSTEM, SystemCalls
from wizard.core.home import ClusterHome
from wizard.core.measurements import FileMeasurements, Measurement, MemoryMeasurements, age_words

WIRE = Measurement("addresses", "tower-a", 1000.5, {"answers": [["192.168.10.1", "52:54:00:00:00:01"]]})
DISK = Measurement("fsync", "pi", 2000.0, {"p99_ms": 31.5, "method": "dd"})


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    return ClusterHome(tmp_path / "w")


def kept(home: ClusterHome, system: SystemCalls = SYSTEM) -> FileMeasurements:
    """As a newly started wizard has them."""
    return FileMeasurements(home, system)


def test_what_was_kept_is_there_for_the_next_wizard(home: ClusterHome) -> None:
    kept(home).keep([WIRE])
    kept(home).keep([DISK])
    assert kept(home).last("addresses", "tower-a") == WIRE
    assert kept(home).last("fsync", "pi") == DISK
    assert kept(home).last("fsync", "tower-a") is None
    assert stat.S_IMODE(home.measurements.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700


def test_a_new_result_replaces_the_one_of_its_kind_and_host(home: ClusterHome) -> None:
    later = replace(WIRE, measured_at=3000.0, data={"answers": []})
    kept(home).keep([WIRE, DISK])
    kept(home).keep([later])
    assert kept(home).last("addresses", "tower-a") == later
    assert kept(home).last("fsync", "pi") == DISK


def test_to_look_makes_nothing(home: ClusterHome) -> None:
    assert kept(home).last("fsync", "pi") is None
    assert not home.folder.exists()


def test_memory_answers_alike() -> None:
    memory = MemoryMeasurements()
    memory.keep([WIRE])
    assert memory.last("addresses", "tower-a") == WIRE
    assert memory.last("addresses", "tower-b") is None


def test_every_failing_call_leaves_the_old_or_the_new(home: ClusterHome) -> None:
    kept(home).keep([WIRE])
    recorder = Recorder(armed=True)
    kept(home, recorder).keep([DISK])
    assert "replace" in recorder.names
    for index in range(len(recorder.names)):
        kept(home).keep([WIRE, replace(DISK, measured_at=1.0)])
        with suppress(StateError):
            kept(home, FailAt(armed=True, index=index, number=errno.ENOSPC)).keep([DISK])
        found = kept(home)
        assert found.last("addresses", "tower-a") == WIRE
        disk = found.last("fsync", "pi")
        assert disk is not None and disk.measured_at in (1.0, DISK.measured_at)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ('{"schema": 1, "measurements": [', "not JSON"),
        ("[]", "should be an object"),
        ('{"schema": 2, "measurements": []}', "another version"),
        ('{"schema": 1, "measurements": {}}', "should be a list"),
        ('{"schema": 1, "measurements": [7]}', "measurements[0]"),
        (
            '{"schema": 1, "measurements": [{"kind": "a", "host": "b", "measured_at": NaN, "data": {}}]}',
            "finite",
        ),
        ('{"schema": 1, "measurements": [{"kind": "a", "host": "b", "measured_at": 1}]}', "data is missing"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_damaged_file_is_refused_with_the_way_out(home: ClusterHome, text: str, why: str) -> None:
    kept(home).keep([WIRE])
    home.measurements.write_text(text)
    with pytest.raises(StateError) as caught:
        kept(home).last("addresses", "tower-a")
    assert caught.value.exit_code == ExitCode.STATE
    assert why in caught.value.why
    assert caught.value.do[0] == f"rm {home.measurements}"


def test_a_file_open_to_others_is_refused(home: ClusterHome) -> None:
    kept(home).keep([WIRE])
    home.measurements.chmod(0o644)
    with pytest.raises(StateError, match="open to other users"):
        kept(home).last("addresses", "tower-a")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (7300, "2 hours ago"),
        (86400, "1 day ago"),
        (30 * 86400, "30 days ago"),
    ],
)
def test_age(seconds: float, words: str) -> None:
    assert age_words(seconds) == words
