"""What `wizard storage` prints: text of 80 columns, the JSON document, the command with its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.decide.storage_homes import data_disk, site, system_disk
from tests.faults.site import Site as CommandSite
from tests.rows import assert_explained
from wizard.core.errors import ExitCode, UnreachableError
from wizard.front.storage import storage_json, storage_text

GONE = UnreachableError("tower-b does not answer.", where="tower-b", why="timed out", do="ping 10.0.0.12")


def test_the_text_fits_into_80_columns_and_shows_everything() -> None:
    decided = site().decided()
    text = storage_text(decided, "home")
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    for verdict in decided.verdicts:
        assert " ".join(verdict.summary.split()) in flat
        for reason in verdict.reasons:
            assert " ".join(reason.requirement.split()) in flat
            assert " ".join(reason.found.split()) in flat
            assert " ".join(reason.source.split()) in flat
        for row in verdict.health.rows:
            assert " ".join(row.text.split()) in flat
    for measure in decided.story.measures:
        assert measure.check in text


def test_the_table_marks_what_is_chosen() -> None:
    lines = storage_text(site().decided(), "home").splitlines()
    assert " > Longhorn                        fits" in lines
    assert "   GlusterFS                       rejected" in lines


def test_a_rejected_choice_is_warned_of_and_a_silent_host_is_named() -> None:
    poor = site().with_facts("tower-a", disks=(system_disk(),)).with_host("tower-a", storage_disk=None)
    text = storage_text(poor.without("tower-b").decided(), "home")
    assert "!! The spec says longhorn, which is rejected here: tower-a: no free disk" in text
    assert "?? Not asked: tower-b." in text


def test_a_hosts_words_cannot_move_the_cursor() -> None:
    evil = data_disk("tower-a", model="\x1b[2JDisk\u202e")
    text = storage_text(site().with_facts("tower-a", disks=(system_disk(), evil)).decided(), "home")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_json_document() -> None:
    decided = site().without("tower-b").decided()
    document = json.loads(json.dumps(storage_json(decided, "home", [GONE])))
    assert (document["schema"], document["cluster"], document["chosen"]) == (1, "home", "longhorn")
    assert document["unknown_hosts"] == {"tower-b": "tower-b does not answer."}
    kinds = [one["kind"] for one in document["verdicts"]]
    assert kinds == ["nfs", "cephfs", "glusterfs", "longhorn", "none", "existing"]
    for one in document["verdicts"]:
        assert one["verdict"] in ("fits", "conditions", "rejected")
        assert one["reasons"]
        for reason in one["reasons"]:
            assert {"requirement", "found", "met", "host", "source"} <= set(reason)
            assert reason["met"] in (True, False, None)
            assert all(isinstance(reason[key], str) for key in ("requirement", "found", "host", "source"))
    rows = [row for row in document["verdicts"][3]["reasons"] if row["host"] == "tower-b"]
    assert rows
    assert all(row["met"] is None for row in rows)
    assert {row["what"] for row in document["verdicts"][3]["health"]} == {
        "foundation",
        "last release",
        "driver",
        "deprecated",
    }
    assert [one["check"] for one in document["story"]["measures"]]


def test_chosen_and_warned_in_json() -> None:
    decided = site().with_storage(kind="none").decided()
    document = storage_json(decided, "home", [])
    assert document["chosen"] == "none"
    assert "cannot be installed" in str(document["warning"])


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandSite]:
    """A person's machine whose hosts answer as the lab's were recorded, and want Longhorn."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("WIZARD_HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.chdir(folder)
    one = CommandSite(folder, tmp_path / "world", capsys)
    one.spec.write_text(one.spec.read_text().replace("storage: {kind: none}", "storage: {kind: longhorn}"))
    yield one
    one.end()


def written(home: CommandSite) -> list[str]:
    """What was begun on the hosts."""
    return [line for line in home.world.happened if " begun " in line]


def test_the_command_on_the_recorded_hosts(home: CommandSite) -> None:
    """They have no free disk: rejected, with what to do for each; nothing was written anywhere."""
    run = home.run("storage")
    assert (run.exit_code, run.stderr) == (0, "")
    assert " > Longhorn                        rejected" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80
    found = json.loads(home.run("storage", "--json").stdout)
    assert found["chosen"] == "longhorn"
    assert "rejected here" in found["warning"]
    longhorn = next(one for one in found["verdicts"] if one["kind"] == "longhorn")
    devices = {row["host"]: row for row in longhorn["reasons"] if row["id"] == "longhorn.device"}
    assert devices["tower-a"]["met"] is False
    assert "buy an SSD" in devices["tower-a"]["do"].replace("Buy", "buy")
    assert written(home) == []


def test_a_host_that_does_not_answer(home: CommandSite) -> None:
    """Exit code 3, its error in five parts, and still everything that is known of the others."""
    home.faults.dead.add("tower-b")
    run = home.run("storage")
    assert_explained(run, exit_code=ExitCode.UNREACHABLE, says=["tower-b does not answer."])
    assert "?? Not asked: tower-b." in run.stdout
    assert "?? tower-b  not known, the host could not be asked" in run.stdout
    assert "tower-a" in run.stdout
    document = home.run("storage", "--json")
    assert document.exit_code == ExitCode.UNREACHABLE
    assert list(json.loads(document.stdout)["unknown_hosts"]) == ["tower-b"]
