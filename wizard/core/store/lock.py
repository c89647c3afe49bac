"""One wizard at a time: a `flock` on a file of its own, whose text names the holder.

The kernel drops a flock when its holder ends, however it ends: no lock is left over, only the text may be.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from wizard.core.errors import StateError
from wizard.core.filefaults import (
    DISK_TROUBLE,
    cannot_open,
    check_private,
    quoted,
    reason,
    write_failed,
)
from wizard.core.holder import Holder, ourselves

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TEXT_LIMIT = 4096
_TRIES = 5
"""Times the lock's file may be exchanged under our hands before we say so."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock, and say in its file who does.

    Args:
        path: the lock's file, in a folder that exists.

    Raises:
        StateError: another wizard holds it, named as far as it can be; or the file is not ours.
    """
    handle = _acquire(path)
    try:
        try:
            _write_text(handle, json.dumps(asdict(ourselves())))
        except OSError as error:
            raise write_failed(path, error) from error
        yield
    finally:
        with suppress(OSError):
            os.ftruncate(handle, 0)
        os.close(handle)


def clear_leftover(path: Path) -> Holder | None:
    """Clear the text of a holder that died; the kernel let its lock go already.

    Args:
        path: the lock's file.

    Returns:
        The holder that is gone, or None where there was nothing to clear.

    Raises:
        StateError: the lock is held by a living wizard, or the file is not ours.
    """
    if not os.path.lexists(path):
        return None
    handle = _acquire(path)
    try:
        left = _read_text(handle)
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)
    return left


def _acquire(path: Path) -> int:
    for _ in range(_TRIES):
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_current(path, handle):
                return handle
        except BlockingIOError as error:
            holder = _read_text(handle)
            os.close(handle)
            raise _held(path, holder) from error
        except OSError as error:
            os.close(handle)
            raise _no_locks(path, error) from error
        os.close(handle)
    raise _held(path, None)


def _open(path: Path) -> int:
    try:
        handle = os.open(path, _FLAGS | os.O_CREAT, 0o600)
    except OSError as error:
        full = error.errno in DISK_TROUBLE or not os.path.lexists(path)
        raise (write_failed if full else cannot_open)(path, error) from error
    try:
        check_private(path, os.fstat(handle))
    except StateError:
        os.close(handle)
        raise
    return handle


def _is_current(path: Path, handle: int) -> bool:
    """A lock on a file that was removed since would keep nobody out."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _write_text(handle: int, text: str) -> None:
    os.fchmod(handle, 0o600)
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)


def _read_text(handle: int) -> Holder | None:
    """The text is a courtesy: what cannot be read of it is not named."""
    try:
        said = json.loads(os.pread(handle, _TEXT_LIMIT, 0))
        return Holder(str(said["user"]), str(said["machine"]), int(said["pid"]), float(said["since"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _held(path: Path, holder: Holder | None) -> StateError:
    who = holder.told() if holder else "it has not said who it is"
    stop = (
        f"kill {holder.pid}    # on {holder.machine}; it finishes its change and saves"
        if holder
        else f"fuser -v {quoted(path)}"
    )
    return StateError(
        "Another wizard is at work on this cluster.",
        where=str(path),
        why=f"The lock is held: {who}. Two at once would undo each other's work.",
        do=(
            "wait until it is done, or ask it to stop:",
            stop,
            "meanwhile plan, doctor, facts and state show only read, and work",
        ),
    )


def _no_locks(path: Path, error: OSError) -> StateError:
    return StateError(
        "The lock cannot be taken.",
        where=str(path),
        why=f"{reason(error)}: some network file systems have no locks.",
        do="keep the wizard's files on a local disk: --dir DIR",
    )
