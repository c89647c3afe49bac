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


def run_show(home: ClusterHome, name: str, *, force: bool) -> int:
    """Print one secret as it is. Returns the exit code.

    Args:
        home: the cluster's folder.
        name: of the secret.
        force: print it also where stdout is no terminal.

    Raises:
        UsageError: stdout is no terminal, or cannot show it unchanged; there is no such secret.
        StateError: the file of secrets is damaged, or not ours alone.
        WizardError: it could not be written.
    """
    terminal = sys.stdout.isatty()
    if not terminal and not force:
        raise _no_terminal(name)
    secrets = _opened(home)
    secret = secrets.get(name)
    if secret is None:
        raise _unknown(name, secrets.names(), home.secrets)
    _print(secret, name, line=terminal)
    return int(ExitCode.OK)


def _opened(home: ClusterHome) -> FileSecrets:
    check_home(home)
    return FileSecrets(home.secrets)


def _print(secret: Secret, name: str, *, line: bool) -> None:
    """Hand it to stdout at once: whether it arrived whole is known before the exit code is.

    Args:
        secret: what to print.
        name: of it.
        line: end a last line that has no end, for the prompt that follows; a file gets the bare value.
    """
    if not _has_letters_for(secret):
        raise _no_letters(name)
    try:
        sys.stdout.write(secret.reveal())
        sys.stdout.write("\n" if line and not secret.reveal().endswith("\n") else "")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WizardError(
            f"{name} could not be printed whole.",
            where="stdout",
            why=error.strerror or type(error).__name__,
            do=_call(name),
        ) from error


def _has_letters_for(secret: Secret) -> bool:
    """Whether the locale can write it; it would come out with `?` in it: another password, and nobody would see it."""
    try:
        secret.reveal().encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _no_terminal(name: str) -> UsageError:
    return UsageError(
        "A secret is shown on a terminal only.",
        where=_call(name),
        why="stdout is a pipe or a file, where it may stay for others to find.",
        do=(f"at a terminal: {_call(name)}", f"where it has to go there: {_call(name)} --force"),
    )


def _no_letters(name: str) -> UsageError:
    return UsageError(
        f"{name} cannot be shown unchanged.",
        where="stdout",
        why=f"It has characters that {sys.stdout.encoding}, the locale's encoding, has not.",
        do=f"LC_ALL=C.UTF-8 {_call(name)}",
    )


def _unknown(name: str, names: Sequence[str], path: Path) -> UsageError:
    from difflib import get_close_matches  # which only a wrong name needs

    near = get_close_matches(name[:LONGEST].lower(), names, n=1, cutoff=0.6)
    why = f"There are {', '.join(names)}." if names else "None was made yet; wizard apply makes them."
    return UsageError(
        f"There is no secret {name!r}." + (f" Did you mean {near[0]}?" if near else ""),
        where=str(path),
        why=why,
        do=_call(near[0]) if near else "wizard secret list",
    )


def _call(name: str) -> str:
    return f"wizard secret show {quote(name)}"
