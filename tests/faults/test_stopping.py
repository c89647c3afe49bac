"""Rows 14 and 15: Ctrl-C, signals, a terminal that is closed, a clock that jumps; each run can be taken up again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.faults.site import APPLY, PATIENCE, Site, until
from tests.rows import assert_explained, assert_tolerated
from wizard.core.errors import ExitCode


@pytest.mark.row("A", 14)
def test_row_a14_ctrl_c_at_the_question(site: Site) -> None:
    terminal = site.at_terminal("apply", "--plain")
    terminal.read_until("Make these changes? (yes/no) ")
    terminal.type("\x03")
    run = terminal.read_all()
    assert_explained(run, exit_code=ExitCode.CANCELLED, says=["Ctrl-C was pressed", "nothing was changed"])
    assert not any(site.world.ran().values())
    assert not site.cluster.state.exists()
    assert site.cluster.lock.read_bytes() == b"", "the lock was given back in order"
    site.nothing_left()


@pytest.mark.row("A", 14)
@pytest.mark.parametrize(
    "answer", ["no\n", "\n", "\x04", "ja\n"], ids=["no", "enter", "end of input", "another word"]
)
def test_row_a14_only_yes_is_yes(site: Site, answer: str) -> None:
    terminal = site.at_terminal("apply", "--plain")
    terminal.read_until("Make these changes? (yes/no) ")
    terminal.type(answer)
    assert_explained(terminal.read_all(), exit_code=ExitCode.CANCELLED, do="wizard apply")
    assert not any(site.world.ran().values())


@pytest.mark.row("A", 14)
def test_row_a14_ctrl_c_during_apply_finishes_what_is_begun(site: Site) -> None:
    site.world.hold.touch()
    process = site.start(*APPLY)
    site.begun()
    process.send_signal(signal.SIGINT)
    heard(process, b"Ctrl-C again lets go at once")
    assert process.poll() is None, "what is begun is waited for"
    site.world.hold.unlink()
    run = site.finished(process)
    assert_explained(run, exit_code=ExitCode.CANCELLED, says=["after 3 changes"], do="wizard apply")
    assert_tolerated(site.run("state", "show"), shows=["3 done"])
    site.nothing_left()


@pytest.mark.row("A", 14)
def test_row_a14_ctrl_c_twice_lets_go_and_the_host_goes_on(site: Site) -> None:
    site.world.hold.touch()
    process = site.start(*APPLY)
    site.begun()
    process.send_signal(signal.SIGINT)
    # Two signals of one kind melt into one while the first is not handled yet.
    heard(process, b"Ctrl-C again lets go at once")
    process.send_signal(signal.SIGINT)
    run = site.finished(process)
    assert site.world.hold.exists(), "nobody waited for the hosts"
    assert_explained(run, exit_code=ExitCode.CANCELLED, says=["Letting go now"], do="wizard apply")
    assert_tolerated(site.run("state", "show"), shows=["3 in flight"])
    site.world.hold.unlink()
    assert_tolerated(site.run(*APPLY), shows=["went on without us and was done"])
    site.nothing_left()


def heard(process: subprocess.Popen[bytes], words: bytes) -> None:
    """Read its stderr up to the line with these words."""
    assert process.stderr is not None
    while words not in process.stderr.readline():
        assert process.poll() is None, "it ended without a word"


@pytest.mark.row("A", 15)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_row_a15_told_to_end_during_apply(site: Site, number: signal.Signals) -> None:
    site.world.hold.touch()
    process = site.start(*APPLY)
    site.begun()
    process.send_signal(number)
    run = site.finished(process)
    assert_explained(run, exit_code=ExitCode.CANCELLED, says=["terminal was closed"], do="wizard apply")
    assert_tolerated(site.run("state", "show"), shows=["3 in flight"])
    site.nothing_left()


@pytest.mark.row("A", 15)
def test_row_a15_told_to_end_at_the_question(site: Site) -> None:
    terminal = site.at_terminal("apply", "--plain")
    terminal.read_until("(yes/no) ")
    terminal.process.send_signal(signal.SIGTERM)
    assert_explained(terminal.read_all(), exit_code=ExitCode.CANCELLED, says=["SIGTERM"])
    assert not any(site.world.ran().values())
    site.nothing_left()


@pytest.mark.row("A", 15)
@pytest.mark.parametrize("at", ["question", "work"])
def test_row_a15_the_terminal_is_closed(site: Site, at: str) -> None:
    site.world.hold.touch()
    terminal = site.at_terminal(*(APPLY if at == "work" else ("apply", "--plain")))
    if at == "work":
        site.begun()
    else:
        terminal.read_until("(yes/no) ")
    terminal.close()
    site.terminals.clear()
    assert terminal.process.wait(PATIENCE) == ExitCode.CANCELLED
    shown = site.run("state", "show")
    assert_tolerated(shown, shows=["3 in flight"] if at == "work" else ["nothing was ever applied"])
    site.nothing_left()


@pytest.mark.row("A", 15)
def test_row_a15_suspended_and_woken(site: Site) -> None:
    site.world.hold.touch()
    process = site.start(*APPLY)
    site.begun()
    process.send_signal(signal.SIGSTOP)
    site.world.hold.unlink()
    process.send_signal(signal.SIGCONT)
    assert_tolerated(site.finished(process), shows=["done: 3 changes"])
    site.nothing_left()


@pytest.mark.row("A", 15)
@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["an hour ahead", "an hour back"])
def test_row_a15_the_clock_jumps(site: Site, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """The clock on the wall jumps while the hosts work; no deadline hangs on it, nothing fires, nothing runs twice."""
    real, moved = time.time, [0.0]
    site.world.hold.touch()

    def leap() -> None:
        site.begun()
        moved[0] = jump
        site.world.hold.unlink()

    leaper = threading.Thread(target=leap)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + moved[0])
        leaper.start()
        run = site.run(*APPLY)
        leaper.join()
    assert moved[0] == jump
    assert_tolerated(run, shows=["done: 3 changes"])
    assert "No answer within" not in run.stdout
    site.nothing_left()


def test_a_question_for_a_secret_gives_the_terminal_back(site: Site) -> None:
    """Ctrl-C while a password is typed, in a thread of its own as hosts ask it: it ends at once, echo is back."""
    code = (
        "import sys, threading; from wizard import cli; from wizard.front.terminal import TerminalPrompter;"
        "from wizard.core.prompt import SecretKind, SecretQuestion;"
        "ask = lambda: TerminalPrompter().secret(SecretQuestion(SecretKind.PASSWORD, 'pi', 'Password'));"
        "worker = threading.Thread(target=ask);"
        "cli.COMMANDS['plan'] = lambda _options: (worker.start(), worker.join(), 0)[2];"
        "sys.argv = ['wizard', 'plan']; cli.main()"
    )
    command = [sys.executable, "-c", code]
    site.command = lambda *_argv: command  # type: ignore[method-assign]
    terminal = site.at_terminal()
    terminal.read_until("Password: ")
    until(lambda: not terminal.echoes())
    terminal.type("\x03")
    assert_explained(terminal.read_all(), exit_code=ExitCode.CANCELLED, says=["Ctrl-C"])
    assert terminal.echoes()
