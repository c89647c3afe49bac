"""What can be wrong with the state file, told so that a person can mend it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from wizard.core.errors import StateError
from wizard.core.filefaults import quoted
from wizard.core.home import ClusterHome
from wizard.core.state import STATE_SCHEMA
from wizard.core.store.backups import Backup
from wizard.core.store.decode import DamagedError, Decoded, TooNewError
from wizard.core.store.document import CHECKSUM, layout
from wizard.core.store.fields import FieldError

_DIFF_LINES = 12
_LINE_LENGTH = 160
_WRITER_LENGTH = 40

LOOK_AGAIN = (
    "Running again is safe: the state is only a hint, every finished change is checked against the hosts."
)


def damaged(path: Path, error: DamagedError, backup: Backup | None) -> StateError:
    """Empty, torn or not JSON."""
    return StateError(
        f"{path.name} is damaged.",
        where=f"{path}, byte {error.offset} of {error.size}",
        why=f"{error.text}. No save of the wizard leaves a file so; a disk or another program did.",
        do=_restore(path, backup),
        again=LOOK_AGAIN,
    )


def wrong_field(path: Path, error: FieldError, backup: Backup | None) -> StateError:
    """JSON, but not what the wizard writes."""
    return StateError(
        f"{path.name} holds a value that the wizard cannot have written.",
        where=f"{path}, {error.path}",
        why=f"{error.path} {error.text}.",
        do=_restore(path, backup),
        again=LOOK_AGAIN,
    )


def missing(path: Path, backup: Backup | None) -> StateError:
    """Gone, though there are backups: this is not a first run."""
    return StateError(
        f"{path.name} is gone, but its backups are there.",
        where=str(path),
        why="The wizard never removes it. Starting afresh would forget which cluster the hosts belong to.",
        do=_restore(path, backup),
        again=LOOK_AGAIN,
    )


def edited(path: Path, found: Decoded, backup: Backup | None) -> StateError:
    """Its checksum does not fit."""
    why = "The checksum in it does not fit its content: it was edited by hand, or the disk changed it."
    if backup is not None:
        why += f" Against {backup.path.name}, which is one save older:\n{_difference(backup.decoded, found)}"
    return StateError(
        f"{path.name} was changed outside the wizard.",
        where=str(path),
        why=why,
        do=(
            "if you edited it and mean it: run the same command with --accept-edited",
            *_restore(path, backup),
        ),
        again=LOOK_AGAIN,
    )


def too_new(path: Path, error: TooNewError, ours: str) -> StateError:
    """Written by a later version."""
    writer = error.writer[:_WRITER_LENGTH]
    later = f"wizard {writer}" if writer else "a later wizard"
    wish = f"homelab-wizard>={writer}" if writer else "homelab-wizard"
    return StateError(
        f"{path.name} was written by {later}, which is newer than this one.",
        where=str(path),
        why=f"It has format {error.schema}; this wizard ({ours}) reads formats up to {STATE_SCHEMA}.",
        do=f"pip install --upgrade {shlex.quote(wish)}",
    )


def foreign(path: Path, ours: str, theirs: str) -> StateError:
    """The file in the place belongs to another cluster than the state to be saved."""
    return StateError(
        f"{path.name} belongs to another cluster.",
        where=str(path),
        why=f"Its lineage is {theirs}; the cluster at work has {ours}. Saving would lose the other one.",
        do="give each cluster a folder of its own: --dir DIR",
    )


def _restore(path: Path, backup: Backup | None) -> tuple[str, ...]:
    if backup is None:
        return (
            f"there is no valid backup beside it: restore {quoted(path.parent)} from your own backups",
            f"or, to start afresh: {_put_away(ClusterHome(path.parent))}",
        )
    # cp -p keeps no hold on the target: an existing file keeps its mode, a new one takes the backup's 0600.
    return (f"cp -p {quoted(backup.path)} {quoted(path)}    # {backup.told()}",)


def _put_away(home: ClusterHome) -> str:
    """The command that moves every trace of a state aside: one that is left would still not be a first run."""
    there = [path for path in (home.state, home.state_backup, home.backups) if os.path.lexists(path)]
    target = quoted(home.folder / "damaged")
    return f"mkdir -p {target} && mv {' '.join(quoted(path) for path in there)} {target}"


def _difference(before: Decoded, after: Decoded) -> str:
    import difflib

    lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=0)
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    shown = [
        line if len(line) <= _LINE_LENGTH else f"{line[:_LINE_LENGTH]} ..." for line in changed[:_DIFF_LINES]
    ]
    more = len(changed) - len(shown)
    return "\n".join([*shown, f"... and {more} more lines"] if more else shown)


def _lines(found: Decoded) -> list[str]:
    return layout({key: value for key, value in found.document.items() if key != CHECKSUM}).splitlines()
