"""Asking a person at the terminal: yes or no, and secrets that are not echoed."""

from __future__ import annotations

import getpass
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from wizard.core.errors import UsageError
from wizard.core.prompt import HostKeyQuestion, SecretQuestion
from wizard.core.secret import Secret
from wizard.core.text import printable

if TYPE_CHECKING:
    from wizard.core.engine.plan import Plan
    from wizard.core.engine.resume import Standing


def at_terminal() -> bool:
    """Whether there is a person to ask: questions are read from stdin and shown on stderr."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


_ECHO: list[list[Any]] = []
"""How the terminal was set before a secret was asked for."""


def restore_echo() -> None:
    """Give the terminal back as it was, where a question for a secret was left open."""
    import termios

    while _ECHO:
        with suppress(termios.error, ValueError, OSError):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, _ECHO.pop())


class TerminalPrompter:
    """Asks on the terminal, one question at a time although hosts connect side by side."""

    def __init__(self) -> None:
        self._guard = threading.Lock()

    def trust(self, question: HostKeyQuestion) -> bool:
        """Show a host key nobody has confirmed yet and ask; anything but `yes` is no."""
        host, address = printable(question.host), printable(question.address)
        with self._guard:
            say(f"{host} ({address}) is not known here yet. It shows this host key:")
            say(f"  {question.key_type}  {question.fingerprint}")
            say(f"Compare it with what {host}'s own console says:")
            say("  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
            return ask("Trust it? (yes/no) ") == "yes"

    def secret(self, question: SecretQuestion) -> Secret | None:
        """Ask for a password or passphrase without echo; None when nothing was typed."""
        with self._guard, _echo_remembered():
            prompt = printable(question.prompt) or f"{question.kind} for {question.host}"
            try:
                return Secret(getpass.getpass(f"{prompt.rstrip(': ')}: ", stream=sys.stderr)) or None
            except EOFError:
                return None


@contextmanager
def _echo_remembered() -> Iterator[None]:
    import termios

    with suppress(termios.error, ValueError, OSError):
        _ECHO.append(termios.tcgetattr(sys.stdin.fileno()))
    yield
    _ECHO.clear()


def say(text: str) -> None:
    """A line of talk, on stderr: stdout belongs to data."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def ask(question: str) -> str:
    """A line typed by the person, lower case and stripped; empty at the end of input."""
    return ask_words(question).lower()


def ask_words(question: str) -> str:
    """A line typed by the person as it is, stripped; empty at the end of input."""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip()


class AskApproval:
    """Shows the plan and asks whether to go on.

    Args:
        cluster: its name.
        yes: `--yes` was given: go on without asking, unless something would be destroyed.
    """

    def __init__(self, cluster: str, *, yes: bool) -> None:
        self._cluster = cluster
        self._yes = yes

    def __call__(self, plan: Plan, left: Standing) -> bool:
        """True = carry it out.

        Raises:
            UsageError: nobody can be asked and `--yes` was not given.
        """
        from wizard.front.plan import plan_text

        say(plan_text(plan, left, self._cluster))
        if self._yes and plan.destroys == 0:
            return True
        if not at_terminal():
            raise UsageError(
                "Nobody can be asked whether to carry out this plan.",
                where="apply without a terminal",
                why="--yes was not given."
                if not self._yes
                else "The plan destroys something: --yes is not enough.",
                do="wizard apply --plain --yes" if not self._yes else "Run wizard apply at a terminal.",
            )
        return ask(f"Make {'these changes' if plan.changes != 1 else 'this change'}? (yes/no) ") == "yes"
