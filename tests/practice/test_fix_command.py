"""`wizard doctor --fix ID`: shown, asked for, done, looked at again; exit codes; what `--yes` is not enough for."""

from __future__ import annotations

import io
import json
import sys

import pytest

from tests.practice.room import Room
from tests.rows import assert_explained
from wizard.core.errors import ExitCode

FIX = ("--", "doctor", "--fix")


def typed(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """A person at the terminal, and what they type."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(words))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


@pytest.mark.parametrize(
    ("fault", "check", "change"),
    [
        ("guest-off", "machines.running", "Start etcd-b on tower-b"),
        ("member-stopped", "etcd.running", "Start etcd on etcd-b"),
    ],
)
def test_what_was_found_is_mended_and_doctor_looks_again(
    built: Room, fault: str, check: str, change: str
) -> None:
    run = built.practice(*FIX, check, "--yes", faults=[fault])
    assert run.exit_code == 0, run.stderr
    assert change in run.stderr, "it is shown before it is done"
    assert "done in" in run.stdout
    assert "works" in run.stdout or "All is well." in run.stdout
    built.content()


def test_with_json_stdout_is_one_document_of_the_look_after(built: Room) -> None:
    run = built.practice(*FIX, "machines.running", "--yes", "--json", faults=["guest-off"])
    report = json.loads(run.stdout)
    assert (run.exit_code, report["verdict"]) == (0, "ok")
    assert "Start etcd-b" in run.stderr


def test_asked_and_declined_nothing_is_done(built: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built.files()
    typed(monkeypatch, "no\n")
    run = built.practice(*FIX, "machines.running", faults=["guest-off"])
    assert_explained(run, exit_code=ExitCode.CANCELLED, says=["Mend it? (yes/no)", "You did not say yes"])
    talk = {"lock", "events.jsonl"}
    after = built.files()
    assert {name: after[name] for name in before if name not in talk} == {
        name: text for name, text in before.items() if name not in talk
    }


def test_asked_and_agreed_to_it_is_done(built: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "yes\n")
    run = built.practice(*FIX, "machines.running", faults=["guest-off"])
    assert run.exit_code == 0, run.stderr


def test_without_a_terminal_and_without_yes_it_is_refused(built: Room) -> None:
    run = built.practice(*FIX, "machines.running", faults=["guest-off"])
    assert_explained(run, exit_code=ExitCode.BAD_SPEC, says=["Nobody can be asked"], do="--yes")


@pytest.mark.parametrize(
    ("words", "code"), [("", ExitCode.BAD_SPEC), ("yes\n", ExitCode.CANCELLED), ("the\n", ExitCode.OK)]
)
def test_what_is_destroyed_has_to_be_typed(
    built: Room, monkeypatch: pytest.MonkeyPatch, words: str, code: ExitCode
) -> None:
    """The data of the Pi's member is lost, so its entry in the list has to go."""
    world = built.folder / "world.json"
    document = json.loads(world.read_text())
    files = document["machines"]["pi"]["machine"]["files"]
    for path in [path for path in files if path.startswith("/mnt/usb/etcd/data")]:
        del files[path]
    world.write_text(json.dumps(document))
    if words:
        typed(monkeypatch, words)
    run = built.practice(*FIX, "etcd.running", "--yes")
    assert run.exit_code == code, run.stderr
    assert "destroys the entry" in run.stderr
    if code is not ExitCode.OK:
        assert_explained(run, exit_code=code)
        assert built.doctor()["verdict"] == "fail"
    else:
        built.content()


@pytest.mark.parametrize(
    ("fault", "check", "says", "do"),
    [
        ("database-full", "etcd.alarm", "The wizard has no change that mends this", "alarm disarm"),
        ("clock-unkept", "discover.time", "The wizard has no change that mends this", "chronyc"),
        ("host-stopped", "hosts.reach", "The wizard has no change that mends this", "Is tower-b switched on"),
    ],
)
def test_what_the_wizard_cannot_mend_is_told_with_the_command_that_does(
    built: Room, fault: str, check: str, says: str, do: str
) -> None:
    run = built.practice(*FIX, check, "--yes", faults=[fault])
    assert_explained(run, exit_code=ExitCode.FAILED, says=[says], do=do)


def test_a_check_that_there_is_not_and_calls_that_make_no_sense(built: Room) -> None:
    run = built.practice(*FIX, "no.such", "--yes")
    assert_explained(run, exit_code=ExitCode.BAD_SPEC, says=["There is no check 'no.such'"], do="--list")
    run = built.practice(*FIX, "etcd.running", "--watch")
    assert_explained(run, exit_code=ExitCode.BAD_SPEC, says=["--fix does not go with"])


def test_a_check_that_holds_is_told(built: Room) -> None:
    run = built.practice(*FIX, "etcd.quorum", "--yes")
    assert_explained(run, exit_code=ExitCode.FAILED, says=["There is nothing to mend"])
