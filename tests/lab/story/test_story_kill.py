"""kill -9 of the wizard at every save of its state and at random moments: run again, and the end is the same."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from steps import STEPS
from tests.lab.story.ending import assert_as_if_nothing_happened, result_of
from tests.lab.story.operators import APPLY, Operator, settle_in
from tests.lab.story.world import World, tell, until

pytestmark = pytest.mark.lab

KILLER = Path(__file__).parent / "killer"
SAVES = 8 + sum(step.id != "backup" for step in STEPS)
"""Of an uninterrupted first apply: the serial, a step half done, three changes begun and ended, each step done.

The lab's spec wants no backups: that step has no part in it."""

CHANGE_BEGINS = (3, 4, 5)
"""The saves in which a change goes in flight; right after them its host hears of it."""

MOMENTS = [
    *(f"before {number}" for number in range(1, SAVES + 1)),
    *(f"after {number}" for number in CHANGE_BEGINS),
]

RANDOM_KILLS = 6
SEED = 20261122
SCHEDULE = (("run-started", 1.5), ("step-planned", 0.5), ("change-started", 1.0), ("change-started", 1.0))
"""A kill comes within so many seconds after the first event of a kind: a slow machine moves with its events."""

EFFECT_SECONDS = 0.5
"""How long an effect lasts in the random runs, so that kills land inside of operations too."""


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, Any]:
    """Holds `state`, `saves` and `seconds` of a run nobody disturbed; filled by the first test that needs it."""
    return {}


def undisturbed(world: World, home: Path, known: dict[str, Any]) -> dict[str, Any]:
    if not known:
        operator = settle_in(world.lab, home / "undisturbed")
        world.equip(EFFECT_SECONDS)
        counted = home / "saves"
        done = operator.start(*APPLY, env={"PYTHONPATH": str(KILLER), "STORY_SAVES": str(counted)}).wait()
        assert done.exit_code == 0, done.stderr
        known.update(saves=counted.stat().st_size, seconds=done.seconds, state=result_of(operator.state()))
        world.clear()
    return known


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_save(
    world: World, operator: Operator, tmp_path: Path, uninterrupted: dict[str, Any], moment: str
) -> None:
    expected = undisturbed(world, tmp_path, uninterrupted)
    assert expected["saves"] == SAVES, "the boundaries below no longer cover every save"
    world.equip()
    killed = operator.start(*APPLY, env={"PYTHONPATH": str(KILLER), "STORY_KILL": moment}).wait()
    assert killed.exit_code == -9, killed.stderr
    done, waited = operator.apply_when_free()
    assert done.exit_code == 0, done.stdout + done.stderr
    assert_as_if_nothing_happened(world, operator, expected["state"], asked=False)
    tell(f"killed {moment}: let go after {waited:.1f} s, run again took {done.seconds:.1f} s")


def test_killed_at_random_moments(
    world: World, operator: Operator, tmp_path: Path, uninterrupted: dict[str, Any]
) -> None:
    expected = undisturbed(world, tmp_path, uninterrupted)
    dice = random.Random(SEED)
    landed = []
    for _ in range(RANDOM_KILLS):
        world.clear()
        world.equip(EFFECT_SECONDS)
        operator.fresh()
        running = operator.start(*APPLY)
        after, seconds = dice.choice(SCHEDULE)
        until(partial(_happened, operator, after), f"{after}, to be killed after it", pause=0.005)
        time.sleep(dice.uniform(0, seconds))
        was_alive = running.kill()
        landed.append(_where(operator) if was_alive else "it had ended")
        done, _ = operator.apply_when_free()
        assert done.exit_code == 0, done.stdout + done.stderr
        assert_as_if_nothing_happened(world, operator, expected["state"])
    tell(f"seed {SEED}: killed " + "; ".join(landed))
    assert any("running" in place for place in landed), (
        "no kill landed inside of a change: choose another seed"
    )


def _happened(operator: Operator, kind: str) -> bool:
    return bool(operator.happened(kind))


def _where(operator: Operator) -> str:
    """Where a run was when it was killed, by its last event."""
    begun = {event["change"] for event in operator.happened("change-started")}
    ended = {event["change"] for event in operator.happened("change-finished")}
    if begun - ended:
        return f"with {len(begun - ended)} changes running, {len(ended)} done"
    return f"with {len(ended)} changes done" if begun else "before the first change"
