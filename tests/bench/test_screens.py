"""The screens: how soon, how smooth, how large, how quiet (issue 6, section 5)."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests.bench.conftest import wizard
from tests.bench.measure import race
from tests.bench.report import Report
from tests.bench.screens import READY
from tests.bench.terminal import OnTerminal, first_frame, on_terminal

pytestmark = pytest.mark.bench

RUNS = 11
KEYS = 200
"""Key presses of which 99 in 100 must be answered in time."""
SEED = 6
LARGE = (120, 36)


def python() -> str:
    """The interpreter the wizard is installed in."""
    return str(Path(wizard()).with_name("python"))


def test_first_screen(tmp_path: Path, report: Report) -> None:
    """By processor time: what else the machine does is not in it."""
    (tmp_path / "new").mkdir()
    ours = [wizard(), "setup", "-f", "cluster.yaml", "--dir", "home"]
    empty = [python(), "-c", "from textual.app import App\nApp().run()"]
    took = race(
        {
            "wizard": lambda: first_frame(ours, tmp_path / "new", "A homelab that stays up"),
            "empty": lambda: first_frame(empty, tmp_path, " " * 80),
        },
        RUNS,
    )
    report.at_most(
        "first screen, processor time", took["wizard"], took["empty"], "an empty Textual app", 1.25
    )


def scenario(name: str, folder: Path) -> list[str]:
    """The command line of a scenario."""
    return [python(), "-m", "tests.bench.screens", name, str(folder)]


def found(folder: Path) -> dict[str, float]:
    """What a scenario measured."""
    figures: dict[str, float] = json.loads((folder / "result.json").read_text())
    return figures


def presses(running: OnTerminal, folder: Path) -> list[float]:
    """Press `t` again and again, at no steady pace; when each press was."""
    chance = random.Random(SEED)
    while not (folder / READY).exists():
        assert running.process.poll() is None
        time.sleep(0.05)
    pressed = []
    for _ in range(KEYS):
        pressed.append(time.monotonic())
        running.type(b"t")
        time.sleep(chance.uniform(0.15, 0.25))
    (folder / READY).unlink()
    return pressed


def answered(pressed: list[float], frames: list[tuple[float, bool]]) -> list[float]:
    """Seconds from each press to the first frame that shows what it asked for: the topology, or the steps again."""
    waits = []
    for number, when in enumerate(pressed):
        wanted = number % 2 == 0
        shown = next((at for at, large in frames if at > when and large is wanted), None)
        assert shown is not None, f"press {number} was never answered"
        waits.append(shown - when)
    return sorted(waits)


def test_keys_while_twelve_hosts_stream(tmp_path: Path, report: Report) -> None:
    with on_terminal(scenario("streams", tmp_path), tmp_path, LARGE) as running:
        pressed = presses(running, tmp_path)
        assert running.ended() == 0
    waits = answered(pressed, json.loads((tmp_path / "frames.json").read_text()))
    lines = found(tmp_path)["lines a second"]
    what = f"key to frame, 99 of 100, while 12 hosts print {lines:.0f} lines a second"
    report.value(what, 1000 * waits[len(waits) * 99 // 100 - 1], " ms", 100)
    report.say(f"half of them {1000 * waits[len(waits) // 2]:.0f} ms, the longest {1000 * waits[-1]:.0f} ms")


def test_a_whole_install(tmp_path: Path, report: Report) -> None:
    with on_terminal(scenario("install", tmp_path), tmp_path, LARGE) as running:
        assert running.ended() == 0
    figures = found(tmp_path)
    report.value(
        "longest time the screens do not answer in a whole install", 1000 * figures["gap"], " ms", 150
    )
    own = 1000 * figures["gap of processor time"]
    report.value("processor time of the drawing thread in the longest such time", own, " ms", 150)
    report.value("memory at the end of a whole install", figures["memory"], " MB", 150)


def test_nothing_going_on(tmp_path: Path, report: Report) -> None:
    with on_terminal(scenario("idle", tmp_path), tmp_path) as running:
        assert running.ended() == 0
    for where, share in found(tmp_path).items():
        report.value(f"processor while nothing happens: {where}", share, " %", 1)
