"""What the lab remembers between two commands: its id, subnet, choices and the daemon it started."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path

from wizard.core.dataclass import dataclass

FILE = "lab.json"
"""Name of the file in the lab's own directory."""

LOCK = "lab.lock"
"""What one command holds while it changes the lab."""

REMEMBERED = (
    "subnet",
    "daemon_pid",
    "dropped",
    "probed",
    "chose",
    "faults",
    "values",
    "artifacts",
    "release",
    "kubernetes",
    "kvm",
    "watchers",
)
"""The fields that are kept in the file."""


@dataclass(slots=True)
class Store:
    """The lab's directory (0700) and the small file in it."""

    root: Path
    subnet: str = ""
    """The chosen /24, kept so that addresses stay over down and up."""
    daemon_pid: int = 0
    """Process id of the dockerd that this lab started; 0 = none."""
    dropped: list[str] = field(default_factory=list)
    """Capabilities this machine's Docker cannot give; found by trying."""
    probed: bool = False
    """Whether `dropped` and `kvm` were found out on this machine."""
    kvm: bool = False
    """Whether virtual machines run at hardware speed."""
    chose: str = ""
    """One line on what the machine allows, for status."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Faults that are set, by host."""
    values: dict[str, str] = field(default_factory=dict)
    """The value each was set with, by `HOST/FAULT`."""
    artifacts: str = ""
    """The folder of what was built for the lab."""
    release: str = ""
    """The folder of artifacts whose K3s release is used, as `lab up --artifacts` named it."""
    kubernetes: bool = False
    """Whether the lab's spec asks for Kubernetes on its guests."""
    watchers: int = 0
    """What this machine's limit of file watchers was before this lab raised it; 0 = it was left alone."""

    @property
    def id(self) -> str:
        """Eight hex digits from the directory: two labs on one machine never share a name."""
        return hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:8]

    def path(self, name: str) -> Path:
        """A file in the lab's directory."""
        return self.root / name

    def save(self) -> None:
        """Write the file by rename, 0600."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({name: getattr(self, name) for name in REMEMBERED}, indent=1)
        write_private(self.path(FILE), text.encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second `lab` command away until this one is done; what it remembered is read again."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path(LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fresh = load(self.root)
            for name in REMEMBERED:
                setattr(self, name, getattr(fresh, name))
            yield


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, by temp file and rename.

    Args:
        path: where.
        content: the whole of it.
    """
    temp = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    temp.rename(path)


def load(root: Path) -> Store:
    """What is remembered in a directory; nothing yet is an empty store. An unreadable file is treated as none.

    Args:
        root: the lab's directory.
    """
    store = Store(root)
    try:
        known = json.loads((root / FILE).read_text())
    except (OSError, ValueError):
        return store
    for name in REMEMBERED:
        value = known.get(name) if isinstance(known, dict) else None
        if isinstance(value, type(getattr(store, name))):
            setattr(store, name, value)
    return store


def default_root() -> Path:
    """The lab's directory unless `--dir` says otherwise."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "homelab-wizard" / "lab"


def cache_root() -> Path:
    """Where root file systems and what is built are kept, by the hash of their recipe."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "homelab-wizard" / "lab"
