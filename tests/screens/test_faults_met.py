"""What a run that meets a fault says on its screen, one of each kind, and that trying again builds the rest.

All faults by name, in plain lines: tests/practice/test_faults.py. A host that dies in the middle: test_run.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.practice.test_faults import ROWS
from tests.screens.walk import Walk, walk
from wizard.practice.opening import Wish
from wizard.practising import PracticeDesk

KINDS = (
    "host-stopped",  # before anything is begun
    "clock-skewed",  # a check before a step
    "foreign-guest",  # something that is not ours
    "disk-fills",  # a change that fails
    "member-fails-to-join",  # a wait that ends without what was waited for
)


def steps_pane(person: Walk) -> str:
    """What is said in the middle of the run's screen, as one line."""
    pane = person.app.screen.query_one("#run-steps").region
    rows = person.text().splitlines()[pane.y : pane.bottom]
    return " ".join(" ".join(row[pane.x : pane.right] for row in rows).split())


@pytest.mark.parametrize("name", KINDS)
def test_the_run_says_what_is_wrong_and_trying_again_ends_well(tmp_path: Path, name: str) -> None:
    says = next(row.says for row in ROWS if row.name == name)
    wish = Wish(speed=1e6, faults=(name,))
    options = argparse.Namespace(
        spec=tmp_path / "cluster.yaml", dir=tmp_path, events=None, command="setup", practice=wish
    )
    desk = PracticeDesk(options)
    desk.spec.write_text(desk.begin().text())

    async def run_ended(person: Walk) -> None:
        await person.until(lambda: person.app.install is not None and not person.app.install.active)
        await person.until(lambda: not person.app.busy)

    async def steps(person: Walk) -> None:
        person.app.build(frozenset())
        await run_ended(person)
        assert person.stage == "run"
        assert desk.note == "practice", "what the command line named ends with its run"
        assert says in steps_pane(person), person.text()
        assert "Try again" in person.text()
        await person.press("ctrl+n")
        assert person.stage == "review"
        await person.sees("changes, about")
        await person.press("ctrl+n")
        await person.until(lambda: person.stage in ("done", "run"))
        await run_ended(person)
        await person.until(lambda: person.stage == "done")

    walk(tmp_path, steps, desk=desk, place="review", size=(170, 50))
