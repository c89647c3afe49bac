"""How a script travels to a host and its answer back: bytes to bytes, no I/O.

The command line is one constant that any login shell hands to `/bin/sh`. Program, arguments and payload follow
on stdin; the answer stands between marks with a random nonce, so that banners and noisy profiles fall away.
"""

from __future__ import annotations

import re
import secrets
from functools import cache

from wizard.core.dataclass import dataclass
from wizard.core.host import Args, script_text
from wizard.core.resources import asset_text

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_END = re.compile(rb" end ([0-9]{1,3})\n")


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float = 0.0
    """From the sending of the request over an open channel until the answer was whole."""


@cache
def shell_command() -> str:
    """The constant command line: one line in single quotes, which bash, zsh, csh and fish all pass on."""
    return f"exec /bin/sh -c '{_bootstrap()}'"


@cache
def sudo_command(*, password: bool) -> str:
    """The same as root through sudo.

    Args:
        password: the first line on stdin is the password; otherwise sudo must not ask.
    """
    how = "-S -k -p ''" if password else "-n"
    return f"exec env LC_ALL=C LANGUAGE=C sudo {how} -- /bin/sh -c '{_bootstrap()}'"


@cache
def _bootstrap() -> str:
    lines = asset_text("remote/lib/bootstrap.sh").splitlines()
    return next(line for line in lines if line and not line.startswith("#"))


@cache
def program_text(scripts: tuple[str, ...]) -> bytes:
    """The scripts one after another, the prelude in front: what the far side runs.

    Args:
        scripts: names under `assets/remote` without `.sh`.
    """
    names = ("lib/prelude", *scripts)
    return "\n".join(script_text(name) for name in names).encode()


def new_nonce() -> str:
    """A mark nothing else can print: 128 random bits."""
    return secrets.token_hex(16)


def request(program: bytes, args: Args, nonce: str) -> bytes:
    """Everything that goes before the payload on stdin.

    Args:
        program: from `program_text`.
        args: single lines by name.
        nonce: from `new_nonce`.

    Raises:
        ValueError: an argument's name or text would break the framing: a defect of the step.
    """
    return b"wizard-frame:%d:%s\n%b%b" % (len(program), nonce.encode(), program, arg_lines(args))


def arg_lines(args: Args) -> bytes:
    """Arguments as `name=value` lines with the blank line that ends them.

    Raises:
        ValueError: as `request`.
    """
    return b"".join(_arg_line(name, value) for name, value in args.items()) + b"\n"


def _arg_line(name: str, value: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError(f"argument name {name!r}")
    if any(char in value for char in "\n\0"):
        raise ValueError(f"argument {name} holds a line break or a NUL")
    return f"{name}={value}\n".encode()


def begun(data: bytes, nonce: str) -> int | None:
    """Where the script's own output begins, or None while only noise has come.

    Args:
        data: stdout or stderr so far.
        nonce: of this request.
    """
    mark = nonce.encode() + b" begin\n"
    at = data.find(mark)
    return None if at < 0 else at + len(mark)


def parse(stdout: bytes, stderr: bytes, nonce: str) -> Reply | None:
    """The answer, or None where it is not complete.

    Args:
        stdout: everything that came.
        stderr: likewise; where its marks are missing all of it is kept.
        nonce: of this request.
    """
    start = begun(stdout, nonce)
    if start is None:
        return None
    at = stdout.rfind(b"\n" + nonce.encode() + b" end ", start)
    end = _END.match(stdout, at + 1 + len(nonce)) if at >= 0 else None
    if end is None:
        return None
    return Reply(int(end[1]), stdout[start:at], _between(stderr, nonce))


def _between(stderr: bytes, nonce: str) -> bytes:
    body = stderr[begun(stderr, nonce) or 0 :]
    end = body.rfind(nonce.encode() + b" end\n")
    return body if end < 0 else body[:end]


def decode(data: bytes) -> str:
    """Text of a host: what is no UTF-8 and every NUL becomes U+FFFD."""
    return data.decode("utf-8", "replace").replace("\0", "�")


def noise(*parts: bytes | bytearray, limit: int = 400) -> str:
    """What came instead of an answer, shortened for a message.

    Args:
        parts: stdout and stderr.
        limit: characters kept.
    """
    text = " ".join(decode(b" ".join(parts)).split())
    return text[:limit]
