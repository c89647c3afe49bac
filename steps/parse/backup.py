"""What `read/backup` and `read/backup-store` say of the scheduled backup: text in, frozen data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from steps.parse.sections import split_sections
from steps.parse.units import InstalledFile, Unit, installed_files, unit_state
from steps.parse.values import number, pairs
from wizard.core.dataclass import dataclass

IN_MEMORY = ("tmpfs", "ramfs", "rootfs")
"""File systems that are empty after a reboot, as stat(1) names them."""

_LAST = 253_402_300_800
"""The first second of the year 10000, which `datetime` does not know."""


@dataclass(frozen=True, slots=True)
class BackupSeen:
    """One member's part in it."""

    files: Mapping[str, InstalledFile] = field(default_factory=dict)
    timer: Unit = Unit()
    service: Unit = Unit()
    last: str = ""
    """Name of the last one that was taken in; empty = there was none yet."""
    failed: str = ""
    """Why the last attempt failed, in its own words; empty = it noted no such thing."""

    @property
    def present(self) -> bool:
        """Something of it is set up."""
        return bool(self.files)

    @property
    def trouble(self) -> str:
        """Why the last attempt failed, also where it could not note it itself; empty = it did not."""
        ended = self.service.result
        return self.failed or (f"its service ended by {ended}" if ended not in ("", "success") else "")


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup as it lies in the store."""

    name: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """Where a hypervisor keeps backups, whoever's they are."""

    target: bool = False
    """The folder that the spec names is there."""
    folder: bool = False
    """So is ours in it."""
    filesystem: str = ""
    size: int | None = None
    """Bytes of the file system."""
    free: int | None = None
    receiver: str = ""
    """sha256 of the script that takes backups in; empty = it is not there."""
    admitted: Mapping[str, str] = field(default_factory=dict)
    """sha256 of the line in authorized_keys by member."""
    host_key: str = ""
    """The host's own key for ed25519, base64."""
    now: datetime | None = None
    """By the host's clock."""
    kept: tuple[Kept, ...] = ()

    @property
    def in_memory(self) -> bool:
        """The target would be empty after a reboot."""
        return self.filesystem in IN_MEMORY

    @property
    def present(self) -> bool:
        """Something of ours is set up, backups aside."""
        return bool(self.receiver or self.admitted)


def parse_backup(text: str) -> BackupSeen:
    """Parse what `read/backup` printed; what it could not tell stays unknown."""
    sections = split_sections(text)
    notes = pairs(sections.lines("notes"))
    return BackupSeen(
        files=installed_files(sections.lines("files")),
        timer=unit_state(pairs(sections.lines("timer"))),
        service=unit_state(pairs(sections.lines("service"))),
        last=notes.get("last", "").partition(" ")[2].partition(" ")[0],
        failed=notes.get("failed", "").partition(" ")[2],
    )


def parse_store(text: str) -> StoreSeen:
    """Parse what `read/backup-store` printed; what it could not tell stays unknown."""
    sections = split_sections(text)
    store = pairs(sections.lines("store"))
    words = [line.split(" ") for line in sections.lines("keys")]
    files = [line.split(" ") for line in sections.lines("backups")]
    return StoreSeen(
        target=store.get("target") == "yes",
        folder=store.get("folder") == "yes",
        filesystem=store.get("filesystem", ""),
        size=number(store.get("size")),
        free=number(store.get("free")),
        receiver=store.get("script", ""),
        admitted={one[0]: one[1] for one in words if len(one) == 2},  # noqa: PLR2004 - member, digest
        host_key=store.get("hostkey", ""),
        now=_moment(store.get("now", "")),
        kept=tuple(Kept(one[0], number(one[1]) or 0) for one in files if len(one) == 2),  # noqa: PLR2004
    )


def _moment(text: str) -> datetime | None:
    seconds = number(text)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < _LAST else None
