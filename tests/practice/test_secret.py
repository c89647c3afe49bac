"""`wizard secret` on the simulated homelab: its own secrets, for whoever practises."""

from __future__ import annotations

from tests.practice.room import Room
from tests.rows import assert_explained
from wizard.core.errors import ExitCode
from wizard.core.secret import Secret
from wizard.core.store.secrets import FileSecrets


def test_what_was_made_is_listed_and_shown_and_nothing_else_is_written(room: Room) -> None:
    room.practice("--", "check")
    token = Secret("canary-of-practice")
    FileSecrets(room.folder / "secrets.yaml").put({"k3s/token": token})
    before = room.files()
    run = room.practice("--", "secret", "list")
    assert (run.exit_code, run.stdout) == (0, "k3s/token\n"), run.stderr
    run = room.practice("--", "secret", "show", "k3s/token")
    assert_explained(
        run,
        exit_code=ExitCode.BAD_SPEC,
        says=["on a terminal only"],
        do=f"wizard practice --dir {room.folder} -- secret show k3s/token --force",
        unchanged=room.files,
        before=before,
    )
    assert run.stdout == ""
    run = room.practice("--", "secret", "show", "k3s/token", "--force")
    assert (run.exit_code, run.stdout) == (0, token.reveal()), run.stderr
    assert room.files() == before
