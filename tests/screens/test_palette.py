"""The command palette by keyboard, each command with its effect, and the keys and help of every screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette

from screens.flow import STAGES
from screens.help import HelpScreen
from screens.keys import KeyLine
from screens.log import LogScreen
from tests.screens.runs import PractisedDesk, build, desk_with_answers
from tests.screens.test_setup import with_hosts
from tests.screens.walk import Walk, walk
from wizard.core.drafts import DraftStore
from wizard.core.resources import asset_text

STORY = tuple(stage.id for stage in STAGES)
ON_THE_WAY = ("welcome", *STORY)
AFTERWARDS = ("run", "done", "resume", "doctor")
FEWEST, MOST = 4, 6
"""Keys in the line at the bottom: what a person takes in at one look."""


async def choose(person: Walk, command: str) -> None:
    """Open the palette, type what the command is called (a step's name is enough), and take it once it is the first."""
    await person.press("ctrl+p")
    await person.until(lambda: isinstance(person.app.screen, CommandPalette))
    palette = person.app.screen
    await person.pilot.press(*(KEYS.get(char, char) for char in command.removeprefix("Go to: ")))

    def first() -> bool:
        listed = palette.query_one(CommandList)
        return bool(listed.option_count) and command in str(listed.get_option_at_index(0).prompt)

    await person.until(first)
    await person.press("enter")
    await person.until(lambda: person.app.screen is not palette)
    await person.settle()


KEYS = {" ": "space", ":": "colon"}


def footer(person: Walk) -> list[str]:
    """What the keys at the bottom are called, as they are drawn."""
    return [key.does for key in person.app.screen.query_one(KeyLine).keys]


@pytest.fixture
def answered(tmp_path: Path) -> PractisedDesk:
    """A homelab that is answered to the end, and not built."""
    return desk_with_answers(tmp_path)


@pytest.mark.parametrize("stage", ["discovery", "network"])
def test_every_command_has_its_effect(answered: PractisedDesk, stage: str) -> None:
    async def steps(person: Walk) -> None:
        person.app.go("review")
        await person.settle()
        person.app.go(stage)
        await person.settle()
        for title, there in ((one.title, one.id) for one in STAGES):
            await choose(person, f"Go to: {title}")
            assert person.stage == there
        person.app.go(stage)
        await person.settle()
        await choose(person, "Open the log")
        assert isinstance(person.app.screen, LogScreen)
        await person.press("escape")
        await choose(person, "Help")
        assert isinstance(person.app.screen, HelpScreen)
        await person.press("escape")
        await choose(person, "Doctor")
        assert person.stage == "doctor"
        await person.press("escape")
        assert person.stage == stage
        await choose(person, "Export the spec")
        name = person.app.draft.get("name")
        assert (answered.folder / f"{name}-answers.yaml").read_text() == person.app.draft.text()
        before = person.app.theme
        await choose(person, "Theme")
        await person.until(lambda: isinstance(person.app.screen, CommandPalette))
        await person.pilot.press(*"contrast")
        await person.until(lambda: "contrast" in person.text())
        await person.pilot.pause(0.3)
        await person.press("down", "enter")
        await person.until(lambda: person.app.theme != before)
        assert person.stage == stage
        await choose(person, "Save and quit")

    app = walk(answered.folder, steps, desk=answered, place=stage)
    assert app.return_code == 0
    assert DraftStore(answered.spec).load().draft.place == stage


def test_only_steps_that_were_reached_are_offered(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        names = [one.title for one in person.app.get_system_commands(person.app.screen)]
        assert "Go to: Storage" in names
        assert "Go to: Machines" not in names

    walk(tmp_path, steps, desk=with_hosts(tmp_path), place="storage")


async def keys_and_help(person: Walk, stage: str) -> None:
    """The keys of a screen are few, each is explained, and F1 tells what the screen is about."""
    await person.until(lambda: bool(footer(person)))
    assert FEWEST <= len(footer(person)) <= MOST, (stage, footer(person))
    seen = {one.binding.id: one.binding for one in person.app.screen.active_bindings.values()}
    ours = [one for one in seen.values() if one.show]
    assert all(one.id and one.description and one.tooltip for one in ours), ours
    await person.press("f1")
    assert isinstance(person.app.screen, HelpScreen), stage
    title = asset_text(f"help/{stage}.md").splitlines()[0].lstrip("# ")
    assert title in person.text()
    await person.press("escape")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_the_keys_of_every_screen_are_few_and_f1_explains_it(
    answered: PractisedDesk, size: tuple[int, int]
) -> None:
    async def steps(person: Walk) -> None:
        for stage in ON_THE_WAY:
            person.app.go(stage)
            await person.settle()
            await keys_and_help(person, stage)

    walk(answered.folder, steps, desk=answered, size=size)


@pytest.mark.parametrize("stage", AFTERWARDS)
def test_so_are_those_of_what_comes_after(answered: PractisedDesk, stage: str) -> None:
    build(answered)

    async def steps(person: Walk) -> None:
        if stage == "doctor":
            person.app.doctor()
        else:
            person.app.go(stage)
        await person.settle()
        await keys_and_help(person, stage)

    walk(answered.folder, steps, desk=answered, place="review")
