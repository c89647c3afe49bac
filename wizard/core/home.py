"""Where the wizard keeps its files: one private folder per cluster."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import StateError, UsageError
from wizard.core.filefaults import check_owner_and_mode, quoted, unreadable, write_failed
from wizard.core.files import SYSTEM, SystemCalls

_BESIDE = "cluster.yaml"
"""The spec may lie in the folder before our first run: practice keeps it there."""


@dataclass(frozen=True, slots=True)
class ClusterHome:
    """The paths of everything the wizard keeps about one cluster; `--dir` moves them all."""

    folder: Path

    @property
    def state(self) -> Path:
        """What was done and what is in flight."""
        return self.folder / "state.json"

    @property
    def state_backup(self) -> Path:
        """The state before the last save."""
        return self.folder / "state.json.bak"

    @property
    def secrets(self) -> Path:
        """Generated passwords and tokens, nowhere else."""
        return self.folder / "secrets.yaml"

    @property
    def measurements(self) -> Path:
        """What was measured last, on which host and when."""
        return self.folder / "measurements.json"

    @property
    def lock(self) -> Path:
        """Held while a wizard changes anything; its text names the holder."""
        return self.folder / "lock"

    @property
    def events(self) -> Path:
        """The log, JSON lines."""
        return self.folder / "events.jsonl"

    @property
    def artifacts_lock(self) -> Path:
        """The digests that bind every run."""
        return self.folder / "artifacts.lock"

    @property
    def known_hosts(self) -> Path:
        """Host keys confirmed for this cluster."""
        return self.folder / "known_hosts"

    @property
    def ssh_key(self) -> Path:
        """The cluster's own key, laid out from the secrets for whoever logs in to its machines."""
        return self.folder / "id_ed25519"

    @property
    def backups(self) -> Path:
        """States kept for good: before a format change, and what was replaced unread."""
        return self.folder / "backups"

    def ours(self) -> tuple[Path, ...]:
        """Every path above: a folder with one of them in it is a cluster's folder."""
        kept = (self.state, self.state_backup, self.secrets, self.lock, self.events)
        return (*kept, self.artifacts_lock, self.known_hosts, self.backups, self.measurements)


def cluster_home(name: str, *, dir_option: Path | None, env: Mapping[str, str]) -> ClusterHome:
    """Where the files of a cluster live. Nothing is looked at or made.

    Args:
        name: the cluster's name; only used where no folder is named.
        dir_option: what `--dir` said.
        env: the environment: WIZARD_HOME, XDG_STATE_HOME and HOME are read.

    Raises:
        UsageError: the name cannot be a folder's name.
    """
    named = dir_option or (Path(env["WIZARD_HOME"]) if env.get("WIZARD_HOME") else None)
    if named is not None:
        return ClusterHome(_expanded(named, env).absolute())
    if not name or name in {".", ".."} or "/" in name or "\0" in name:
        raise UsageError(
            f"{name!r} cannot be the name of a cluster.",
            where="name",
            why="A folder is called after it.",
            do="name it with letters, digits and hyphens: name: home",
        )
    return ClusterHome(_state_root(env) / "homelab-wizard" / name)


def check_home(home: ClusterHome, system: SystemCalls = SYSTEM) -> None:
    """Refuse a folder with our files in it that is not ours alone. Reads only; a missing folder is fine.

    Raises:
        StateError: of another owner, open to others, or not a folder.
    """
    try:
        seen = system.call(os.stat, home.folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(home.folder, error) from error
    _check_is_folder(home.folder, seen)
    if _holds_ours(home):
        check_owner_and_mode(home.folder, seen, mode=0o700)


def prepare_home(home: ClusterHome, system: SystemCalls = SYSTEM) -> None:
    """Make the folder, 0700 whatever the umask, or make sure that the one there is private.

    A folder of ours that is empty (or holds only the spec) is closed to others; one with other things in it
    is refused instead, since closing it may hurt whom it serves.

    Raises:
        StateError: it cannot be made, or is not ours alone.
    """
    try:
        make_private_folder(home.folder, system)
        seen = system.call(os.stat, home.folder)
        _check_is_folder(home.folder, seen)
        if _may_be_closed(home, seen):
            system.call(os.chmod, home.folder, 0o700)
            return
    except OSError as error:
        raise write_failed(home.folder, error) from error
    check_owner_and_mode(home.folder, seen, mode=0o700)


def make_private_folder(folder: Path, system: SystemCalls = SYSTEM) -> None:
    """Make a folder and its missing parents, each 0700 whatever the umask; one that is there stays as it is.

    Args:
        folder: the folder.
        system: the operating system.

    Raises:
        OSError: the system refused.
    """
    if folder.exists():
        return
    make_private_folder(folder.parent, system)
    try:
        system.call(os.mkdir, folder, 0o700)
    except FileExistsError:
        return
    system.call(os.chmod, folder, 0o700)


def _state_root(env: Mapping[str, str]) -> Path:
    root = Path(env.get("XDG_STATE_HOME", ""))
    # The XDG base directory specification: a relative path in it is invalid and to be ignored.
    return root if root.is_absolute() else _user_home(env) / ".local" / "state"


def _user_home(env: Mapping[str, str]) -> Path:
    if env.get("HOME"):
        return Path(env["HOME"])
    try:
        return Path.home()
    except RuntimeError as error:
        raise UsageError(
            "It is not known where your files live.",
            where="environment",
            why="HOME is not set and the user has no home folder.",
            do="name a folder: --dir DIR",
        ) from error


def shortened(folder: Path, env: Mapping[str, str] = os.environ) -> str:
    """A folder as a person would write it: with `~` where it lies below their home.

    Args:
        folder: an absolute one.
        env: the environment.
    """
    home = _user_home(env)
    return f"~/{folder.relative_to(home)}" if home in folder.parents else str(folder)


def _expanded(path: Path, env: Mapping[str, str]) -> Path:
    """`--dir=~/x` reaches us unexpanded from most shells."""
    return _user_home(env).joinpath(*path.parts[1:]) if path.parts[:1] == ("~",) else path


def _check_is_folder(folder: Path, seen: os.stat_result) -> None:
    if not stat.S_ISDIR(seen.st_mode):
        raise StateError(
            f"{folder.name} is not a folder.",
            where=str(folder),
            why="The wizard keeps the files of a cluster in a folder of their own.",
            do=(f"ls -ld {quoted(folder)}", "name another folder: --dir DIR"),
        )


def _holds_ours(home: ClusterHome) -> bool:
    return any(os.path.lexists(path) for path in home.ours())


def _may_be_closed(home: ClusterHome, seen: os.stat_result) -> bool:
    if seen.st_uid != os.geteuid() or seen.st_mode & stat.S_ISVTX or not seen.st_mode & 0o077:
        return False
    return all(entry.name == _BESIDE for entry in home.folder.iterdir())
