"""What was there before us: what a host tells of it, where it stands, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts, Port

Kind = Literal["microk8s", "k3s", "kubeadm", "swarm", "etcd", "dns", "earlier-run"]
"""What can be there."""

Role = Literal["hypervisor", "witness", "guest"]

_NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Reply(StrEnum):
    """What is answered to something that is there."""

    KEEP = "keep"
    """It stays as it is, and ours keeps out of its way."""
    REFUSE = "refuse"
    """Both cannot be: what would meet it is not begun."""
    MIGRATE = "migrate"
    """It stays for now; how to move what it carries is said."""
    RESUME = "resume"
    """It is ours: the next apply goes on with it."""


ANSWERS: Mapping[Reply, str] = MappingProxyType(
    {
        Reply.KEEP: "stays as it is",
        Reply.REFUSE: "in the way: nothing is built beside it",
        Reply.MIGRATE: "stays for now, moved by you",
        Reply.RESUME: "ours: the next apply goes on with it",
    }
)
"""The answers in words."""


@dataclass(frozen=True, slots=True)
class Occupant:
    """Something that lives on a host, in its own words."""

    kind: str
    told: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    """Keys and values as `read/present` printed them; a key may come more than once."""

    def first(self, key: str) -> str:
        """The first value of a key; empty where there is none."""
        return next(iter(self.told.get(key, ())), "")

    def all(self, key: str) -> tuple[str, ...]:
        """Every value of a key."""
        return self.told.get(key, ())

    @property
    def size(self) -> int | None:
        """Bytes of its data on the disk; None = not counted."""
        text = self.first("bytes")
        return int(text) if text.isdecimal() else None


NOBODY = Occupant("")
"""Where only the facts tell that something is there."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where it was found, and what of ours stands or will stand there."""

    name: str
    role: Role
    address: str
    ssh: str
    """How a command is given there, as a person would type it: `ssh pi@10.0.0.13 sudo`."""
    cluster: str = ""
    """Our cluster's name."""
    lineage: str = ""
    """Of our run state; empty = there is none on this machine."""
    own_etcd: bool = False
    """The etcd there is a member of ours, or looked at as one by the step that makes it."""
    own_unit: bool = False
    """`etcd.service` there is ours, whether it is up or gives up again and again."""
    own_k3s: bool = False
    """The K3s there is a node of ours, looked at as one by the steps that make it."""
    endpoints: tuple[str, ...] = ()
    """Addresses a K3s of ours knows: etcd members, servers, the API address."""


@dataclass(frozen=True, slots=True)
class Present:
    """One thing that is there already, and the answer to it."""

    kind: Kind
    host: str
    what: str
    """A sentence."""
    evidence: tuple[str, ...]
    """What was seen, literally."""
    reply: Reply
    why: str
    steps: tuple[str, ...] = ()
    """Exact commands, in order; none of them is run by the wizard."""
    source: str = ""
    blocks: str = ""
    """The step that would meet it: `hosts`, `machines`, `etcd`, `dns`; empty = none."""
    running: bool = True
    """It is at work; what is only left over is told and not warned of."""

    @property
    def forbids(self) -> bool:
        """Whether what the wizard builds today cannot go on beside it."""
        return self.reply is Reply.REFUSE and self.blocks in ("hosts", "machines", "etcd")


def size_text(size: int | None) -> str:
    """Bytes for people, in decimal units; empty where nobody counted.

    Args:
        size: in bytes.
    """
    if size is None:
        return ""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 1000:.0f} kB"


def port_text(port: Port) -> str:
    """A port as evidence: `tcp 10.0.0.13:2379 etcd`."""
    return f"{port.protocol} {port.address}:{port.port} {port.process}".strip()


def listening(facts: HostFacts, processes: tuple[str, ...]) -> tuple[str, ...]:
    """The ports that programs hold, as one line of evidence; none where they listen nowhere.

    Args:
        facts: of the host.
        processes: names as the kernel keeps them.
    """
    found = sorted({(one.port, one.protocol, one.process) for one in facts.ports if one.process in processes})
    ports = ", ".join(f"{port}/{protocol} {process}" for port, protocol, process in found)
    return (f"listens on {ports}",) if ports else ()


def data_line(seen: Occupant) -> tuple[str, ...]:
    """Where its data lies and how much it is, as one line of evidence."""
    where, size = seen.first("data"), size_text(seen.size)
    return (f"{where}: {size}" if size else where,) if where else ()
