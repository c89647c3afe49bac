"""What can go wrong with an artifact, each told in the five parts of an error."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from wizard.artifacts.digest import Digest
from wizard.core.errors import UsageError, WizardError
from wizard.transport.http import FETCH_ELSEWHERE, RESUMABLE

DISCARDED = "Running again is safe: what was downloaded has been thrown away and nothing was used."
"""The fifth part of an error about a file that is not the right one."""

_KILO = 1024


class ArtifactError(WizardError):
    """A file that is to be put on hosts is missing, wrong or cannot be stored."""


def amount(count: float) -> str:
    """A number of bytes as a person reads it, e.g. `325.7 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if abs(count) < _KILO:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= _KILO
    return f"{count:.1f} GiB"


def wrong_digest(what: str, where: str, *, expected: Digest, source: str, found: Digest) -> ArtifactError:
    """A file that is not the one that was promised.

    Args:
        what: the file, e.g. `etcd 3.6.14 for amd64`.
        where: the address or path it came from.
        expected: the digest that binds.
        source: who says so.
        found: what the file has.
    """
    return ArtifactError(
        f"{what} is not the file that was promised",
        where=where,
        why=f"expected {expected} ({source})\nfound    {found}",
        do=(
            f"look whether a proxy or a captive portal answers in the publisher's place: curl -sSIL {where}"
            if where.startswith("https:")
            else f"put the right file there: {where}",
            "if the file was replaced on purpose, find out why before you trust the new digest",
            FETCH_ELSEWHERE,
        ),
        again=DISCARDED,
    )


def wrong_image(what: str, where: str, *, bound: Digest, why: str) -> ArtifactError:
    """A file in a folder that is not the image the catalog or a lock names."""
    return ArtifactError(
        f"{what} is not the image that was promised",
        where=where,
        why=f"{why}\nbound {bound}",
        do=(f"fetch it again: wizard artifacts fetch {Path(where).parent}",),
        again=DISCARDED,
    )


def checksum_changed(what: str, where: str, *, locked: Digest, lock: str, published: Digest) -> ArtifactError:
    """The publisher's checksum file says something else than when it was first read."""
    return ArtifactError(
        f"the publisher's digest of {what} has changed since it was first read",
        where=where,
        why=f"locked    {locked} ({lock})\npublished {published}",
        do=(
            f"compare with what the publisher announces: curl -sSL {where}",
            f"if the new file is the one you want, delete its entry from {lock} and run again",
        ),
    )


def conflict(what: str, where: str, *, bound: Digest, by: str, found: Digest) -> ArtifactError:
    """A folder's lock names another digest than the one that already binds."""
    return ArtifactError(
        f"{where} holds another {what} than the one that is bound",
        where=where,
        why=f"bound {bound} ({by})\nfound {found} ({where})",
        do=(
            f"fetch the bound one: wizard artifacts fetch {Path(where).parent}",
            f"if the other one is wanted, delete the entry from {by} and run again",
        ),
    )


def unknown(name: str, arch: str, version: str, known: str) -> UsageError:
    """Nobody has such an artifact."""
    label = f"{name} {version} for {arch}".replace("  ", " ")
    return UsageError(
        f"there is no artifact {label}",
        where="the catalog and artifacts.lock",
        why=f"known are: {known}",
        do="see what there is: wizard artifacts list",
    )


def storage(error: OSError, path: Path, *, needed: int | None = None) -> ArtifactError:
    """A file of ours cannot be written or read, with the bytes free and needed where the disk is full.

    Args:
        error: what the system said.
        path: the file or folder.
        needed: bytes that are still to be written, if known.
    """
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return no_space(path, needed=needed)
    return ArtifactError(
        f"{path} cannot be used: {error.strerror or error}",
        where=str(path),
        why=f"the system said {errno.errorcode.get(error.errno or 0, 'an error')}: {error}",
        do=(
            f"look at it: ls -ld {path.parent}",
            "or keep the cache elsewhere: XDG_CACHE_HOME=/path/with/space wizard artifacts list",
        ),
    )


def no_space(path: Path, *, needed: int | None, free: int | None = None) -> ArtifactError:
    """The disk is full, or would be.

    Args:
        path: what is to be written.
        needed: bytes that are still to be written, if known.
        free: bytes free; asked of the system when not given.
    """
    there = next((each for each in path.parents if each.exists()), Path("/"))
    left = shutil.disk_usage(there).free if free is None else free
    want = (
        f"{amount(needed)} ({needed} bytes) needed" if needed is not None else "nobody said how many needed"
    )
    return ArtifactError(
        "the disk has no space for the file",
        where=str(path.parent),
        why=f"{amount(left)} ({left} bytes) free, {want}",
        do=(
            f"see what fills it: df -h {there}",
            "or keep the cache elsewhere: XDG_CACHE_HOME=/path/with/space wizard artifacts list",
        ),
        again=RESUMABLE,
    )
