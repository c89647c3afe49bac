"""The optional `--credentials FILE`: passwords for runs with nobody at the keyboard."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

import yaml

from wizard.core.dataclass import dataclass
from wizard.core.errors import UsageError
from wizard.core.secret import Secret

MAX_BYTES = 64 * 1024
"""A file of a handful of passwords is smaller; anything larger is the wrong file."""

_KEYS = ("password", "sudo", "passphrase")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets by host name; a host named `*` stands for all that have no own entry of that kind."""

    secrets: Mapping[tuple[str, str], Secret] = field(default_factory=dict)

    def get(self, host: str, kind: str) -> Secret | None:
        """The secret of one kind (`password`, `sudo` or `passphrase`) for one host.

        Args:
            host: name in the spec.
            kind: one of the three words.
        """
        return self.secrets.get((host, kind)) or self.secrets.get(("*", kind))


def load_credentials(path: Path) -> Credentials:
    """Read a credentials file.

    Args:
        path: a YAML mapping of host name to `password`, `sudo` and `passphrase`; ours, mode 0600.

    Raises:
        UsageError: not there, not ours, readable by others, or not such a mapping.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(path, error.strerror or "cannot be opened", f"ls -l {path}") from error
    with os.fdopen(handle, "rb") as file:
        _check_guarded(path, os.fstat(file.fileno()))
        content = file.read(MAX_BYTES + 1)
    return Credentials(dict(_entries(path, content)))


def _check_guarded(path: Path, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise _refused(path, "it is not a regular file", f"ls -l {path}")
    if info.st_uid != os.getuid():
        raise _refused(path, "it belongs to another user", f"chown {os.getuid()} {path}")
    if stat.S_IMODE(info.st_mode) & 0o177:
        mode = f"{stat.S_IMODE(info.st_mode):04o}"
        raise _refused(path, f"its mode is {mode}, others may read the passwords in it", f"chmod 600 {path}")


def _entries(path: Path, content: bytes) -> list[tuple[tuple[str, str], Secret]]:
    if len(content) > MAX_BYTES:
        raise _refused(path, f"it is larger than {MAX_BYTES} bytes", f"ls -l {path}")
    try:
        tree = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError):
        # The parser's message quotes the line it stumbled over, and that line may be a password.
        raise _refused(path, "it is not valid YAML", f"$EDITOR {path}") from None
    if not isinstance(tree, dict):
        raise _refused(path, "it is not a mapping of host names", f"$EDITOR {path}")
    return [entry for host, rows in tree.items() for entry in _host_entries(path, host, rows)]


def _host_entries(path: Path, host: object, rows: object) -> list[tuple[tuple[str, str], Secret]]:
    if not isinstance(host, str) or not isinstance(rows, dict):
        raise _refused(path, "an entry is not `host: {password: ..}`", f"$EDITOR {path}")
    for key, value in rows.items():
        if key not in _KEYS:
            raise _refused(path, f"under {host} only {', '.join(_KEYS)} may stand", f"$EDITOR {path}")
        if not isinstance(value, str):
            raise _refused(path, f"{host}.{key} is not text: quote it", f"$EDITOR {path}")
    return [((host, str(key)), Secret(value)) for key, value in rows.items()]


def _refused(path: Path, why: str, do: str) -> UsageError:
    return UsageError(
        "The credentials file cannot be used.", where=str(path), why=f"{why[0].upper()}{why[1:]}.", do=do
    )
