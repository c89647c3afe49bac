"""What `wizard secret list` and `wizard secret show` print; a value goes to stdout and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from wizard.core.errors import ExitCode, UsageError, WizardError
from wizard.core.home import ClusterHome, check_home
from wizard.core.secret import Secret
from wizard.core.store.secrets import FileSecrets
from wizard.core.text import printable
from wizard.front.streams import tell

LONGEST = 64
"""Characters of a mistyped name that are compared with those there are."""


def run_list(home: ClusterHome) -> int:
    """Print the name of every secret, one a line. Returns the exit code.

    Args:
        home: the cluster's folder.

    Raises:
        StateError: the file of secrets is damaged, or not ours alone.
    """
    names = _opened(home).names()
    if not names:
        tell(f"No secrets yet: none was ever made for {printable(str(home.folder))}")
    sys.stdout.writelines(f"{printable(name)}\n" for name in names)
    return int(ExitCode.OK)


def run_show(home: ClusterHome, name: str, *, force: bool, program: str) -> int:
    """Print one secret as it is. Returns the exit code.

    Args:
        home: the cluster's folder.
        name: of the secret.
        force: print it also where stdout is no terminal.
        program: what stands before `secret` in a call.

    Raises:
        UsageError: stdout is no terminal, or cannot show it unchanged; there is no such secret.
        StateError: the file of secrets is damaged, or not ours alone.
        WizardError: it could not be written.
    """
    call = f"{program} secret show {quote(name)}"
    terminal = sys.stdout.isatty()
    if not terminal and not force:
        raise _no_terminal(call)
    secrets = _opened(home)
    secret = secrets.get(name)
    if secret is None:
        raise _unknown(name, secrets.names(), home.secrets, program)
    _print(secret, call, line=terminal)
    return int(ExitCode.OK)


def _opened(home: ClusterHome) -> FileSecrets:
    check_home(home)
    return FileSecrets(home.secrets)


def _print(secret: Secret, call: str, *, line: bool) -> None:
    """Hand it to stdout at once: whether it arrived whole is known before the exit code is.

    Args:
        secret: what to print.
        call: that asked for it.
        line: end a last line that has no end, for the prompt that follows; a file gets the bare value.
    """
    if not _has_letters_for(secret):
        raise _no_letters(call)
    try:
        sys.stdout.write(secret.reveal())
        sys.stdout.write("\n" if line and not secret.reveal().endswith("\n") else "")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WizardError(
            "The secret could not be printed whole.",
            where="stdout",
            why=error.strerror or type(error).__name__,
            do=call,
        ) from error


def _has_letters_for(secret: Secret) -> bool:
    """Whether the locale can write it; it would come out with `?` in it: another password, and nobody would see it."""
    try:
        secret.reveal().encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _no_terminal(call: str) -> UsageError:
    return UsageError(
        "A secret is shown on a terminal only.",
        where=call,
        why="stdout is a pipe or a file, where it may stay for others to find.",
        do=(f"at a terminal: {call}", f"where it has to go there: {call} --force"),
    )


def _no_letters(call: str) -> UsageError:
    return UsageError(
        "The secret cannot be shown unchanged.",
        where="stdout",
        why=f"It has characters that {sys.stdout.encoding}, the locale's encoding, has not.",
        do=f"LC_ALL=C.UTF-8 {call}",
    )


def _unknown(name: str, names: Sequence[str], path: Path, program: str) -> UsageError:
    from difflib import get_close_matches  # which only a wrong name needs

    near = get_close_matches(name[:LONGEST].lower(), names, n=1, cutoff=0.6)
    what = f"There is no secret {name!r}."
    if not names:
        return UsageError(what, where=str(path), why="None was made yet.", do=f"{program} apply")
    return UsageError(
        f"{what} Did you mean {near[0]}?" if near else what,
        where=str(path),
        why=f"There are {', '.join(names)}.",
        do=f"{program} secret show {quote(near[0])}" if near else f"{program} secret list",
    )
