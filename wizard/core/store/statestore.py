"""Loads and saves the run state of one cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wizard.core.errors import StateError
from wizard.core.filefaults import write_failed
from wizard.core.files import SYSTEM, SystemCalls, read_private, remove_temps, write_private
from wizard.core.home import ClusterHome, check_home, make_private_folder, prepare_home
from wizard.core.state import STATE_SCHEMA, RunState
from wizard.core.store import faults
from wizard.core.store.backups import Backup, backup_files, newest_good
from wizard.core.store.decode import DamagedError, Decoded, TooNewError, decode
from wizard.core.store.document import encode
from wizard.core.store.fields import FieldError
from wizard.core.store.lock import hold
from wizard.core.store.migrate import MIGRATIONS, Migration


class StateStore:
    """The state file, its backups and its lock. Loading needs no lock and writes nothing; saving needs it.

    Args:
        home: the cluster's folder.
        writer: version of this program, written into the file.
        system: the operating system.
        migrations: the ways up from older schemas.
    """

    def __init__(
        self,
        home: ClusterHome,
        *,
        writer: str,
        system: SystemCalls = SYSTEM,
        migrations: Mapping[int, Migration] = MIGRATIONS,
    ) -> None:
        self.home = home
        self._writer = writer
        self._system = system
        self._migrations = migrations
        self._known = False
        self._good: bytes | None = None
        self._locked = False
        self._saving = threading.Lock()

    def load(self, *, accept_edited: bool = False) -> RunState | None:
        """The state as last saved.

        Args:
            accept_edited: take a file whose checksum does not fit (`--accept-edited`).

        Returns:
            The state, or None where there never was one: neither a file nor a backup.

        Raises:
            StateError: damaged, edited, too new, not ours alone; with the command that mends it.
        """
        check_home(self.home, self._system)
        raw = read_private(self.home.state, self._system)
        if raw is None:
            if backup_files(self.home):
                raise faults.missing(self.home.state, self.newest_good_backup())
            return None
        found = self._decode(raw)
        if found.edited and not accept_edited:
            raise faults.edited(self.home.state, found, self.newest_good_backup())
        self._known = True
        return found.state

    def save(self, state: RunState) -> None:
        """Write the state down; when this returns it is on the disk. Any thread may call it.

        Args:
            state: the whole state; its writer becomes this program.

        Raises:
            StateError: it could not be written; what was saved before is whole.
            RuntimeError: the lock is not held, which is a defect of the caller.
        """
        if not self._locked:
            raise RuntimeError("the state is only saved by who holds its lock")
        with self._saving:
            raw = encode(replace(state, writer=self._writer))
            prepare_home(self.home, self._system)
            kept = self._keep_current(state)
            write_private(self.home.state, raw, self._system)
            self._known, self._good = True, raw
            if not kept and self.newest_good_backup() is None:
                write_private(self.home.state_backup, raw, self._system)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the cluster's lock on this machine.

        Raises:
            StateError: another wizard holds it; says who and since when.
        """
        prepare_home(self.home, self._system)
        with hold(self.home.lock):
            self._locked = True
            try:
                for path in (self.home.state, self.home.state_backup, self.home.secrets, self.home.ssh_key):
                    remove_temps(path, self._system)
                yield
            finally:
                self._locked = False

    def newest_good_backup(self) -> Backup | None:
        """The newest backup that loads, if there is one."""
        return newest_good(self.home, self._migrations, self._system)

    def _decode(self, raw: bytes) -> Decoded:
        try:
            return decode(raw, self._migrations)
        except (TooNewError, DamagedError, FieldError) as error:
            raise self._told(error) from error

    def _told(self, error: TooNewError | DamagedError | FieldError) -> StateError:
        path = self.home.state
        if isinstance(error, TooNewError):
            return faults.too_new(path, error, self._writer)
        if isinstance(error, DamagedError):
            return faults.damaged(path, error, self.newest_good_backup())
        return faults.wrong_field(path, error, self.newest_good_backup())

    def _keep_current(self, state: RunState) -> bool:
        """Keep what the save is about to replace; says whether it became the backup."""
        raw = read_private(self.home.state, self._system)
        if raw is None:
            if not self._known and backup_files(self.home):
                raise faults.missing(self.home.state, self.newest_good_backup())
            return False
        if raw == self._good or self._is_good(raw, state):
            write_private(self.home.state_backup, raw, self._system, sync_folder=False)
            return True
        self._set_aside(raw, f"replaced-{datetime.fromtimestamp(time.time()):%Y%m%d-%H%M%S}")
        return False

    def _is_good(self, raw: bytes, state: RunState) -> bool:
        """Whether the file in the place is a whole state of this cluster; refuses what must not be replaced.

        Once this store has loaded or saved, what it has in memory is the truth, not a file spoilt since.
        """
        try:
            found = decode(raw, self._migrations)
        except (TooNewError, DamagedError, FieldError) as error:
            if self._known and not isinstance(error, TooNewError):
                return False
            raise self._told(error) from error
        if found.state.lineage != state.lineage:
            raise faults.foreign(self.home.state, state.lineage, found.state.lineage)
        if found.edited and not self._known:
            raise faults.edited(self.home.state, found, self.newest_good_backup())
        if found.schema < STATE_SCHEMA:
            self._set_aside(raw, f"schema-{found.schema}")
        return not found.edited

    def _set_aside(self, raw: bytes, label: str) -> Path:
        target = self.home.backups / f"state.{label}.json"
        try:
            make_private_folder(self.home.backups, self._system)
        except OSError as error:
            raise write_failed(self.home.backups, error) from error
        write_private(target, raw, self._system)
        return target
