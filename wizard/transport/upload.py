"""Files onto hosts: by content, resumable, verified there, dressed before they can be seen. No SFTP subsystem needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import LinkLostError, RemoteError
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.transport import wire
from wizard.transport.session import Session

ONE_CALL = 64 * 1024
"""Up to this many bytes the content goes along with the question, since a second round trip costs more."""

SLOWEST = 100_000
"""Bytes per second below which a transfer counts as stuck, besides the fixed minute."""

PARTLY = 75
"""Exit code of lib/put: what was sent was kept, the file is not whole yet."""

TRIES = 4
"""Connections one transfer may take; each goes on where the last one broke."""

PIECE = 16 * 1024 * 1024
"""Bytes sent in one call: what we hold of a large file in memory; a link of 1 Gbit/s takes 0.13 s for it."""

_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*")


def put(
    session: Session,
    held: Callable[[], Session],
    content: bytes | Secret | Path,
    path: str,
    *,
    mode: int,
    owner: str,
    on_bytes: Callable[[int, int], None] | None,
) -> bool:
    """Make a file hold some bytes; see `wizard.core.host.Host.put`.

    Args:
        session: of the host.
        held: gives the session over the connection that holds the host for this run.
        content: the bytes, or a file on this machine, of which only a piece at a time is read.
        path: absolute, without `..`.
        mode: permission bits.
        owner: `user:group`.
        on_bytes: is called with (bytes there, bytes in all).

    Returns:
        False where nothing had to be done.

    Raises:
        LinkLostError: the link broke more often than we try.
        RemoteError: no space, read-only, no such folder or owner, or the digest is wrong twice.
    """
    if not path.startswith("/") or ".." in path.split("/") or not _OWNER.fullmatch(owner):
        raise ValueError(f"cannot put to {path!r} for {owner!r}")
    data = _source(content)
    args = {
        "path": path,
        "size": str(data.size),
        "digest": data.digest,
        "mode": f"{mode:o}",
        "owner": owner,
    }
    return _transfer(session, held, data, args, on_bytes or _unheard)


@dataclass(frozen=True, slots=True)
class _Source:
    """What is sent: its size, its sha256, and any piece of it."""

    size: int
    digest: str
    piece: Callable[[int], bytes]
    """The bytes from an offset on, `PIECE` at most."""


def _source(content: bytes | Secret | Path) -> _Source:
    if isinstance(content, Path):
        return _file(content)
    data = content.reveal().encode() if isinstance(content, Secret) else content
    return _Source(len(data), hashlib.sha256(data).hexdigest(), lambda at: data[at : at + PIECE])


def _file(path: Path) -> _Source:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()

    def piece(at: int) -> bytes:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(PIECE)

    return _Source(path.stat().st_size, digest, piece)


def _transfer(
    session: Session,
    held: Callable[[], Session],
    data: _Source,
    args: dict[str, str],
    on_bytes: Callable[[int, int], None],
) -> bool:
    offset = 0 if data.size <= ONE_CALL else None
    attempt = 1
    while attempt <= TRIES:
        try:
            if offset is None:
                offset = _have(session, args)
            if offset is None:
                return False
            answer = _send(held(), data, offset, args, on_bytes)
        except LinkLostError:
            if attempt == TRIES:
                raise
            offset = None
            attempt += 1
            continue
        if answer.startswith("have "):
            offset = int(answer.split()[1])
            continue
        if answer != "wrong digest":
            return answer == "put"
        offset = 0
        attempt += 1
    raise session.remote_error(
        f"stored other bytes than it was sent for {args['path']}.",
        f"The sha256 was wrong {TRIES} times: its disk or memory is not to be trusted.",
        do="on the host: dmesg | tail; then check its disk and memory",
    )


def _have(session: Session, args: dict[str, str]) -> int | None:
    """Bytes a broken transfer left there; None where the file is already right."""
    answer = _answer(session, session.run(("lib/put",), {**args, "send": "no"}, timeout=_seconds(args)), args)
    return None if answer == "same" else min(int(answer.split()[1]), int(args["size"]))


def _send(
    session: Session, data: _Source, offset: int, args: dict[str, str], on_bytes: Callable[[int, int], None]
) -> str:
    piece = data.piece(offset)
    reply = session.run(
        ("lib/put",),
        {**args, "send": "yes", "offset": str(offset)},
        payload=piece,
        timeout=_seconds(args),
        on_sent=lambda sent: on_bytes(min(data.size, offset + sent), data.size),
    )
    if reply.exit_code == PARTLY and _whole_piece(reply, offset + len(piece)):
        return f"have {offset + len(piece)}"
    return _answer(session, reply, args)


def _whole_piece(reply: wire.Reply, end: int) -> bool:
    """Whether the host has everything that was sent so far, and only waits for the rest."""
    return wire.decode(reply.stdout).strip() == f"have {end}"


def _answer(session: Session, reply: wire.Reply, args: dict[str, str]) -> str:
    answer = wire.decode(reply.stdout).strip()
    if reply.exit_code == 0 or answer == "wrong digest":
        if answer in ("same", "put", "wrong digest") or re.fullmatch(r"have [0-9]+", answer):
            return answer
        raise session.remote_error("answers what our script does not say.", wire.noise(reply.stdout))
    raise _failed(session, wire.decode(reply.stderr), args)


def _failed(session: Session, said: str, args: dict[str, str]) -> RemoteError:
    low = said.lower()
    folder = args["path"].rsplit("/", 1)[0] or "/"
    free, inodes = (re.search(rf"^{word} ([0-9]+)$", said, re.MULTILINE) for word in ("free", "inodes"))
    words = " ".join(line for line in said.splitlines() if not line.startswith(("free ", "inodes ")))
    why, do = printable(words), f"on the host: ls -ld {folder}; df -h {folder}"
    if "no space left" in low or "quota" in low:
        room = f"{int(free[1]) * 1024} bytes free" if free else "unknown space free"
        count = f", {inodes[1]} inodes free" if inodes else ""
        why = f"{folder} is full: {room}{count}; {args['size']} bytes are wanted."
        do = f"on the host: df -h {folder}; df -i {folder}; then free space there"
    elif "read-only" in low:
        why = f"The file system of {folder} is read-only."
        do = f"on the host: dmesg | tail; mount | grep -w ro; mount -o remount,rw $(findmnt -no TARGET -T {folder})"
    elif "no such directory" in low:
        why, do = (
            f"There is no directory {folder} (array stopped, disk not mounted?).",
            f"on the host: ls -ld {folder}",
        )
    elif "missing tool" in low:
        why, do = printable(words), "install coreutils on the host"
    return session.remote_error(f"cannot store {args['path']}.", why, do=do)


def _seconds(args: dict[str, str]) -> float:
    return 60 + int(args["size"]) / SLOWEST


def _unheard(_sent: int, _total: int) -> None:
    """Nobody wants to know how far it is."""
