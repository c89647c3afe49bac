"""Practice as a person meets it."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a homelab that was set up; filled by the first test that needs it."""
    return tmp_path_factory.mktemp("whole") / "practice"


@pytest.fixture
def built(room: Room, whole: Path) -> Room:
    """A homelab that is whole."""
    if not whole.exists():
        room.set_up()
        shutil.copytree(room.folder, whole)
    elif not room.folder.exists():
        shutil.copytree(whole, room.folder)
    return room
