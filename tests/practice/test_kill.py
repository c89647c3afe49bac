"""The wizard killed while practice is set up: the simulated hosts keep what real ones would have kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.practice.room import Room

PATIENCE = 60.0
"""Seconds: only ever spent by a failing test."""


def set_up(room: Room, speed: str) -> subprocess.Popen[bytes]:
    """`wizard practice` as a program of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "wizard", "practice", "--dir", str(room.folder), "--speed", speed],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def begun(room: Room) -> int:
    """How many changes the wizard has begun so far."""
    try:
        state = json.loads((room.folder / "state.json").read_bytes())
    except FileNotFoundError:
        return 0
    return sum(len(step["changes"]) for step in state["steps"].values())


def wait_for(room: Room, process: subprocess.Popen[bytes], changes: int) -> None:
    """Until so many changes were begun."""
    end = time.monotonic() + PATIENCE
    while begun(room) < changes:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "it never came that far"
        time.sleep(0.02)


@pytest.mark.parametrize("changes", [1, 5, 12, 20, 27])
def test_killed_in_the_middle_it_is_resumed_to_the_end(room: Room, changes: int) -> None:
    process = set_up(room, "20")
    try:
        wait_for(room, process, changes)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(PATIENCE)
    ran = {name: [one.op for one in machine.ran] for name, machine in room.world().machines.items()}
    again = room.practice()
    assert again.exit_code == 0, again.stderr
    room.content()
    for name, machine in room.world().machines.items():
        ops = [one.op for one in machine.ran]
        assert ops[: len(ran[name])] == ran[name], f"{name} forgot what it had done"
        assert len(ops) == len(set(ops)), f"{name} did something twice"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_or_a_closed_terminal_lets_go_and_is_resumed(room: Room, number: int) -> None:
    process = set_up(room, "2")
    try:
        wait_for(room, process, 5)
        process.send_signal(number)
        assert process.wait(PATIENCE) in (3, 130), "it let go, or was told to end"
    finally:
        process.kill()
    assert room.practice().exit_code == 0
    room.content()
