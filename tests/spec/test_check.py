"""`wizard check`, `check --json` and `wizard example` as the command line calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.spec.base import BASE, bend
from wizard.core.errors import SpecError
from wizard.core.spec import example_text
from wizard.front.check import run_check, run_example


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cluster.yaml"


def test_a_sound_spec_is_0(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(BASE)
    assert run_check(path, as_json=False) == 0
    assert capsys.readouterr().out == f"{path} is sound.\n"


def test_problems_are_2_and_begin_with_file_and_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(bend("name: home => name: Home", "replicas: 2 => replicas: 1"))
    assert run_check(path, as_json=False) == 2
    out = capsys.readouterr().out
    assert f"{path}:2: error: name\n" in out
    assert f"{path}:18: warning: storage.replicas\n" in out
    assert out.endswith(
        "has 1 problem and 1 warning. Nothing was changed; correct the file and run this again.\n"
    )


def test_warnings_alone_are_0(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(bend("replicas: 2 => replicas: 1"))
    assert run_check(path, as_json=False) == 0
    assert "can be used, with 1 warning" in capsys.readouterr().out


def test_json_is_one_document_with_the_keys_of_the_contract(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(bend("name: home => name: Home"))
    assert run_check(path, as_json=True) == 2
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["schema", "problems"]
    assert document["schema"] == 1
    (problem,) = document["problems"]
    assert list(problem) == ["path", "line", "level", "text", "hint"]
    assert (problem["path"], problem["line"], problem["level"]) == ("name", 2, "error")


def test_json_of_a_sound_spec(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(BASE)
    assert run_check(path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "problems": []}


def test_json_of_a_missing_file_is_a_document_too(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check(path, as_json=True) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["path"], problem["line"]) == ("", None)
    assert "does not exist" in problem["text"]


def test_a_missing_file_is_an_error_in_five_parts(path: Path) -> None:
    with pytest.raises(SpecError):
        run_check(path, as_json=False)


def test_hostile_text_reaches_no_terminal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(bend(' => "key\\e]0;owned\\a": 1', "name: home => name: !evil\u202e home"))
    assert run_check(path, as_json=False) == 2
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_the_example_goes_to_stdout_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_example() == 0
    assert capsys.readouterr().out == example_text()
