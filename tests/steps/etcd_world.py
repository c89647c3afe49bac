"""Three members and what each would say, written line by line; and a context in which they say it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from steps.etcd_certificates import make_missing
from steps.etcd_files import all_files
from steps.etcd_guard import guard_files
from steps.etcd_seen import Place, places
from tests.facts.build import facts, pi_facts, spec, unraid_facts
from wizard.core.artifact import Artifact, Need
from wizard.core.context import Context, FactsCache
from wizard.core.errors import HostError, UnreachableError
from wizard.core.facts import GIB, Clock, Disk, Filesystem, Guest, HostFacts, Volume
from wizard.core.host import Args, Operation, OpStatus, Reader, ScriptResult
from wizard.core.secrets import MemorySecrets
from wizard.core.spec.model import ClusterSpec, MachineSpec
from wizard.core.state import ChangeRecord, ChangeStatus, RunState, StepRecord
from wizard.payload.etcd_config import CONFIG
from wizard.payload.etcd_unit import RUNNING_CONFIG, UNIT

LINEAGE = "6f1d2c1e-0000-4000-8000-00000000aaaa"
MACHINES = (
    MachineSpec("etcd-a", "tower-a", "etcd", "10.0.0.31", 2, 2 * GIB, 20 * GIB, 8 * GIB),
    MachineSpec("etcd-b", "tower-b", "etcd", "10.0.0.32", 2, 2 * GIB, 20 * GIB, 8 * GIB),
)
NAMES = ("etcd-a", "etcd-b", "pi")
IDS = {"etcd-a": 0xA1, "etcd-b": 0xB2, "pi": 0xC3}
CLUSTER = 0x5E81D37CC4514EFD


def wanted(**changes: Any) -> ClusterSpec:  # noqa: ANN401 - fields of many types
    """A spec with two etcd guests and a witness whose data lies on a USB disk."""
    base = spec()
    pi = replace(base.hosts[2], etcd_dir="/mnt/usb/etcd")
    return replace(base, hosts=(*base.hosts[:2], pi), machines=MACHINES, **changes)


@cache
def _made() -> tuple[tuple[str, Any], ...]:
    secrets = MemorySecrets()
    make_missing(secrets, wanted())
    return tuple(secrets.values.items())


def secrets() -> MemorySecrets:
    """Every key and certificate the usual spec needs, the same ones in every test."""
    return MemorySecrets(dict(_made()))


def proven(*later: ChangeRecord) -> RunState:
    """A state in which everything was done and proven; `later` are records beside the proof's."""
    done = [
        ChangeRecord(key, "etcd-a", key, ChangeStatus.DONE, "d", at=at)
        for key, at in (("rights", 90.0), ("prove", 100.0))
    ]
    records = {one.key: one for one in (*done, *later)}
    return RunState("home", LINEAGE, serial=1, steps={"etcd": StepRecord("etcd", changes=records)})


NEW = RunState("home", LINEAGE, serial=1)
"""The state right after the first yes: nothing of etcd was done yet."""


@dataclass(frozen=True, slots=True)
class Says:
    """What `read/etcd` prints on one member."""

    version: str = ""
    files: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    """Path to digest, mode and owner."""
    texts: Mapping[str, str] = field(default_factory=dict)
    active: str = ""
    sub: str = ""
    enabled: bool = False
    fragment: str = ""
    restarts: int = 0
    log: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    status: Mapping[str, Any] | None = None
    members: tuple[Mapping[str, Any], ...] = ()
    metrics: tuple[str, ...] = ()
    package: str = ""
    guard: Mapping[str, object] = field(default_factory=dict)
    """Of the timer that takes the lead back."""
    rights: str = "reads"

    @property
    def text(self) -> str:
        """As the script prints it."""
        lines = ["== binaries"]
        if self.version:
            lines += [f"|etcd={self.version}", f"|etcdctl={self.version}", "|user=1"]
        lines += [f"|package={self.package}"] if self.package else []
        lines += ["== files", *(f"|{' '.join(dressed)} {path}" for path, dressed in self.files.items())]
        for path, text in self.texts.items():
            lines += [f"== file {path}", *(f"|{line}" for line in text.splitlines())]
        lines += ["== unit", f"|ActiveState={self.active}", f"|SubState={self.sub}"]
        lines += [
            f"|UnitFileState={'enabled' if self.enabled else 'disabled'}",
            f"|NRestarts={self.restarts}",
        ]
        lines += [f"|FragmentPath={self.fragment}", "== log", *(f"|{line}" for line in self.log)]
        lines += ["== data", *(f"|{key}={value}" for key, value in self.data.items())]
        lines += ["== guard", *(f"|{key}={value}" for key, value in self.guard.items())] if self.guard else []
        if self.status is not None:
            lines += ["== status", "|" + json.dumps([{"Endpoint": "x", "Status": self.status}])]
            lines += ["== members", "|" + json.dumps({"members": list(self.members)})]
            lines += ["== rights", f"|doctor={self.rights}"]
        if self.metrics:
            lines += ["== metrics", *(f"|{line}" for line in self.metrics)]
        return "\n".join([*lines, ""])


def entry(name: str, /, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """A member as the list of members has it."""
    address = {"etcd-a": "10.0.0.31", "etcd-b": "10.0.0.32", "pi": "10.0.0.13"}[name]
    made = {"ID": IDS[name], "name": name, "peerURLs": [f"https://{address}:2380"]}
    return {**made, "clientURLs": [f"https://{address}:2379"], **changes}


def place(name: str, of: ClusterSpec | None = None) -> Place:
    """Where a member lives."""
    return next(one for one in places(of or wanted()) if one.name == name)


WATCHING = {
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "Result": "success",
    "ExecMainStatus": 0,
    "said": "no witness leads",
}


def guarding(of: ClusterSpec | None = None) -> dict[str, tuple[str, str, str]]:
    """The files of the timer that keeps the witness from leading."""
    made = guard_files(of or wanted(), ("pi",))
    return {one.path: (one.digest, one.mode, one.owner) for one in made}


DISKS = {
    "etcd-a": {"mount": "/var/lib/etcd", "source": "/dev/vdb"},
    "etcd-b": {"mount": "/var/lib/etcd", "source": "/dev/vdb"},
    "pi": {"mount": "/mnt/usb", "source": "/dev/sda1"},
}


def empty(name: str, **changes: Any) -> Says:  # noqa: ANN401
    """A member nothing was done on yet; its disk is there."""
    data = {"state": "absent", "size": 8 * GIB, "free": 7 * GIB, "fstab": "uuid", **DISKS[name]}
    return replace(Says(active="inactive", sub="dead", data=data), **changes)


def set_up(name: str, kept: MemorySecrets, of: ClusterSpec | None = None) -> Says:
    """A member that is installed and configured and was never started."""
    files = all_files(of or wanted(), place(name, of), LINEAGE, kept, joining=False)
    shown = {one.path: one.content.reveal() for one in files if not one.path.endswith(".key")}
    unit = shown.pop(UNIT)
    assert unit
    installed = {one.path: (one.digest, one.mode, one.owner) for one in files}
    return empty(
        name,
        version="3.6.14",
        files=installed if name == "pi" else installed | guarding(of),
        guard={} if name == "pi" else WATCHING,
        texts=shown,
        fragment=UNIT,
        data={**empty(name).data, "marker": LINEAGE, "marker_member": name},
    )


def running(name: str, kept: MemorySecrets, of: ClusterSpec | None = None, leader: str = "etcd-a") -> Says:
    """A member that runs in a healthy cluster."""
    made = set_up(name, kept, of)
    return replace(
        made,
        texts={**made.texts, RUNNING_CONFIG: made.texts[CONFIG]},
        active="active",
        sub="running",
        enabled=True,
        data={**made.data, "state": "member", "bytes": 130_000_000},
        status=status(name, leader=IDS[leader]),
        members=tuple(entry(one) for one in NAMES),
        metrics=histogram(9950, 50),
    )


def stopped(says: Says) -> Says:
    """The same member with its etcd stopped."""
    return replace(says, active="inactive", sub="dead", status=None, members=(), metrics=())


def lonely(says: Says) -> Says:
    """The same member without a leader: it runs and the others are away."""
    assert says.status is not None
    return replace(says, status={**says.status, "leader": 0, "errors": ["etcdserver: no leader"]})


def status(name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """What `etcdctl endpoint status` says of a member."""
    header = {"cluster_id": changes.pop("cluster", CLUSTER), "member_id": IDS[name], "revision": 42}
    return {"header": header, "version": "3.6.14", "dbSize": 20480, "dbSizeInUse": 16384, **changes}


def histogram(fast: int, slow: int, bound: float = 0.064) -> tuple[str, ...]:
    """Metrics of a disk: so many syncs within 2 ms, so many between half of `bound` and it."""
    name, total = "etcd_disk_wal_fsync_duration_seconds_bucket", fast + slow
    rows = [("0.002", fast), (str(bound / 2), fast), (str(bound), total), ("+Inf", total)]
    return (*(f'{name}{{le="{le}"}} {count}' for le, count in rows), "etcd_server_has_leader 1")


@dataclass(frozen=True, slots=True)
class Teller:
    """A host that answers `read/etcd` and nothing else."""

    name: str
    address: str
    says: Says | HostError | None

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        assert script == "read/etcd", f"{script} on {self.name}"
        if isinstance(self.says, HostError):
            raise self.says
        assert self.says is not None, f"{self.name} is not there and was asked"
        return ScriptResult(0, self.says.text, "", 0.1)

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.ABSENT)


class Catalog:
    """Artifacts that are only named."""

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        return Artifact(name, version, arch, f"{name}.tar.gz", "publisher")

    def obtain(self, name: str, arch: str, version: str = "", **_: object) -> Any:  # noqa: ANN401
        raise AssertionError(f"{name} {version} {arch} is fetched by changes only")

    def lacking(self, needs: Sequence[Need]) -> None:
        """Everything can be had."""


GONE = UnreachableError("It cannot be reached.", where="x", why="no route", do="look")


def healthy(kept: MemorySecrets) -> dict[str, Says | HostError | None]:
    """All three run; etcd-a leads."""
    return {name: running(name, kept) for name in NAMES}


def world(
    said: Mapping[str, Says | HostError | None],
    *,
    kept: MemorySecrets | None = None,
    state: RunState | None = None,
    of: ClusterSpec | None = None,
    off: tuple[str, ...] = (),
    changed: Mapping[str, HostFacts] | None = None,
) -> Context:
    """A context in which the members say this.

    Args:
        said: by member; None = a guest that was never made, an error = it cannot be reached.
        kept: our secrets; those of the usual spec unless given.
        state: what is remembered; all proven unless given.
        of: the spec.
        off: guests that are there and do not run.
        changed: facts of members that are not the usual ones.
    """
    base = of or wanted()
    readers: dict[str, Reader] = {host.name: Teller(host.name, host.address, None) for host in base.hosts}
    readers |= {one.name: Teller(one.name, one.address, said[one.name]) for one in base.machines}
    readers["pi"] = Teller("pi", "10.0.0.13", said["pi"])
    known = {"tower-a": facts(), "tower-b": unraid_facts(), **_guest_facts(base), "pi": _pi()}
    known |= changed or {}
    for host in ("tower-a", "tower-b"):
        guests = tuple(
            Guest(one.name, "shut off" if one.name in off else "running", True, "qemu", LINEAGE)
            for one in base.machines
            if one.host == host and said[one.name] is not None
        )
        known[host] = replace(known[host], libvirt=replace(known[host].libvirt, guests=guests))

    def read(reader: Reader) -> HostFacts:
        answer = said.get(reader.name)
        if isinstance(answer, HostError):
            raise answer
        return known[reader.name]

    cache = FactsCache(readers, read)
    return Context(base, readers, state or proven(), cache, kept or secrets(), Catalog())


def _guest_facts(base: ClusterSpec) -> dict[str, HostFacts]:
    disk = Disk("vdb", "", "etcd-data", 8 * GIB, transport="virtio", mounts=("/var/lib/etcd",))
    mount = Filesystem("/var/lib/etcd", "/dev/vdb", "ext4", size=8 * GIB, free=7 * GIB, disks=("vdb",))
    return {
        one.name: facts(
            host=one.name,
            hostname=one.name,
            disks=(*facts().disks, disk),
            filesystems=(*facts().filesystems, mount),
            clock=Clock(1_800_000_000.0, 0.01, 0.02, True, "systemd-timesyncd"),
        )
        for one in base.machines
    }


def _pi() -> HostFacts:
    usb = Disk(
        "sda",
        "SSD 870 QVO",
        "S5RRNF0T7",
        10**12,
        False,
        "usb",
        volumes=(Volume("sda1", "part", 10**12, "ext4", uuid="1111-2222", mounts=("/mnt/usb",)),),
    )
    card = replace(pi_facts().disks[0], mounts=("/",))
    places_ = (
        Filesystem("/", "/dev/mmcblk0p2", "ext4", size=60 * GIB, free=50 * GIB, disks=("mmcblk0",)),
        Filesystem("/mnt/usb", "/dev/sda1", "ext4", size=10**12, free=9 * 10**11, disks=("sda",)),
    )
    return pi_facts(disks=(card, usb), filesystems=places_)
