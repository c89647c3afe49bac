"""What may live on a simulated host already: how it shows in the facts, and what it tells of itself.

The names are those of the lab's faults, and what is told is what the lab's hosts told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wizard.core.dataclass import dataclass
from wizard.practice.machine import Machine

Sections = dict[str, tuple[str, ...]]

ANYWHERE = "*"
"""An address: all of them."""

OWN = "{address}"
"""The host's own address, in whatever is told."""


@dataclass(frozen=True, slots=True)
class Occupant:
    """One thing that can live on a host."""

    kind: str
    """Its section in `read/present`."""
    told: tuple[str, ...]
    """The lines of that section."""
    flags: tuple[str, ...] = ()
    """What the facts say of its folders."""
    processes: tuple[str, ...] = ()
    """Those that the facts look for."""
    ports: tuple[tuple[str, str, int, str], ...] = ()
    """Protocol, address, port, process."""


OCCUPANTS: Mapping[str, Occupant] = {
    "microk8s-present": Occupant(
        "microk8s",
        (
            "package=snap",
            "revision=8148",
            "channel=1.32/stable",
            "version=v1.32.3",
            "data=/var/snap/microk8s",
            "bytes=3043328",
            "ha=no",
            "lock=ha-cluster",
            f"node={OWN}:19001",
            "volume=default-notes-pvc-2c1f0a6e",
        ),
        ("microk8s",),
        ("kubelite", "k8s-dqlite"),
        (
            ("tcp", ANYWHERE, 10250, "kubelite"),
            ("tcp", ANYWHERE, 16443, "kubelite"),
            ("tcp", ANYWHERE, 19001, "k8s-dqlite"),
            ("tcp", ANYWHERE, 25000, "cluster-agent"),
        ),
    ),
    "k3s-present": Occupant(
        "k3s",
        (
            "package=/usr/local/bin/k3s",
            "version=v1.31.4+k3s1",
            "role=server",
            "data=/var/lib/rancher/k3s",
            "bytes=187432960",
            "datastore=embedded etcd",
            "cluster-init=true",
            "node={name}",
        ),
        ("k3s",),
        ("k3s-server",),
        (
            ("tcp", ANYWHERE, 2379, "k3s-server"),
            ("tcp", ANYWHERE, 2380, "k3s-server"),
            ("tcp", ANYWHERE, 6443, "k3s-server"),
            ("tcp", ANYWHERE, 10250, "k3s-server"),
        ),
    ),
    "kubeadm-present": Occupant(
        "kubeadm",
        (
            "version=v1.31.4",
            "role=control-plane",
            f"server=https://{OWN}:6443",
            "data=/etc/kubernetes",
            "bytes=12288",
            "datastore=etcd of its own",
        ),
        ("kubeadm",),
        ("kubelet", "kube-apiserver"),
        (("tcp", ANYWHERE, 6443, "kube-apiserver"), ("tcp", ANYWHERE, 10250, "kubelet")),
    ),
    "swarm-present": Occupant(
        "swarm",
        (
            "version=26.1.5+dfsg1",
            "state=active",
            "role=manager",
            "node={name}",
            "data=/var/lib/docker/swarm",
            "bytes=128126976",
        ),
        ("swarm",),
        (),
        (
            ("tcp", ANYWHERE, 2377, "dockerd"),
            ("tcp", ANYWHERE, 7946, "dockerd"),
            ("udp", ANYWHERE, 7946, "dockerd"),
            ("udp", "0.0.0.0", 4789, ""),  # noqa: S104 - what others listen on, we open nothing
        ),
    ),
    "foreign-etcd": Occupant(
        "etcd",
        (
            "program=/run/lab/foreign-etcd/etcd",
            "unit=other-etcd.service",
            "version=3.6.14",
            "name=other",
            "data=/var/lib/other-etcd",
            "bytes=64061440",
        ),
        (),
        ("etcd",),
        (
            ("tcp", OWN, 2379, "etcd"),
            ("tcp", "127.0.0.1", 2379, "etcd"),
            ("tcp", OWN, 2380, "etcd"),
        ),
    ),
    "port-53-taken": Occupant(
        "dns",
        ("program=dnsmasq /usr/sbin/dnsmasq dnsmasq-base /run/lab/port-53/conf -",),
        (),
        ("dnsmasq",),
        (("tcp", OWN, 53, "dnsmasq"), ("udp", OWN, 53, "dnsmasq")),
    ),
}
"""By name."""


def occupants_of(machine: Machine) -> list[Occupant]:
    """What lives on a host that is not ours."""
    return [one for name, one in OCCUPANTS.items() if name in machine.occupants]


def holds(machine: Machine, port: int) -> bool:
    """Whether something that is not ours listens on a port of the host.

    Args:
        machine: the host.
        port: of TCP.
    """
    occupied = (number for one in occupants_of(machine) for _, _, number, _ in one.ports)
    return port in machine.listens or port in occupied


def with_occupants(machine: Machine, sections: Sections) -> Sections:
    """The facts of a host with all that lives on it.

    Args:
        machine: the host.
        sections: of its facts.
    """
    found = occupants_of(machine)
    added = {
        "host": [f"{flag}=1" for one in found for flag in one.flags],
        "services": [f"process {name}" for one in found for name in one.processes],
        "ports": [
            _listed(machine, port)
            for port in (*_listeners(machine), *(port for one in found for port in one.ports))
        ],
    }
    return {**sections, **{name: (*sections.get(name, ()), *rows) for name, rows in added.items() if rows}}


def _listeners(machine: Machine) -> Iterator[tuple[str, str, int, str]]:
    return (("tcp", ANYWHERE, number, process) for number, process in machine.listens.items())


def _listed(machine: Machine, port: tuple[str, str, int, str]) -> str:
    protocol, address, number, process = port
    state = "LISTEN" if protocol == "tcp" else "UNCONN"
    user = f' users:(("{process}",pid=741,fd=7))' if process else ""
    place = address.format(address=machine.address)
    return f"{protocol}   {state} 0      4096   {place}:{number}   *:*   {user}"
