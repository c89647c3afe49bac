"""What hosts ask before they let anybody in, met in practice: in dialogs, once each, and nothing typed is kept."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from screens.dialogs import HostKeyDialog, SecretDialog
from tests.screens.walk import Walk, walk
from wizard.core.prompt import HostKeyQuestion, SecretKind, SecretQuestion, Silent
from wizard.core.secret import Secret
from wizard.core.spec import load_spec
from wizard.practice.opening import Wish
from wizard.practising import PracticeDesk

CANARY = "correct-horse-canary"


def desk(folder: Path, *faults: str) -> PracticeDesk:
    """The desk of `wizard practice`."""
    options = argparse.Namespace(
        spec=folder / "cluster.yaml",
        dir=folder,
        events=None,
        command="setup",
        practice=Wish(speed=1e6, faults=faults),
    )
    found = PracticeDesk(options)
    found.spec.write_text(found.begin().text())
    return found


class Someone(Silent):
    """Says yes and types the same word, and remembers what was asked."""

    def __init__(self, *, willing: bool = True) -> None:
        self.willing, self.asked = willing, list[HostKeyQuestion | SecretQuestion]()

    def trust(self, question: HostKeyQuestion) -> bool:
        """Yes, or no."""
        self.asked.append(question)
        return self.willing

    def secret(self, question: SecretQuestion) -> Secret | None:
        """The word, or none."""
        self.asked.append(question)
        return Secret(CANARY) if self.willing else None


def test_each_key_is_asked_about_once_and_then_known_to_every_session(tmp_path: Path) -> None:
    here, person = desk(tmp_path, "host-key-unknown"), Someone()
    spec = load_spec(here.spec)
    for _ in range(2):
        with here.session(spec, prompter=person) as session:
            assert set(session.facts().known_facts()) == {"tower-a", "tower-b", "pi"}
    assert sorted(one.host for one in person.asked) == ["pi", "tower-a", "tower-b"]
    assert len({one.fingerprint for one in person.asked if isinstance(one, HostKeyQuestion)}) == 3


def test_a_passphrase_is_asked_once_for_all_hosts_and_a_no_is_not_asked_again(tmp_path: Path) -> None:
    here, no = desk(tmp_path, "key-passphrase"), Someone(willing=False)
    spec = load_spec(here.spec)
    with here.session(spec, prompter=no) as session:
        assert session.facts().known_facts() == {}
        assert len(no.asked) == 1
    yes = Someone()
    with here.session(spec, prompter=yes) as session:
        assert len(session.facts().known_facts()) == 3
    assert [one.kind for one in yes.asked if isinstance(one, SecretQuestion)] == [SecretKind.PASSPHRASE]


def test_three_fingerprints_are_shown_before_the_hosts_are_seen(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        person.app.look_at_all()
        names = set()
        for _ in range(3):
            await person.until(lambda: isinstance(person.app.screen, HostKeyDialog))
            dialog = person.app.screen
            assert isinstance(dialog, HostKeyDialog)
            names.add(dialog.question.host)
            assert dialog.question.fingerprint in person.text()
            await person.pilot.press("right", "enter")
            await person.until(lambda asked=dialog: person.app.screen is not asked)  # type: ignore[misc]
        await person.settle()
        assert names == {"tower-a", "tower-b", "pi"} == set(person.app.looker.facts)

    walk(tmp_path, steps, desk=desk(tmp_path, "host-key-unknown"))


@pytest.mark.parametrize("name", ["sudo-password", "key-passphrase"])
def test_what_is_typed_is_never_seen_and_kept_nowhere(tmp_path: Path, name: str) -> None:
    async def steps(person: Walk) -> None:
        person.app.look_at_all()
        await person.until(lambda: isinstance(person.app.screen, SecretDialog))
        dialog = person.app.screen
        field = dialog.query_one(Input)
        await person.pilot.press(*(char if char != "-" else "minus" for char in CANARY))
        assert field.value == CANARY
        assert CANARY not in person.text()
        await person.pilot.press("enter")
        await person.settle()
        assert field.value == ""
        assert len(person.app.looker.facts) == 3
        assert CANARY not in person.text() + "".join(person.app.log_lines.kept)

    walk(tmp_path, steps, desk=desk(tmp_path, name))
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert kept == []


def test_a_changed_key_stops_with_both(tmp_path: Path) -> None:
    here = desk(tmp_path, "host-key-changed")
    spec = load_spec(here.spec)
    with here.session(spec, prompter=Someone()) as session:
        found = session.facts().try_facts("tower-b")
    assert isinstance(found, Exception)
    assert str(getattr(found, "why", "")).count("SHA256:") == 2


def test_next_points_at_the_host_that_keeps_one_from_going_on(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        assert person.app.screen.query_one("#seen", OptionList).highlighted == 0
        await person.press("ctrl+n")
        assert person.stage == "discovery"
        assert "Not yet: tower-b: not seen." in person.said()
        assert person.app.screen.query_one("#seen", OptionList).highlighted == 1
        assert "The host key of tower-b has changed" in person.said()

    walk(tmp_path, steps, desk=desk(tmp_path, "host-key-changed"), place="discovery", size=(120, 36))
