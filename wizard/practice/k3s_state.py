"""What K3s is on a simulated host, and what its servers keep in etcd."""

from __future__ import annotations

from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.practice.unit import Unit


@dataclass(slots=True)
class K3sProcess(Unit):
    """K3s on one host: a server or an agent, under systemd."""

    role: str = ""
    """`server` or `agent`: which of its units is meant; empty = none was ever enabled."""
    config: str = ""
    """The config.yaml its process read when it was started; empty = no process."""
    version: str = ""
    """Of the program its process is."""
    token: str = ""
    """That its process read when it was started."""


@dataclass(slots=True)
class Node:
    """A node as the API knows it."""

    name: str
    address: str
    role: str
    """`server` or `agent`."""
    version: str = ""
    """Of its kubelet."""
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    """As `key=value:Effect`."""
    password: str = ""
    """What it showed when it first came: another one under its name is turned away.

    Empty = it was deleted: the next one that comes is believed."""
    ready: bool = False


@dataclass(slots=True)
class Kubernetes:
    """What the servers of one cluster share; it lies in etcd and lives as long as etcd's data."""

    token: str
    """What its bootstrap data is encrypted with."""
    agent_token: str
    authority: str
    """Tells its certificate authority from that of any other cluster."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """By name."""
    objects: dict[str, str] = field(default_factory=dict)
    """What else the API keeps, by `namespace/name`: JSON."""
    applied: dict[str, str] = field(default_factory=dict)
    """What was last applied to each object, by manager and object: JSON."""
    server_ca: str = ""
    """The certificate that those of its servers and kubelets are signed by, PEM; empty until the first is."""
    server_ca_key: str = ""
