"""The frame: from screen to screen with the answers kept, what is too small, help, log, leaving."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from textual.widgets import Input

import screens
from screens.dialogs import HostKeyDialog, QuestionDialog, SecretDialog, TypedDialog
from screens.flow import STAGES, WELCOME
from tests.screens.desk import PracticeDesk
from tests.screens.walk import Walk, walk
from wizard.core.drafts import DraftStore
from wizard.core.prompt import HostKeyQuestion, Prompter, SecretKind, SecretQuestion
from wizard.core.resources import asset_text

CANARY = "Kanarienvogel7"


def test_begin_back_and_forth_with_the_name_kept(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        assert person.stage == "welcome"
        await person.type("attic")
        await person.press("enter", "enter")
        assert person.stage == "hosts"
        assert "attic" in person.text()
        await person.press("escape")
        assert person.stage == "welcome"
        assert person.app.screen.query_one(Input).value == "attic"

    walk(tmp_path, steps)


def test_a_refused_answer_is_told_beside_it_and_by_next(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await person.type("not a name")
        await person.press("ctrl+n")
        assert person.stage == "welcome"
        text = " ".join(person.text().split())
        assert "xx Not yet:" in text
        assert isinstance(person.app.focused, Input), "the field it is about has the focus"

    walk(tmp_path, steps)


def test_leaving_and_coming_back_is_the_same_place(tmp_path: Path) -> None:
    async def first(person: Walk) -> None:
        await person.type("attic")
        await person.press("ctrl+n")
        await person.press("ctrl+q")

    async def second(person: Walk) -> None:
        assert "You were at Hosts" in person.text()
        await person.press("ctrl+n")
        assert person.stage == "hosts"
        assert person.app.draft.get("name") == "attic"

    app = walk(tmp_path, first)
    assert app.return_code == 0
    assert DraftStore(tmp_path / "cluster.yaml").load().draft.place == "hosts"
    walk(tmp_path, second)


@pytest.mark.parametrize("size", [(59, 24), (80, 14), (20, 5)])
def test_below_60_by_15_a_notice_and_it_goes_on(tmp_path: Path, size: tuple[int, int]) -> None:
    async def steps(person: Walk) -> None:
        assert f"{size[0]}x{size[1]}" in "".join(person.text().split("\n")).replace(" ", "")
        await person.press("ctrl+n")
        assert person.stage == "hosts"
        await person.pilot.resize_terminal(80, 24)
        await person.settle()
        assert "Which machines" in person.text()

    walk(tmp_path, steps, size=size)


def test_a_resize_storm_leaves_everything_in_place(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        before = person.text()
        for width in (200, 61, 100, 40, 79, 120, 60):
            await person.pilot.resize_terminal(width, width // 3)
        await person.pilot.resize_terminal(80, 24)
        await person.settle()
        await person.pilot.pause(0.2)
        assert person.text() == before

    walk(tmp_path, steps)


def test_every_stage_has_help() -> None:
    for stage in (WELCOME, *STAGES):
        assert asset_text(f"help/{stage.id}.md").startswith("# ")


def test_every_key_of_screens_dialogs_and_widgets_has_an_id_of_its_own_a_name_and_an_explanation() -> None:
    modules = [import_module(f"screens.{one.name}") for one in iter_modules(screens.__path__)]
    kinds = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    ours = [one for one in kinds if one.__module__.startswith("screens.")]
    keys = [binding for kind in ours for binding in vars(kind).get("BINDINGS", [])]
    assert len(keys) > 80, "of every screen"
    assert [one for one in keys if not (one.id and one.description and one.tooltip)] == []
    assert len({one.id for one in keys}) == len(keys)


def test_help_and_log_over_a_screen(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await person.press("ctrl+n", "f1")
        assert "Keys on this screen" in person.text() or "Hosts" in person.text()
        await person.press("escape", "f2")
        assert "Nothing happened yet" in person.text()
        await person.press("escape")
        assert person.stage == "hosts"

    walk(tmp_path, steps)


def test_quitting_while_something_runs_asks_and_stays_by_itself(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        person.app.busy = "The install"
        await person.press("ctrl+q")
        assert isinstance(person.app.screen, QuestionDialog)
        await person.press("enter")
        assert person.stage == "welcome"

    walk(tmp_path, steps)


def test_a_secret_is_in_no_widget_once_it_was_given(tmp_path: Path) -> None:
    heard: list[str] = []

    def ask(prompter: Prompter) -> None:
        secret = prompter.secret(
            SecretQuestion(SecretKind.PASSWORD, "tower-a", "Password of root on tower-a")
        )
        heard.append(secret.reveal() if secret else "")

    async def steps(person: Walk) -> None:
        await person.type("home")
        person.app.run_worker(lambda: ask(person.app.prompter), thread=True)
        while not isinstance(person.app.screen, SecretDialog):
            await person.pilot.pause(0.01)
        dialog = person.app.screen
        await person.pilot.press(*CANARY)
        await person.pilot.pause()
        assert CANARY not in person.text()
        await person.press("enter")
        assert heard == [CANARY]
        assert dialog.query_one(Input).value == "" if dialog.is_attached else True
        for widget in person.app.screen.walk_children():
            assert CANARY not in repr(vars(widget))

    walk(tmp_path, steps)


@pytest.mark.parametrize(
    ("keys", "trusted"), [(["enter"], False), (["escape"], False), (["right", "enter"], True)]
)
def test_the_question_for_a_host_key(tmp_path: Path, keys: list[str], trusted: bool) -> None:
    answers: list[bool] = []
    question = HostKeyQuestion("tower-b", "10.0.0.12", "ssh-ed25519", "SHA256:Zb1c44A", ("pi",))

    async def steps(person: Walk) -> None:
        person.app.run_worker(lambda: answers.append(person.app.prompter.trust(question)), thread=True)
        while not isinstance(person.app.screen, HostKeyDialog):
            await person.pilot.pause(0.01)
        await person.pilot.pause()
        text = person.text()
        assert "SHA256:Zb1c44A" in text
        assert "ssh-keygen -lf" in text
        assert "pi showed the same key" in text
        await person.press(*keys)
        assert answers == [trusted]

    walk(tmp_path, steps)


def test_what_destroys_needs_the_word_typed(tmp_path: Path) -> None:
    answers: list[bool | None] = []

    async def steps(person: Walk) -> None:
        dialog = TypedDialog(
            "Wipe a disk?", "Samsung 980, S649NX, 1 TB: [bold]all of it[/]", word="S649NX", yes="Wipe"
        )
        person.app.push_screen(dialog, answers.append)
        await person.settle()
        assert "[bold]all of it[/]" in person.text(), "never markup"
        await person.press("enter")
        assert answers == [False]
        person.app.push_screen(
            TypedDialog("Wipe a disk?", "Samsung 980", word="S649NX", yes="Wipe"), answers.append
        )
        await person.settle()
        await person.press("shift+tab", *"S649NX", "enter")
        assert answers == [False], "Enter in the line only moves on"
        await person.press("right", "enter")
        assert answers == [False, True]

    walk(tmp_path, steps)


def test_leaving_while_a_question_is_open_lets_its_thread_go(tmp_path: Path) -> None:
    answers: list[bool] = []
    question = HostKeyQuestion("tower-b", "10.0.0.12", "ssh-ed25519", "SHA256:Zb1c44A")

    async def steps(person: Walk) -> None:
        person.app.run_worker(lambda: answers.append(person.app.prompter.trust(question)), thread=True)
        while not isinstance(person.app.screen, HostKeyDialog):
            await person.pilot.pause(0.01)
        await person.pilot.press("ctrl+q")

    walk(tmp_path, steps)
    assert answers == [False]


def test_testing_a_host_says_what_it_is(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await person.press("ctrl+n")
        for _ in range(3):
            await person.press("enter")
            number = 11 + person.app.screen.chosen  # type: ignore[attr-defined]
            await person.type(f"10.213.99.{number}")
            await person.press("ctrl+t")
            assert "lets us in" in person.text()
            person.app.screen.query_one("#hosts").focus()
            await person.press("down")

    app = walk(tmp_path, steps, desk=PracticeDesk(tmp_path))
    assert set(app.looker.facts) == {"tower-a", "tower-b", "pi"}
