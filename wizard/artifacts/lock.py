"""`artifacts.lock`: the digests that bind, once and for all hosts and later runs."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from wizard.artifacts import problems
from wizard.artifacts.digest import Digest, parse_digest, sha256
from wizard.artifacts.oci import SCHEME, parse_reference
from wizard.core.dataclass import dataclass
from wizard.core.errors import UsageError

LOCK_NAME = "artifacts.lock"
LOCK_SCHEMA = 1
LOCK_LIMIT = 1024 * 1024
"""Bytes a lock may have: thousands of entries; more is not a lock."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~-]{0,254}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~:-]{0,99}")
"""The colon is that of Debian's epochs: `1:2.3.3-1`."""


class Origin(StrEnum):
    """Who made the file."""

    PUBLISHER = "publisher"
    BUILT = "built"
    """Built by somebody from sources; used only where the spec says `artifacts.accept_built`."""


@dataclass(frozen=True, slots=True)
class LockEntry:
    """One file that is bound."""

    name: str
    version: str
    arch: str
    file: str
    """Its name, without a folder: in an artifacts folder the file lies beside the lock."""
    origin: Origin
    sha256: str
    """Hex. Empty until the file has been downloaded once, where the publisher gives another digest."""
    url: str = ""
    published: str = ""
    """What the publisher's checksum file said, as `algorithm:hex`; compared again before another download."""

    @property
    def digest(self) -> Digest:
        """What binds now: sha256 where known, else what the publisher said."""
        return sha256(self.sha256) if self.sha256 else parse_digest(self.published)

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.name} {self.version} for {self.arch}"


@dataclass(frozen=True, slots=True)
class Lock:
    """Every bound file by (name, arch): one version each."""

    path: Path
    entries: Mapping[tuple[str, str], tuple[LockEntry, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """A folder may hold a built and a published file of the same name."""

    def find(self, name: str, arch: str, version: str = "", origin: Origin | None = None) -> LockEntry | None:
        """The entry, or None; an empty version and no origin match any, publisher's first."""
        for entry in self.entries.get((name, arch), ()):
            if version in {"", entry.version} and origin in {None, entry.origin}:
                return entry
        return None

    def all(self) -> list[LockEntry]:
        """Every entry, sorted by name, architecture and origin."""
        return [entry for key in sorted(self.entries) for entry in self.entries[key]]

    def with_entry(self, entry: LockEntry) -> Lock:
        """The lock with this entry in the place of the one of the same name, architecture and origin."""
        key = (entry.name, entry.arch)
        kept = [each for each in self.entries.get(key, ()) if each.origin is not entry.origin]
        both = tuple(sorted([*kept, entry], key=lambda each: each.origin is Origin.BUILT))
        return replace(self, entries=MappingProxyType({**self.entries, key: both}))


def read_lock(path: Path) -> Lock:
    """The lock in a file; a file that is not there is an empty lock.

    Raises:
        UsageError: it is not a lock, or an entry breaks the rules.
        ArtifactError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LOCK_LIMIT + 1)
    except FileNotFoundError:
        return Lock(path)
    except OSError as error:
        raise problems.storage(error, path) from error
    if len(raw) > LOCK_LIMIT:
        raise _not_a_lock(path, f"it is larger than {LOCK_LIMIT} bytes")
    try:
        return _parsed(path, json.loads(raw))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _not_a_lock(path, str(error) or type(error).__name__) from error


def write_lock(lock: Lock) -> None:
    """Save a lock by temp file and rename, flushed to the disk.

    Raises:
        ArtifactError: it cannot be written; the old one is intact.
    """
    entries = [asdict(entry) for entry in lock.all()]
    text = json.dumps({"schema": LOCK_SCHEMA, "artifacts": entries}, indent=2) + "\n"
    temp = ""
    try:
        handle, temp = tempfile.mkstemp(prefix=".artifacts.lock.", dir=lock.path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, lock.path)  # noqa: PTH105 - the temp name is a string
    except OSError as error:
        if temp:
            Path(temp).unlink(missing_ok=True)
        raise problems.storage(error, lock.path, needed=len(text)) from error


def _parsed(path: Path, raw: object) -> Lock:
    if not isinstance(raw, dict) or raw.get("schema") != LOCK_SCHEMA:
        raise ValueError(f"it does not say schema {LOCK_SCHEMA}")
    if not isinstance(raw.get("artifacts"), list):
        raise TypeError("it has no list of artifacts")
    lock = Lock(path)
    for item in raw["artifacts"]:
        lock = lock.with_entry(_entry(item))
    return lock


def _entry(item: object) -> LockEntry:
    if not isinstance(item, dict) or not all(isinstance(value, str) for value in item.values()):
        raise TypeError("an artifact is not a table of texts")
    entry = LockEntry(**{**item, "origin": Origin(item["origin"])})
    for value in (entry.name, entry.version, entry.arch):
        if not _WORD.fullmatch(value):
            raise ValueError(f"{value!r} is not a name, version or architecture")
    if not _FILE.fullmatch(entry.file):
        raise ValueError(f"{entry.file!r} is not a plain file name")
    for text in filter(None, (entry.sha256 and f"sha256:{entry.sha256}", entry.published)):
        parse_digest(text)
    if entry.url.startswith(SCHEME):
        parse_reference(entry.url)
    if not entry.sha256 and not entry.published:
        raise ValueError(f"{entry.label} has no digest")
    return entry


def _not_a_lock(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} cannot be used as a lock",
        where=str(path),
        why=why,
        do=(
            f"look at it: less {path}",
            f"or put it aside and fetch again: mv {path} {path}.old",
        ),
    )
