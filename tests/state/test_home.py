"""Where the files live."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizard.core.errors import UsageError
from wizard.core.home import cluster_home

ENV = {"HOME": "/home/ann"}


@pytest.mark.parametrize(
    ("option", "env", "folder"),
    [
        (None, {}, "/home/ann/.local/state/homelab-wizard/home"),
        (None, {"XDG_STATE_HOME": "/data/state"}, "/data/state/homelab-wizard/home"),
        (None, {"XDG_STATE_HOME": "relative"}, "/home/ann/.local/state/homelab-wizard/home"),
        (None, {"XDG_STATE_HOME": ""}, "/home/ann/.local/state/homelab-wizard/home"),
        (None, {"XDG_STATE_HOME": "/data/state", "WIZARD_HOME": "/srv/w"}, "/srv/w"),
        (None, {"WIZARD_HOME": ""}, "/home/ann/.local/state/homelab-wizard/home"),
        (None, {"WIZARD_HOME": "~/w"}, "/home/ann/w"),
        (Path("/opt/x"), {"WIZARD_HOME": "/srv/w"}, "/opt/x"),
        (Path("~/x"), {}, "/home/ann/x"),
    ],
)
def test_order(option: Path | None, env: dict[str, str], folder: str) -> None:
    assert cluster_home("home", dir_option=option, env=ENV | env).folder == Path(folder)


def test_relative_folders_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert cluster_home("home", dir_option=Path("x"), env=ENV).folder == tmp_path / "x"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../etc", "a\0b"])
def test_a_name_is_not_a_path(name: str) -> None:
    with pytest.raises(UsageError):
        cluster_home(name, dir_option=None, env=ENV)


def test_every_file_is_in_the_folder() -> None:
    home = cluster_home("home", dir_option=Path("/w"), env=ENV)
    names = {path.name for path in home.ours()}
    assert names >= {"state.json", "secrets.yaml", "lock", "events.jsonl", "artifacts.lock", "known_hosts"}
    assert {path.parent for path in home.ours()} == {home.folder}
