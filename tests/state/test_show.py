"""`wizard state show` and `path`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.state.samples import fresh, home_in, sample_state, saved
from wizard.core.home import ClusterHome
from wizard.core.state import ChangeStatus
from wizard.front.state import path_text, state_json, state_text


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    return home_in(tmp_path)


def test_json_is_the_file_without_its_checksum(home: ClusterHome) -> None:
    saved(home, sample_state())
    wanted = json.loads(home.state.read_text())
    assert wanted.pop("checksum").startswith("sha256:")
    assert json.loads(state_json(fresh(home).load())) == wanted
    assert wanted["schema"] == 1


def test_json_of_nothing_is_null() -> None:
    assert state_json(None) == "null"


def test_text_names_every_step_and_change(home: ClusterHome) -> None:
    text = state_text(sample_state(), home)
    assert "hosts: half done" in text
    assert "(1 in flight, 1 done, 1 failed)" in text
    assert "discover: not started, never" in text
    assert "operation hosts.marker-tower-a.1" in text
    assert text.count("Leave our marker on tower-a") == 3
    assert "storage: longhorn" in text
    assert str(home.state) in text


def test_text_of_nothing(home: ClusterHome) -> None:
    assert str(home.folder) in state_text(None, home)


def test_hostile_text_is_defused(home: ClusterHome) -> None:
    record = sample_state().step("hosts").changes["marker:pi"]
    nasty = replace(record, host="pi\x1b[2J", summary="a\nb\u202e", status=ChangeStatus.FAILED, at=1e300)
    text = state_text(sample_state().with_change("hosts\x07", nasty), home)
    assert all(char == "\n" or char.isprintable() for char in text)


def test_path(home: ClusterHome) -> None:
    assert path_text(home) == str(home.folder / "state.json")
