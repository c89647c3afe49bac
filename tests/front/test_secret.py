"""`wizard secret`: names for everybody, a value on a terminal only, and nothing of it anywhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rows import CliRun, assert_explained, folder_digest
from wizard import cli
from wizard.core.errors import ExitCode
from wizard.core.home import ClusterHome, prepare_home
from wizard.core.secret import Secret
from wizard.core.store.secrets import FileSecrets

ROOT = Path(__file__).parents[2]
KEY = "-----BEGIN PRIVATE KEY-----\ncanary-5b1f\n  [red]%s\\n\n-----END PRIVATE KEY-----\n"
TOKEN, LETTERS = "canary-77c0", "canary-grüße"
VALUES = {"etcd/ca.key": KEY, "k3s/token": TOKEN, "nextcloud/admin": LETTERS}


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    """A cluster's folder with secrets in it."""
    found = ClusterHome(tmp_path / "cluster")
    prepare_home(found)
    FileSecrets(found.secrets).put({name: Secret(text) for name, text in VALUES.items()})
    return found


def piped(capsys: pytest.CaptureFixture[str], home: ClusterHome, *words: str) -> CliRun:
    """`wizard secret ...` with its output in a pipe."""
    code = cli.main(["secret", *words, "--dir", str(home.folder)])
    out, err = capsys.readouterr()
    return CliRun(code, out, err)


def program(home: ClusterHome, *words: str) -> list[str]:
    return [sys.executable, "-m", "wizard", "secret", *words, "--dir", str(home.folder)]


def at_terminal(home: ClusterHome, *words: str, **env: str) -> CliRun:
    """The same as a program of its own, with its output on a terminal."""
    near, far = pty.openpty()
    try:
        done = subprocess.run(
            program(home, *words),
            stdin=far,
            stdout=far,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            timeout=60,
            check=False,
        )
        os.write(far, b"END")  # so that there is something to read where nothing was printed
        shown = b""
        while not shown.endswith(b"END"):
            shown += os.read(near, 65536)
    finally:
        os.close(far)
        os.close(near)
    text = shown.removesuffix(b"END").decode().replace("\r\n", "\n")
    return CliRun(done.returncode, text, done.stderr.decode())


def refused(
    run: CliRun, home: ClusterHome, *says: str, do: str, code: ExitCode = ExitCode.BAD_SPEC
) -> dict[str, str]:
    assert "canary" not in run.stdout + run.stderr
    assert run.stdout == ""
    return assert_explained(run, exit_code=code, says=says, do=do)


def test_the_list_has_names_and_no_values(home: ClusterHome, capsys: pytest.CaptureFixture[str]) -> None:
    run = piped(capsys, home, "list")
    assert (run.exit_code, run.stdout, run.stderr) == (0, "etcd/ca.key\nk3s/token\nnextcloud/admin\n", "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("etcd/ca.key", KEY), ("k3s/token", f"{TOKEN}\n"), ("nextcloud/admin", f"{LETTERS}\n")],
)
def test_on_a_terminal_it_is_shown_as_it_is(home: ClusterHome, name: str, shown: str) -> None:
    run = at_terminal(home, "show", name, LC_ALL="C.UTF-8")
    assert (run.exit_code, run.stdout, run.stderr) == (0, shown, "")


def test_it_is_in_no_log_and_nothing_is_written(home: ClusterHome, tmp_path: Path) -> None:
    before, events = folder_digest(tmp_path), tmp_path / "events"
    for words in (("show", "etcd/ca.key"), ("show", "k3s/token", "--force"), ("list",)):
        assert at_terminal(home, *words, "--events", str(events)).exit_code == 0
    assert folder_digest(tmp_path) == before, "no event, no state, no lock, no log"
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert holding == [home.secrets], "the control: it is in its own file"


def test_into_a_pipe_it_goes_only_where_that_is_meant(
    home: ClusterHome, capsys: pytest.CaptureFixture[str]
) -> None:
    run = piped(capsys, home, "show", "k3s/token")
    told = refused(run, home, "on a terminal only", do="wizard secret show k3s/token --force")
    assert "pipe or a file" in told["why"]
    run = piped(capsys, home, "show", "k3s/token", "--force")
    assert (run.exit_code, run.stdout, run.stderr) == (0, TOKEN, ""), "nothing is added to it"


def test_into_a_file_too(home: ClusterHome, tmp_path: Path) -> None:
    target = tmp_path / "target"
    for more, kept, code in (((), b"", 2), (("--force",), KEY.encode(), 0)):
        with target.open("wb") as out:
            words = program(home, "show", "etcd/ca.key", *more)
            done = subprocess.run(
                words, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, timeout=60, check=False
            )
        assert (done.returncode, target.read_bytes()) == (code, kept)
        assert b"canary" not in done.stderr


def test_a_disk_that_is_full_is_told(home: ClusterHome) -> None:
    with Path("/dev/full").open("wb") as out:
        words = program(home, "show", "etcd/ca.key", "--force")
        done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, timeout=60, check=False)
    run = CliRun(done.returncode, "", done.stderr.decode())
    refused(run, home, "No space left", do="wizard secret show etcd/ca.key", code=ExitCode.FAILED)


def test_letters_that_the_locale_has_not_are_never_replaced(home: ClusterHome) -> None:
    run = at_terminal(home, "show", "nextcloud/admin", PYTHONIOENCODING="ascii")
    refused(run, home, "cannot be shown unchanged", "ascii", do="LC_ALL=C.UTF-8 wizard secret show")


@pytest.mark.parametrize(
    ("name", "says", "do"),
    [
        ("k3s/tokn", "Did you mean k3s/token?", "wizard secret show k3s/token"),
        ("CA.key", "Did you mean etcd/ca.key?", "wizard secret show etcd/ca.key"),
        ("mail", "There is no secret 'mail'.", "wizard secret list"),
        ("\x1b[2J" * 40_000, "There is no secret", "wizard secret list"),
    ],
)
def test_a_name_that_is_none_is_told_with_those_there_are(
    home: ClusterHome, capsys: pytest.CaptureFixture[str], name: str, says: str, do: str
) -> None:
    run = piped(capsys, home, "show", name, "--force")
    refused(run, home, says, "There are etcd/ca.key, k3s/token, nextcloud/admin.", do=do)


def test_before_any_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ClusterHome(tmp_path / "nowhere")
    run = piped(capsys, home, "list")
    assert (run.exit_code, run.stdout) == (0, "")
    assert str(home.folder) in run.stderr
    run = piped(capsys, home, "show", "k3s/token", "--force")
    refused(run, home, "None was made yet", do="wizard apply")
    assert not home.folder.exists()


@pytest.mark.parametrize("words", [("list",), ("show", "k3s/token", "--force")])
def test_a_file_that_is_damaged_or_open_to_others_is_refused(
    home: ClusterHome, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    home.secrets.chmod(0o644)
    refused(piped(capsys, home, *words), home, do=f"chmod 0600 {home.secrets}", code=ExitCode.STATE)
    home.secrets.chmod(0o600)
    home.secrets.write_text(home.secrets.read_text().replace(TOKEN, "canary-other"))
    run = piped(capsys, home, *words)
    refused(run, home, "checksum does not fit", do="put back a good copy", code=ExitCode.STATE)
