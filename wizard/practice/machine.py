"""One simulated host: what it is, what lies on it, what was run on it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from posixpath import dirname
from typing import TYPE_CHECKING, Any

from wizard.core.dataclass import dataclass
from wizard.core.host import Operation, OpStatus
from wizard.practice.k3s_state import K3sProcess
from wizard.practice.keepalived_state import KeepalivedProcess
from wizard.practice.unit import Unit

if TYPE_CHECKING:
    from wizard.practice.world import World

UNRAID_MARKER = "/boot/config/wizard/marker"
MARKER = "/var/lib/wizard/marker"

FOLDERS = (
    "/",
    "/boot",
    "/etc",
    "/home",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/var/lib",
)
"""Folders there are on every host, besides its mount points and those that hold a file."""

USERS = frozenset({"root", "daemon", "nobody"})
"""Accounts and groups there are on every host."""

NOT_KEPT: dict[str, Any] = {"kept": False}
"""Metadata of what a host has only for as long as the wizard runs, see `wizard.practice.codec`."""

FREE = (12 * 1024 * 1024, 1_000_000)
"""KiB and inodes free on a file system that is not full."""


@dataclass(frozen=True, slots=True)
class File:
    """A file on a simulated host."""

    content: bytes
    mode: int = 0o644
    owner: str = "root:root"
    length: int = 0
    """Bytes of an image, of which only the beginning is kept here; 0 = as long as its content."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.length or len(self.content)

    @property
    def digest(self) -> str:
        """sha256 of its content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Execution:
    """A `do` script that was really run, not re-attached to."""

    script: str
    op: str
    args: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Domain:
    """A guest as the libvirt of a simulated host knows it."""

    name: str
    driver: str
    """`qemu` or `lxc`: what libvirt calls it."""
    xml: str
    """Its definition, as libvirt prints it."""
    state: str = "shut off"
    reason: str = "unknown"
    autostart: bool = False


@dataclass(slots=True)
class Service(Unit):
    """etcd's unit on a simulated host."""

    fsync: tuple[tuple[str, int], ...] = ()
    """Buckets of how long its disk takes; empty = as a good one."""
    trusted: str = ""
    """The authorities its process read when it was started: it reads them only then."""


@dataclass(slots=True)
class Package:
    """A Debian package on a simulated host."""

    version: str
    state: str = "installed"
    """In dpkg's words."""


@dataclass(slots=True)
class Machine:
    """A simulated host. What a real one keeps over a crash of the wizard is kept here: files and operations."""

    name: str
    address: str
    sections: dict[str, tuple[str, ...]] = field(default_factory=dict, metadata=NOT_KEPT)
    """The sections its facts script prints, as a real host printed them."""
    files: dict[str, File] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    ran: list[Execution] = field(default_factory=list)
    """Every execution of a `do` script, to prove that none happened twice."""
    requests: int = field(default=0, metadata=NOT_KEPT)
    """Round trips it answered."""
    locked: bool = field(default=False, metadata=NOT_KEPT)
    """Whether a run holds it."""
    lock_run: str = ""
    """Which run holds it or held it last; who that was and since when."""
    lock_holder: str = ""
    lock_since: str = ""
    guard: threading.RLock = field(default_factory=threading.RLock, metadata=NOT_KEPT)
    world: World | None = field(default=None, metadata=NOT_KEPT)
    """Where it stands; None = alone."""
    carrier: str = ""
    """The host it is a guest of."""
    up: bool = True
    """Switched on, and as a guest at the end of its boot."""
    up_at: float = 0.0
    """When its boot ends, seconds since the epoch."""
    disks: tuple[str, str] = ("", "")
    """The system and data disk it last ran with: another one holds nothing of what this one held."""
    skew: float = 0.0
    """Seconds its clock is ahead of ours."""
    domains: dict[str, Domain] = field(default_factory=dict)
    """Its guests by name, ours or not."""
    etcd: Service = field(default_factory=Service)
    k3s: K3sProcess = field(default_factory=K3sProcess)
    keepalived: KeepalivedProcess = field(default_factory=KeepalivedProcess)
    occupants: set[str] = field(default_factory=set)
    """What lives on it that is not ours, by the names of `wizard.practice.occupants`."""
    packages: dict[str, Package] = field(default_factory=dict)
    """Debian packages beyond those of a stock Debian, by name."""
    dpkg_held: str = ""
    """Who has dpkg and does not let go, as the kernel would tell."""
    timers: set[str] = field(default_factory=set)
    """Timers of ours that are enabled and run."""
    guard_said: str = ""
    """The last line of the log of the one that takes the lead of etcd back."""
    users: set[str] = field(default_factory=lambda: set(USERS))
    """Accounts and groups."""
    folders: set[str] = field(default_factory=set)
    """Folders that were made, whether something lies in them or not."""
    full: set[str] = field(default_factory=set)
    """Folders without a free byte."""
    fsync_ms: float = 2.0
    """The 99th percentile of its disk's syncs, milliseconds; an SD card has its own."""
    round_trip_ms: float = 0.2
    """To any other machine."""
    has_fio: bool = True
    usb: tuple[str, ...] = ()
    """What it tells of the USB bridge of its data disk, as `read/witness` prints it."""
    clocks: tuple[str, ...] = ()
    """Clocks of its own."""
    lacks: set[str] = field(default_factory=set)
    """Tools for the network, and kernel modules, that were taken away from it."""
    cgroups: tuple[str, ...] = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc")
    """Controllers that are on."""
    listens: dict[int, str] = field(default_factory=dict)
    """Programs that are not ours by the TCP port they listen on."""
    swap: int = 0
    """KiB of swap; 0 = what it was recorded with, on guests none."""
    routes: tuple[str, ...] = ()
    """Networks it reaches besides its own, each with the interface: `10.8.0.0/24 wg0`."""
    links: set[str] = field(default_factory=set)
    """Interfaces that a network plugin left."""
    waiting: dict[str, Callable[[], object]] | None = field(default=None, metadata=NOT_KEPT)
    """Operations that were begun and go on when `go_on` is called; None = everything ends at once."""

    @property
    def unraid(self) -> bool:
        """Whether it keeps only /boot and the array over a reboot."""
        return "file /etc/unraid-version" in self.sections

    @property
    def marker_path(self) -> str:
        """Where the wizard's marker lies."""
        return UNRAID_MARKER if self.unraid else MARKER

    def marker(self) -> dict[str, str]:
        """The marker's lines as key and value; empty where there is none."""
        found = self.files.get(self.marker_path)
        lines = found.content.decode().splitlines() if found else []
        return dict(line.split("=", 1) for line in lines)

    def listed(self, paths: Iterable[str]) -> Iterator[str]:
        """The files that are there, as our scripts print them: digest, mode, owner and path.

        Args:
            paths: of all that are looked for.
        """
        for path in paths:
            if found := self.files.get(path):
                yield f"{found.digest} {found.mode:o} {found.owner} {path}"

    def has_folder(self, path: str) -> bool:
        """Whether there is a folder of this path."""
        mounts = (line.split()[1] for line in self.sections.get("file /proc/mounts", ()))
        below = f"{path.rstrip('/')}/"
        known = (*FOLDERS, *self.folders, *mounts)
        return path in known or any(file.startswith(below) for file in (*self.files, *self.folders))

    @property
    def alive(self) -> bool:
        """Whether it answers at all: it is up, and so is the host it is a guest of."""
        if self.world is None:
            return self.booted
        if self.name in self.world.dead:
            return False
        return self.booted and (not self.carrier or self.world.runs(self))

    @property
    def booted(self) -> bool:
        """Whether it is switched on and its boot has ended."""
        hangs = self.world is not None and self.name in self.world.hangs
        return self.up and not hangs and (not self.up_at or self.up_at <= time.time())

    def is_full(self, path: str) -> bool:
        """Whether a file there would find no room."""
        folder = dirname(path)
        return any(folder == one or folder.startswith(f"{one}/") for one in self.full)

    def queue(self) -> None:
        """From now on operations that are begun go on until `go_on`: something long is under way."""
        self.waiting = self.waiting or {}

    def go_on(self) -> None:
        """Bring every operation that waits to its end; those that were killed are gone."""
        waiting, self.waiting = self.waiting or {}, None
        for op, finish in waiting.items():
            if self.operations[op].status is OpStatus.RUNNING:
                finish()

    def kill(self, op: str) -> None:
        """Kill an operation before it could write its result."""
        self.operations[op] = Operation(op, OpStatus.LOST)

    def reboot(self) -> None:
        """/run is memory: every operation is forgotten, and the run lock with it."""
        self.operations.clear()
        self.waiting = None
        self.locked = False
        self.lock_run = self.lock_holder = self.lock_since = ""
        for path in [path for path in self.files if path.startswith("/run/")]:
            del self.files[path]
        self.etcd.wanted, self.etcd.ready = self.etcd.enabled, False
        self.k3s.wanted, self.k3s.ready, self.k3s.config = self.k3s.enabled, False, ""
        self.keepalived.wanted, self.keepalived.state = self.keepalived.enabled, ""


def read_sections(text: str) -> dict[str, tuple[str, ...]]:
    """A facts answer taken apart, so that single sections can be replaced.

    Args:
        text: as the script printed it.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.split("\n"):
        if line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        elif line.startswith("|"):
            current.append(line[1:])
    return {name: tuple(lines) for name, lines in sections.items()}


def write_sections(sections: dict[str, tuple[str, ...]]) -> str:
    """A facts answer put together again."""
    lines = [line for name, rows in sections.items() for line in (f"== {name}", *(f"|{row}" for row in rows))]
    return "\n".join(lines) + "\n"
