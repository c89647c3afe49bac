"""kill -9 of the real wizard at every change of the whole install: resumed, it ends as if nobody had disturbed it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.practice.cluster import picture_of
from tests.practice.killed import CHANGE, Order, copy_homelab, told
from wizard.core.spec import load_spec
from wizard.practice.keeping import WorldFile
from wizard.practice.world import World

CHANGES = 69
"""Of the whole install."""


@dataclass(frozen=True, slots=True)
class Killing:
    """Where real processes of the wizard are run and killed, and the homelab as it was before each change."""

    process: subprocess.Popen[str]
    copies: Path
    expected: dict[str, object]
    """What a run that nobody disturbed ends in."""

    def run(self, order: Order) -> int:
        """The exit code of a run; -9 = it was killed."""
        return ordered(self.process, order)


def ordered(process: subprocess.Popen[str], order: Order) -> int:
    """Have a run carried out, and wait for its end."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(told(order))
    process.stdin.flush()
    return int(process.stdout.readline())


@pytest.fixture(scope="module")
def killing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killing]:
    """One run to its end, with a copy of all that is kept made before each change."""
    folder, copies = tmp_path_factory.mktemp("undisturbed"), tmp_path_factory.mktemp("before")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.practice.killed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert ordered(process, Order(str(folder), copies=str(copies))) == 0
        yield Killing(process, copies, picture_of(world_of(folder)))
    finally:
        process.communicate()


def world_of(folder: Path) -> World:
    """The hosts as they are kept."""
    return WorldFile(folder / "world.json").open(load_spec(folder / "cluster.yaml"), None)


def test_every_change_of_the_install_has_its_copy(killing: Killing) -> None:
    assert len(list(killing.copies.iterdir())) == CHANGES


@pytest.mark.parametrize("number", range(1, CHANGES + 1))
def test_killed_at_a_change_it_is_resumed_to_the_same_end(
    killing: Killing, tmp_path: Path, number: int
) -> None:
    """In turn when the change was written down to be begun, and when it was carried out and nobody wrote that down."""
    before, folder = killing.copies / str(number), tmp_path / "practice"
    copy_homelab(before, folder)
    change = (before / CHANGE).read_text()
    assert killing.run(Order(str(folder), change=change, carried_out=number % 2 == 0)) == -signal.SIGKILL
    ran = {name: [one.op for one in machine.ran] for name, machine in world_of(folder).machines.items()}
    assert killing.run(Order(str(folder))) == 0
    world = world_of(folder)
    assert picture_of(world) == killing.expected
    for name, machine in world.machines.items():
        ops = [one.op for one in machine.ran]
        assert ops[: len(ran[name])] == ran[name], f"{name} forgot what it had done"
        assert len(ops) == len(set(ops)), f"{name} did something twice"
