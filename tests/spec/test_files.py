"""Reading a spec from a file: what can go wrong before the first character, and what `load_spec` tells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.spec.base import BASE, bend
from wizard.core.errors import ExitCode, SpecError
from wizard.core.spec import load_spec


def refused(path: Path, *says: str, do: str = "") -> dict[str, str]:
    """What `load_spec` tells of a file it refuses."""
    with pytest.raises(SpecError) as raised:
        load_spec(path)
    return assert_explained(raised.value, exit_code=ExitCode.BAD_SPEC, says=says, do=do)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my cluster.yaml"


def test_a_sound_file_is_loaded(path: Path) -> None:
    path.write_text(BASE)
    assert load_spec(path).name == "home"


def test_warnings_do_not_stop_it(path: Path) -> None:
    path.write_text(bend("replicas: 2 => replicas: 1"))
    assert load_spec(path).storage.replicas == 1


def test_a_missing_file_says_how_to_begin(path: Path) -> None:
    refused(path, "does not exist", do=f"wizard example > '{path}'")


def test_a_file_nobody_may_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(BASE)

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)  # root reads everything, so mode 0 would prove nothing
    refused(path, "Permission denied", do="ls -l")


def test_a_folder_and_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        refused(path, "folder, a pipe or a device")


def test_a_link_to_itself_and_a_name_with_nul(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    refused(loop, "cannot be read")
    refused(Path("a\0b"), "cannot be read")


def test_row_a19_a_file_that_is_too_large(path: Path) -> None:
    path.write_bytes(b"#" * ((1 << 20) + 1))
    refused(path, "1,048,577 bytes")


def test_every_problem_is_told_with_its_line(path: Path) -> None:
    path.write_text(
        bend("name: home => name: Home", "replicas: 2 => replicas: 9", "kind: adguard => kind: bind")
    )
    parts = refused(path, "3 problems", do=f"wizard check -f '{path}'")
    assert "line 2, name:" in parts["why"]
    assert "line 18, storage.replicas:" in parts["why"]
    assert "line 26, dns.kind:" in parts["why"]


def test_what_does_not_fit_together_stops_it_too(path: Path) -> None:
    path.write_text(bend("replicas: 2 => replicas: 3"))
    refused(path, "one problem", "storage.replicas")
