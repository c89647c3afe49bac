"""Run the fix: from a finding on the doctor screen through the preview and the yes to the run, and doctor again."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from screens.dialogs import ErrorDialog, QuestionDialog, TypedDialog
from screens.doctor import DoctorScreen
from tests.practice.cluster import without_proxy
from tests.practice.test_cluster_story import guest_off, member_stopped
from tests.screens.runs import PractisedDesk, build, desk_with_answers
from tests.screens.walk import Walk, Walker, walk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PractisedDesk:
    """A homelab that was built."""
    without_proxy(monkeypatch)
    found = desk_with_answers(tmp_path)
    build(found)
    found.cluster.restarted()
    return found


def go(desk: PractisedDesk, steps: Walker) -> None:
    walk(desk.folder, steps, desk=desk, place="review")


def begun(person: Walk) -> bool:
    return person.app.install is not None


async def at_doctor(person: Walk, words: str) -> None:
    """Doctor has looked, and says something."""
    person.app.doctor()
    await person.sees(words)


async def asked_about(person: Walk, kind: type) -> None:
    """The key for the fix, once it is there, leads to a dialog."""
    await person.sees("Run the fix")
    await person.press("f")
    await person.until(lambda: isinstance(person.app.screen, kind))


def test_previewed_agreed_to_done_and_looked_at_again(desk: PractisedDesk) -> None:
    guest_off("etcd-b")(desk.cluster)

    async def steps(person: Walk) -> None:
        await at_doctor(person, "etcd-b does not run")
        assert "Run the fix" in person.text()
        await asked_about(person, QuestionDialog)
        said = " ".join(person.text().split())
        assert "nothing destroyed" in said
        assert "Start etcd-b on tower-b" in said
        assert "virsh start etcd-b" in said
        await person.press("enter")
        assert person.stage == "doctor", "Enter alone changes nothing"
        assert not begun(person)
        await asked_about(person, QuestionDialog)
        await person.press("right", "enter")
        await person.sees("All is well.")
        assert person.stage == "doctor"
        assert begun(person)
        await person.press("escape")
        assert person.stage == "run"
        assert "Mended · 2 changes" in person.text()

    go(desk, steps)
    assert desk.cluster.machines["tower-b"].domains["etcd-b"].state == "running"
    assert desk.cluster.twice() == []


def test_what_is_destroyed_has_to_be_typed(desk: PractisedDesk) -> None:
    pi = desk.cluster.machines["pi"]
    for path in [path for path in pi.files if path.startswith("/mnt/usb/etcd/data")]:
        del pi.files[path]
    pi.etcd.wanted = False

    async def steps(person: Walk) -> None:
        await at_doctor(person, "etcd on pi")
        await asked_about(person, TypedDialog)
        dialog = person.app.screen
        assert isinstance(dialog, TypedDialog)
        await person.press("enter")
        assert not begun(person)
        await asked_about(person, TypedDialog)
        await person.press("tab", "tab", "enter")
        assert not begun(person), "it cannot be pressed before the word was typed"

    go(desk, steps)


def test_a_refusal_says_why_and_what_to_do(desk: PractisedDesk) -> None:
    desk.cluster.etcd().alarms.add("NOSPACE")

    async def steps(person: Walk) -> None:
        await at_doctor(person, "NOSPACE")
        screen = person.app.screen
        assert isinstance(screen, DoctorScreen)
        await person.until(lambda: screen.asked is not None and not screen.asked.active)
        assert "Run the fix" not in person.text(), "what the wizard cannot mend has no key for it"
        await person.press("f")
        assert isinstance(person.app.screen, DoctorScreen)
        screen.action_mend()  # as if it had been possible a moment ago
        await person.until(lambda: isinstance(person.app.screen, ErrorDialog))
        assert "The wizard has no change that mends this" in " ".join(person.text().split())
        await person.press(*["pagedown"] * 9)
        assert "alarm disarm" in person.text().replace("│", "")
        assert "Nothing was changed" in person.text()
        assert "Close" in person.text(), "however long it is, the way out is seen"
        assert not begun(person)

    go(desk, steps)


def test_only_what_is_pointed_at_is_mended(desk: PractisedDesk) -> None:
    member_stopped("pi")(desk.cluster)
    desk.cluster.machines["tower-b"].domains["server-b"].autostart = False

    async def steps(person: Walk) -> None:
        await at_doctor(person, "etcd on pi")
        findings = person.app.screen.query_one("#findings", OptionList)
        await person.sees("Run the fix")
        while "etcd on pi" not in str(findings.get_option_at_index(findings.highlighted or 0).prompt):
            await person.press("down")
        await asked_about(person, QuestionDialog)
        await person.press("right", "enter")
        await person.until(lambda: person.app.install is not None and not person.app.install.active)
        await person.sees("server-b does not start with tower-b")
        assert "etcd on pi" not in person.text()

    go(desk, steps)
