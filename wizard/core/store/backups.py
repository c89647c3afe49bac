"""Earlier states that can be gone back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import StateError
from wizard.core.files import SystemCalls, read_private
from wizard.core.home import ClusterHome
from wizard.core.store.decode import DamagedError, Decoded, TooNewError, decode
from wizard.core.store.fields import FieldError
from wizard.core.store.migrate import Migration


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that loads."""

    path: Path
    decoded: Decoded
    at: float
    """When its file was written, seconds since the epoch."""

    def told(self) -> str:
        """What it is, for a message: "serial 3, written 2026-11-22 18:50:03"."""
        when = datetime.fromtimestamp(self.at).astimezone()
        return f"serial {self.decoded.state.serial}, written {when:%Y-%m-%d %H:%M:%S}"


def backup_files(home: ClusterHome) -> list[Path]:
    """Every file kept as a backup, good or not."""
    return [path for path in (home.state_backup, *sorted(home.backups.glob("state.*.json"))) if _there(path)]


def newest_good(home: ClusterHome, migrations: Mapping[int, Migration], system: SystemCalls) -> Backup | None:
    """The newest backup that loads: the highest serial, and among these the youngest file.

    Args:
        home: the cluster's folder.
        migrations: the ways up from older schemas.
        system: the operating system.
    """
    good = _good(home, migrations, system)
    return max(good, key=lambda backup: (backup.decoded.state.serial, backup.at), default=None)


def _good(home: ClusterHome, migrations: Mapping[int, Migration], system: SystemCalls) -> Iterator[Backup]:
    for path in backup_files(home):
        try:
            raw = read_private(path, system)
            decoded = decode(raw or b"", migrations)
            if not decoded.edited:
                yield Backup(path, decoded, path.stat().st_mtime)
        except (StateError, DamagedError, TooNewError, FieldError, OSError):
            continue  # not a backup one can go back to, whatever the reason


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
