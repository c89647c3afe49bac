"""Private files: read without being tricked, written so that a crash leaves the old or the new one whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from wizard.core.filefaults import cannot_open, check_private, too_large, unreadable, write_failed

P = ParamSpec("P")
R = TypeVar("R")

READ_LIMIT = 16 * 1024 * 1024
"""Bytes of the largest file read as ours: a state of 10,000 changes takes 4 MB."""

_CHUNK = 1024 * 1024
_COMMON = os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
_READ = os.O_RDONLY | os.O_NONBLOCK | _COMMON
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP}
"""What a file system answers that cannot sync a folder (some FUSE and CIFS mounts)."""


class SystemCalls:
    """The one way from here to the operating system: the crash tests fail or kill at each call in turn."""

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make the call.

        Args:
            function: a function of the `os` module.
            *args: passed on to it.
            **kwargs: passed on to it.
        """
        return function(*args, **kwargs)


SYSTEM = SystemCalls()
"""The real operating system."""


def read_private(path: Path, system: SystemCalls = SYSTEM) -> bytes | None:
    """The content of a file that must be ours alone.

    Args:
        path: the file; a symbolic link is not followed.
        system: the operating system.

    Returns:
        Its bytes, or None where there is no such file.

    Raises:
        StateError: a link, FIFO, folder or device; of another owner; open to others; unreadable; too large.
    """
    try:
        handle = system.call(os.open, path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_open(path, error) from error
    try:
        check_private(path, system.call(os.fstat, handle))
        return _read_all(path, handle, system)
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        with suppress(OSError):
            system.call(os.close, handle)


def write_private(path: Path, data: bytes, system: SystemCalls = SYSTEM, *, sync_folder: bool = True) -> None:
    """Replace a file as a whole, mode 0600 whatever the umask; the bytes are on the disk before the name is.

    A temporary file that failed is removed and never used again: after a failed fsync the kernel may hold
    its pages for clean though they never reached the disk.

    Args:
        path: the file; its folder must exist.
        data: the whole new content.
        system: the operating system.
        sync_folder: also wait until the new name is on the disk; not needed before the next save there.

    Raises:
        StateError: it could not be written, or nobody can say that it was.
    """
    temp = temp_name(path)
    try:
        _write_temp(temp, data, system)
        system.call(os.replace, temp, path)
        if sync_folder:
            _sync_folder(path.parent, system)
    except BaseException as error:
        with suppress(OSError):
            system.call(os.unlink, temp)
        if isinstance(error, OSError):
            raise write_failed(path, error) from error
        raise


def temp_name(path: Path) -> Path:
    """A name beside the file that no other attempt ever had."""
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")


def remove_temps(path: Path, system: SystemCalls = SYSTEM) -> None:
    """Remove what killed writers of this file left. Hold the lock: a living writer's file would go too.

    Args:
        path: the file they meant to write.
        system: the operating system.
    """
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            system.call(os.unlink, left)


def _read_all(path: Path, handle: int, system: SystemCalls) -> bytes:
    content = b""
    while chunk := system.call(os.read, handle, _CHUNK):
        content += chunk
        if len(content) > READ_LIMIT:
            raise too_large(path, READ_LIMIT)
    return content


def _write_temp(temp: Path, data: bytes, system: SystemCalls) -> None:
    with _closing(system.call(os.open, temp, _CREATE, 0o600), system) as handle:
        system.call(os.fchmod, handle, 0o600)
        _write_all(handle, data, system)
        system.call(os.fsync, handle)


def _write_all(handle: int, data: bytes, system: SystemCalls) -> None:
    rest = memoryview(data)
    while rest:
        written = system.call(os.write, handle, rest)
        if written <= 0:
            raise OSError(errno.EIO, "the system wrote nothing and gave no reason")
        rest = rest[written:]


def _sync_folder(folder: Path, system: SystemCalls) -> None:
    with _closing(system.call(os.open, folder, _FOLDER), system) as handle:
        try:
            system.call(os.fsync, handle)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise


@contextmanager
def _closing(handle: int, system: SystemCalls) -> Iterator[int]:
    """Closes the handle; a failing close counts (quota, network disks) unless something failed before it."""
    try:
        yield handle
    except BaseException:
        with suppress(OSError):
            system.call(os.close, handle)
        raise
    system.call(os.close, handle)
