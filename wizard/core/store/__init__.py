"""The run state on the disk: load, save, lock, backups, and the rule of the hosts' markers."""

from __future__ import annotations

from wizard.core.holder import Holder
from wizard.core.store.lock import clear_leftover
from wizard.core.store.marker import check_marker
from wizard.core.store.statestore import StateStore

__all__ = ["Holder", "StateStore", "check_marker", "clear_leftover"]
