"""What `read/etcd` says of one member: text in, frozen data out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from steps.parse.sections import Sections, split_sections
from steps.parse.units import InstalledFile, Unit, installed_files, unit_state
from steps.parse.values import first_json, items, mapping, number, pairs, word
from wizard.core.dataclass import dataclass

_METRIC = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>[0-9.eE+]+)")
_BOUND = re.compile(r'le="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Data:
    """The folder of its data."""

    state: str = "absent"
    """`absent`, `empty`, `member` (etcd's) or `other`."""
    marker: str = ""
    """Lineage in our mark beside it."""
    marker_member: str = ""
    mount: str = ""
    source: str = ""
    root: bool = False
    """It lies, or would lie, on the file system of `/`."""
    size: int | None = None
    free: int | None = None
    used: int | None = None
    """Bytes of the data itself."""
    fstab: str = ""
    """How /etc/fstab names the mount: `uuid`, `other` or `none`."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One member as the list of members has it."""

    id: str
    """Hex, as etcdctl takes it."""
    name: str
    peers: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    learner: bool = False

    @property
    def started(self) -> bool:
        """It has been there once: only then is it known where clients reach it."""
        return bool(self.clients)


@dataclass(frozen=True, slots=True)
class EtcdStatus:
    """What a member says of itself and its cluster."""

    cluster: str
    """Id of the cluster, hex."""
    member: str
    leader: str
    """Id of the leader it follows, hex; empty = it has none."""
    version: str = ""
    revision: int = 0
    db_size: int | None = None
    db_in_use: int | None = None
    learner: bool = False
    errors: tuple[str, ...] = ()
    """Alarms among them, as etcd words them."""


@dataclass(frozen=True, slots=True)
class EtcdMetrics:
    """The numbers we look at."""

    fsync: tuple[tuple[float, int], ...] = ()
    """(upper bound in seconds, how many were not longer), rising; the last bound is infinite."""
    commit: tuple[tuple[float, int], ...] = ()
    has_leader: bool | None = None
    leader_changes: int | None = None
    quota: int | None = None
    db_size: int | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """The timer that takes the lead back from a slow witness."""

    present: bool = False
    active: bool = False
    """It runs: its next look is planned."""
    enabled: bool = False
    result: str = ""
    """How its last look ended, in systemd's words; `success` before the first one too."""
    code: int = 0
    said: str = ""
    """The last line of its log."""


@dataclass(frozen=True, slots=True)
class EtcdSeen:
    """One member as it was found."""

    version: str = ""
    """Of the program on the disk; empty = there is none."""
    ctl_version: str = ""
    account: bool = False
    package: str = ""
    """Version of the distribution's package, where asked for."""
    files: Mapping[str, InstalledFile] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """Configuration and certificates by path."""
    unit: Unit = Unit()
    log: tuple[str, ...] = ()
    data: Data = Data()
    guard: Guard = Guard()
    status: EtcdStatus | None = None
    members: tuple[Listed, ...] | None = None
    """None = it could not tell."""
    metrics: EtcdMetrics | None = None
    rights: str = ""
    """What the doctor's certificate may do: `reads` (it has no role), `root`, `everything` (all may); empty = unknown."""
    errors: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        """It runs, answers clients and follows a leader."""
        return self.status is not None and bool(self.status.leader)

    @property
    def expelled(self) -> bool:
        """It ended because its data belongs to a member that was taken off the list."""
        return any("permanently removed from the cluster" in line for line in self.log)

    @property
    def reason(self) -> str:
        """What etcd, or whoever was to start it, said last that matters."""
        return log_reason(self.log)


def parse_etcd(text: str) -> EtcdSeen:
    """What one member said.

    Args:
        text: the answer of `read/etcd`; anything that is not understood is unknown.
    """
    sections = split_sections(text)
    programs = pairs(sections.lines("binaries"))
    return EtcdSeen(
        version=programs.get("etcd", ""),
        ctl_version=programs.get("etcdctl", ""),
        account=programs.get("user") == "1",
        package=programs.get("package", ""),
        files=installed_files(sections.lines("files")),
        texts={path: "\n".join(lines) + "\n" for path, lines in sections.files("/")},
        unit=unit_state(pairs(sections.lines("unit"))),
        log=tuple(line for line in sections.lines("log") if line.strip()),
        data=_data(pairs(sections.lines("data"))),
        guard=_guard(pairs(sections.lines("guard"))),
        status=_status(_json(sections, "status")),
        members=_members(_json(sections, "members")),
        metrics=_metrics(sections.lines("metrics")) if sections.lines("metrics") else None,
        rights=pairs(sections.lines("rights")).get("doctor", ""),
        errors=sections.lines("errors"),
    )


def _json(sections: Sections, name: str) -> object:
    """One JSON object, or the first of a list of them."""
    return first_json("\n".join(sections.lines(name)))


def _data(said: Mapping[str, str]) -> Data:
    return Data(
        state=said.get("state", "absent"),
        marker=said.get("marker", ""),
        marker_member=said.get("marker_member", ""),
        mount=said.get("mount", ""),
        source=said.get("source", ""),
        root=said.get("root") == "1",
        size=number(said.get("size")),
        free=number(said.get("free")),
        used=number(said.get("bytes")),
        fstab=said.get("fstab", ""),
    )


def _guard(said: Mapping[str, str]) -> Guard:
    return Guard(
        present=bool(said),
        active=said.get("ActiveState") == "active",
        enabled=said.get("UnitFileState") == "enabled",
        result=said.get("Result", ""),
        code=number(said.get("ExecMainStatus")) or 0,
        said=said.get("said", ""),
    )


def _hex(value: object) -> str:
    """An id as etcdctl prints and takes it; JSON has it as a number."""
    found = number(value)
    if found is None and isinstance(value, int) and not isinstance(value, bool):
        found = value
    return f"{found:x}" if found else ""


def _status(found: object) -> EtcdStatus | None:
    status = mapping(mapping(found).get("Status"))
    header = mapping(status.get("header"))
    if not header:
        return None
    return EtcdStatus(
        cluster=_hex(header.get("cluster_id")),
        member=_hex(header.get("member_id")),
        leader=_hex(status.get("leader")),
        version=word(status.get("version")),
        revision=number(header.get("revision")) or 0,
        db_size=number(status.get("dbSize")),
        db_in_use=number(status.get("dbSizeInUse")),
        learner=status.get("isLearner") is True,
        errors=tuple(word(one) for one in items(status.get("errors"))),
    )


def _members(found: object) -> tuple[Listed, ...] | None:
    if "members" not in mapping(found):
        return None
    return tuple(
        Listed(
            id=_hex(one.get("ID")),
            name=word(one.get("name")),
            peers=_words(one.get("peerURLs")),
            clients=_words(one.get("clientURLs")),
            learner=one.get("isLearner") is True,
        )
        for one in map(mapping, items(mapping(found).get("members")))
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(word(one) for one in items(value))


def _metrics(lines: Iterable[str]) -> EtcdMetrics:
    rows = [found for line in lines if (found := _METRIC.match(line))]
    values = {row["name"]: _amount(row["value"]) for row in rows if not row["labels"]}
    leader = values.get("etcd_server_has_leader")
    return EtcdMetrics(
        fsync=_histogram(rows, "etcd_disk_wal_fsync_duration_seconds_bucket"),
        commit=_histogram(rows, "etcd_disk_backend_commit_duration_seconds_bucket"),
        has_leader=None if leader is None else leader == 1,
        leader_changes=_whole(values.get("etcd_server_leader_changes_seen_total")),
        quota=_whole(values.get("etcd_server_quota_backend_bytes")),
        db_size=_whole(values.get("etcd_mvcc_db_total_size_in_bytes")),
    )


def _amount(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _histogram(rows: Iterable[re.Match[str]], name: str) -> tuple[tuple[float, int], ...]:
    found = []
    for row in rows:
        bound = _BOUND.search(row["labels"] or "") if row["name"] == name else None
        if bound:
            found.append(
                (float("inf") if bound[1] == "+Inf" else _amount(bound[1]), int(_amount(row["value"])))
            )
    return tuple(sorted(found))


def quantile(histogram: Sequence[tuple[float, int]], share: float) -> float | None:
    """The value below which a share of all observations lies, as Prometheus estimates it from buckets.

    Args:
        histogram: (upper bound, count up to it), rising, the last bound infinite.
        share: 0.99 for the 99th percentile.

    Returns:
        In the unit of the bounds; None without observations. Beyond the last finite bound it is that bound.
    """
    total = histogram[-1][1] if histogram else 0
    if total == 0:
        return None
    rank, below, under = share * total, 0.0, 0
    for bound, count in histogram:
        if count >= rank:
            if bound == float("inf"):
                return below
            return below + (bound - below) * (rank - under) / max(1, count - under)
        below, under = bound, count
    return below


def observations(histogram: Sequence[tuple[float, int]]) -> int:
    """How many there were."""
    return histogram[-1][1] if histogram else 0


_TELLING = (
    "permanently removed from the cluster",
    "already been bootstrapped",
    "cluster ID mismatch",
    "member count is unequal",
    "x509:",
    "tls:",
    "no space left on device",
    "permission denied",
    "address already in use",
    "cannot assign requested address",
)
"""What etcd says only when that is the reason, though often not in its last line, nor at a high level."""

_LEVELS = ("panic", "fatal", "error")


def log_reason(lines: Sequence[str]) -> str:
    """The line of a log that tells best why something does not run.

    Args:
        lines: of etcd's journal, oldest first: JSON objects of etcd, and sentences of systemd.

    Returns:
        The last line that names a reason we know, else the last of the worst level, else the last of all.
    """
    said = [(_level(line), _sentence(line)) for line in reversed(lines)]
    telling = next((text for _, text in said if any(sign in text for sign in _TELLING)), "")
    worst = (next((text for level, text in said if level == one), "") for one in _LEVELS)
    return telling or next(filter(None, worst), "") or last_line(lines)


def last_line(lines: Sequence[str]) -> str:
    """The last line of a log as a person reads it."""
    return _sentence(lines[-1]) if lines else ""


def _entry(line: str) -> Mapping[str, object]:
    try:
        return mapping(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def _level(line: str) -> str:
    return word(_entry(line).get("level"))


def _sentence(line: str) -> str:
    entry = _entry(line)
    if not entry:
        return line.strip()
    said = [word(entry.get("msg")), word(entry.get("error"))]
    return ": ".join(part for part in said if part)
