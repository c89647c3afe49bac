"""What can be made to go wrong, from the palette and by its key, where the desk offers it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from screens.faults import FaultsDialog
from tests.screens.desk import PracticeDesk as SilentDesk
from tests.screens.walk import Walk, walk
from wizard.practice.opening import Wish
from wizard.practising import PracticeDesk


@pytest.fixture
def desk(tmp_path: Path) -> PracticeDesk:
    """The desk of `wizard practice`, its hosts as quick as they can be."""
    options = argparse.Namespace(
        spec=tmp_path / "cluster.yaml", dir=tmp_path, events=None, command="setup", practice=Wish(speed=1e6)
    )
    found = PracticeDesk(options)
    found.spec.write_text(found.begin().text())
    return found


async def opened(person: Walk) -> None:
    """The list is there."""
    await person.press("f9")
    await person.until(lambda: "host-killed" in person.text())


def test_one_is_found_switched_on_told_in_the_title_met_by_doctor_and_switched_off(
    tmp_path: Path, desk: PracticeDesk
) -> None:
    async def steps(person: Walk) -> None:
        await opened(person)
        said = person.text()
        assert "Let something go wrong" in said
        assert "tower-b: a hypervisor loses its power while its guests are made" in said
        await person.press("slash")
        await person.type("switched off")
        await person.until(lambda: "host-killed" not in person.text())
        await person.press("enter", "enter")
        await person.until(lambda: desk.note == "practice: host-stopped")
        await person.sees("on    host-stopped")
        await person.press("escape")
        await person.sees("practice: host-stopped")
        person.app.doctor()
        await person.sees("tower-b does not answer")
        await opened(person)
        await person.press("x")
        assert desk.note == "practice: host-stopped", "the first of the list is another one"
        await person.press("slash")
        await person.type("host-stopped")
        await person.press("down", "x")
        await person.until(lambda: desk.note == "practice")
        await person.press("escape", "r")
        await person.until(lambda: "tower-b does not answer" not in person.text())

    walk(tmp_path, steps, desk=desk)


def test_for_the_next_change_and_off_again_by_the_same_key(tmp_path: Path, desk: PracticeDesk) -> None:
    async def steps(person: Walk) -> None:
        await opened(person)
        await person.press("n")
        await person.until(lambda: desk.note == "practice: host-killed at the next change")
        await person.sees("next  host-killed")
        await person.press("n")
        await person.until(lambda: desk.note == "practice")

    walk(tmp_path, steps, desk=desk)


def test_the_palette_leads_there_and_f1_explains(tmp_path: Path, desk: PracticeDesk) -> None:
    async def steps(person: Walk) -> None:
        await person.press("ctrl+p")
        await person.pilot.press(*"something")
        await person.sees("Let something go wrong")
        await person.pilot.pause(0.3)
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, FaultsDialog))
        await person.press("f1")
        await person.sees("These hosts are simulated")

    walk(tmp_path, steps, desk=desk)


def test_where_nothing_can_be_made_to_go_wrong_there_is_neither_key_nor_command(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await person.press("f9")
        assert person.stage == "welcome"
        names = [one.title for one in person.app.get_system_commands(person.app.screen)]
        assert "Let something go wrong" not in names
        assert "f9" not in person.app.screen.active_bindings

    walk(tmp_path, steps, desk=SilentDesk(tmp_path))


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36)])
def test_the_list_the_text_and_the_way_out_fit(
    tmp_path: Path, desk: PracticeDesk, size: tuple[int, int]
) -> None:
    async def steps(person: Walk) -> None:
        await opened(person)
        said = person.text()
        assert "Close" in said
        assert "tower-b: a hypervisor loses" in said
        assert "Search" in said
        assert "On or off" in said

    walk(tmp_path, steps, desk=desk, size=size)
