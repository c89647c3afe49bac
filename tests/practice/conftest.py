"""Practice as a person meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.practice.room import Room


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Room:
    """An empty folder, a home without anything in it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("WIZARD_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home)
    return Room(tmp_path / "practice", capsys)
