"""What can be wrong with a file or folder that must be ours alone, told so that a person can mend it."""

from __future__ import annotations

import errno
import os
import pwd
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from wizard.core.errors import NOTHING_CHANGED, RESUMES, StateError

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_OPEN_TO_OTHERS = 0o077
"""Any right of group or world."""

DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
"""Errors that speak of the disk, not of rights or names: the room left on it belongs in the message."""

_WRITE_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the disk reported an error",
    errno.EACCES: "we may not write there",
    errno.EPERM: "we may not write there",
}


def our_user() -> str:
    """The name of the user we run as; the number where it has no name (a container with a free uid)."""
    return user_name(os.geteuid())


def user_name(uid: int) -> str:
    """The name of a user, or its number.

    Args:
        uid: the user's number.
    """
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def check_private(path: Path, seen: os.stat_result) -> None:
    """Refuse what is not a plain file of our own, closed to everybody else.

    Args:
        path: for the message.
        seen: of the open file, so that nobody can exchange it in between.

    Raises:
        StateError: with the line that mends it.
    """
    if not stat.S_ISREG(seen.st_mode):
        raise _wrong_kind(path, stat.S_IFMT(seen.st_mode))
    check_owner_and_mode(path, seen, mode=0o600)


def check_owner_and_mode(path: Path, seen: os.stat_result, *, mode: int) -> None:
    """Refuse a file or folder of somebody else, or one that others may look into.

    Args:
        path: for the message.
        seen: what it is.
        mode: what it should have, for the message.

    Raises:
        StateError: with the chown or chmod line.
    """
    if seen.st_uid != os.geteuid():
        raise _wrong_owner(path, seen.st_uid)
    if stat.S_IMODE(seen.st_mode) & _OPEN_TO_OTHERS:
        raise _open_to_others(path, stat.S_IMODE(seen.st_mode), mode)


def cannot_open(path: Path, error: OSError) -> StateError:
    """The file is there and cannot be opened as a plain file.

    Args:
        path: the file.
        error: what the system said.
    """
    try:
        seen = path.lstat()
    except OSError:
        return unreadable(path, error)
    if not stat.S_ISREG(seen.st_mode):
        return _wrong_kind(path, stat.S_IFMT(seen.st_mode))
    if seen.st_uid != os.geteuid():
        return _wrong_owner(path, seen.st_uid)
    if not seen.st_mode & stat.S_IRUSR:
        return StateError(
            f"{path.name} may not be read by its owner.",
            where=str(path),
            why=f"Its mode is {stat.S_IMODE(seen.st_mode):04o}; the wizard writes 0600.",
            do=f"chmod 0600 {quoted(path)}",
        )
    return unreadable(path, error)


def unreadable(path: Path, error: OSError) -> StateError:
    """The system failed while the file was read.

    Args:
        path: the file or folder.
        error: what the system said.
    """
    room = f"; {bytes_free(path.parent)}" if error.errno in DISK_TROUBLE else ""
    return StateError(
        f"{path.name} cannot be read.",
        where=str(path),
        why=f"{reason(error)}{room}.",
        do=(
            f"ls -ld {quoted(path.parent)} {quoted(path)}",
            "dmesg | tail    # if the disk is in trouble, it is here",
        ),
    )


def too_large(path: Path, limit: int) -> StateError:
    """The file is far larger than anything we write.

    Args:
        path: the file.
        limit: bytes.
    """
    return StateError(
        f"{path.name} is too large to be ours.",
        where=str(path),
        why=f"It has more than {limit:,} bytes; the wizard's own files stay far below that.",
        do=(
            f"ls -l {quoted(path)}",
            f"mv {quoted(path)} {quoted(path)}.large    # out of the way, nothing is lost",
        ),
    )


def write_failed(path: Path, error: OSError) -> StateError:
    """The file could not be written, or nobody can say that it was.

    Args:
        path: the file.
        error: what the system said.
    """
    short = _WRITE_REASONS.get(error.errno or 0, "the system refused")
    return StateError(
        f"{path.name} could not be saved: {short}.",
        where=str(path),
        why=f"{reason(error)}; {bytes_free(path.parent)}. What was saved before is whole and loads.",
        do=_write_remedies(path.parent, error.errno or 0),
        again=RESUMES,
    )


def reason(error: OSError) -> str:
    """What the system said, with the symbol that can be looked up: "No space left on device (ENOSPC)".

    Args:
        error: any error of a system call.
    """
    number = error.errno or 0
    return f"{error.strerror or 'unknown error'} ({errno.errorcode.get(number, number)})"


def bytes_free(folder: Path) -> str:
    """How much room the folder's file system has for us, as words for a message.

    Args:
        folder: any folder on it; it need not be there yet.
    """
    room = _statvfs(folder)
    if room is None:
        return "how many bytes are free cannot be told"
    free = f"{room.f_bavail * room.f_frsize:,} bytes free"
    return f"{free}, and no inode left" if room.f_files and not room.f_favail else free


def _statvfs(folder: Path) -> os.statvfs_result | None:
    """Of the folder, or of the nearest one above it that is there."""
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return os.statvfs(place)
    return None


def quoted(path: Path) -> str:
    """The path as one word of a shell command.

    Args:
        path: any path.
    """
    return shlex.quote(str(path))


def _write_remedies(folder: Path, number: int) -> tuple[str, ...]:
    first = {
        errno.ENOSPC: f"df -h {quoted(folder)}    # make room, 10 MB are plenty",
        errno.EDQUOT: "quota -s    # make room within your quota",
        errno.EROFS: f"findmnt -T {quoted(folder)}    # then mount it writable",
        errno.EIO: "dmesg | tail    # the disk may be dying: copy the folder to another one",
    }.get(number, f"ls -ld {quoted(folder)}")
    return (first, "or keep the wizard's files elsewhere: move the folder and name it with --dir DIR")


def _wrong_kind(path: Path, kind: int) -> StateError:
    remove = "rmdir" if kind == stat.S_IFDIR else "rm"
    return StateError(
        f"{path.name} is {_KINDS.get(kind, 'a special file')}, not a plain file.",
        where=str(path),
        why="The wizard writes plain files only, so somebody else put it there; it was not touched.",
        do=(f"ls -ld {quoted(path)}", f"{remove} {quoted(path)}"),
        again=NOTHING_CHANGED,
    )


def _wrong_owner(path: Path, uid: int) -> StateError:
    us = our_user()
    return StateError(
        f"{path.name} belongs to {user_name(uid)}, and this wizard runs as {us}.",
        where=str(path),
        why="Who owns the file decides what the wizard believes, so it must be the user who runs it.",
        do=(f"sudo chown {shlex.quote(us)} {quoted(path)}", f"or run the wizard as {user_name(uid)}"),
    )


def _open_to_others(path: Path, found: int, wanted: int) -> StateError:
    return StateError(
        f"{path.name} is open to other users of this machine.",
        where=str(path),
        why=f"Its mode is {found:04o}; {wanted:04o} keeps others from reading or replacing what is in it.",
        do=f"chmod {wanted:04o} {quoted(path)}",
    )
