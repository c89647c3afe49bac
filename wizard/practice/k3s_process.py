"""K3s as a process on simulated hosts: why it does not start, who joins, which nodes there are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache, partial

from wizard.core.dataclass import dataclass
from wizard.payload.k3s_config import API_PORT, CONFIG
from wizard.payload.k3s_unit import BINARY, Role, unit_path
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.etcd_process import client_accepted, member_of, settle
from wizard.practice.k3s_certificates import DATA, certify_node, certify_server
from wizard.practice.k3s_state import K3sProcess, Kubernetes, Node
from wizard.practice.keepalived_process import settle_address
from wizard.practice.kube_admin import kubeconfig
from wizard.practice.machine import File, Machine
from wizard.practice.occupants import holds
from wizard.practice.world import World

__all__ = [
    "BINARY",
    "CONFIG",
    "K3sProcess",
    "Kubernetes",
    "Node",
    "api_up",
    "cluster_of",
    "nodes",
    "settle_k3s",
]

UNITS = {"server": unit_path("server"), "agent": unit_path("agent")}
PASSWORD = "/etc/rancher/node/password"  # noqa: S105 - a path
KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
EMBEDDED = "/var/lib/rancher/k3s/server/db/etcd"
KUBELET_PORT = 10250

ROLES: tuple[Role, ...] = ("server", "agent")

HEAD = 120
"""Bytes of the program that say which one it is."""

_FATAL = "Error: starting kubernetes: preparing server: "
_WAITING = "Waiting to retrieve agent configuration; server is not ready: "
_REJECTED = (
    f"Node password rejected, duplicate hostname or contents of '{PASSWORD}' may not match server node-passwd entry, "
    "try enabling a unique node name with the --with-node-id flag"
)


@dataclass(frozen=True, slots=True)
class Config:
    """What a node was told."""

    name: str
    address: str
    server: str = ""
    """URL that an agent asks first."""
    endpoints: tuple[str, ...] = ()
    """Client URLs of etcd, in the order a server tries them."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Paths by key: `token-file`, `datastore-keyfile` ..."""
    labels: tuple[str, ...] = ()
    taints: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """That a server's certificate bears besides its own."""


@lru_cache(maxsize=256)
def read_config(text: str) -> Config | None:
    """A config.yaml; None where it is none.

    Args:
        text: of the file.
    """
    import yaml

    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
        return Config(
            found["node-name"],
            str(found["node-ip"]),
            found.get("server", ""),
            tuple(part for part in found.get("datastore-endpoint", "").split(",") if part),
            {key: value for key, value in found.items() if key.endswith("file")},
            tuple(found.get("node-label", ())),
            tuple(found.get("node-taint", ())),
            tuple(found.get("tls-san", ())),
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return None


def version_of(machine: Machine) -> str:
    """Of the program that lies there; empty = there is none that could be started."""
    found = machine.files.get(BINARY)
    words = re.search(rb"practice artifact k3s (\S+) (\S+)\n", found.content[:HEAD]) if found else None
    return words[1].decode() if words else ""


# --- what others ask


def api_up(world: World, server: Machine) -> bool:
    """Whether the API of a server answers, which takes a quorum of etcd.

    Args:
        world: it stands in.
        server: any machine.
    """
    settle_k3s(world)
    return _serves(world, server)


def nodes(world: World) -> tuple[Node, ...]:
    """The nodes as the API has them; none where no server answers."""
    settle_k3s(world)
    server = next((one for one in world.machines.values() if _serves(world, one)), None)
    found = cluster_of(world, server) if server else None
    return tuple(found.nodes.values()) if found else ()


def cluster_of(world: World, server: Machine) -> Kubernetes | None:
    """What a server that runs finds in its etcd; None where it finds nothing."""
    found, _ = _datastore(world, server, read_config(server.k3s.config))
    return found.kubernetes if found else None


def has_data(machine: Machine, *roles: Role) -> bool:
    """Whether K3s has left there, or was given, a folder of data.

    Args:
        machine: any.
        roles: as any of these.
    """
    folders = tuple(f"{DATA}/{role}/" for role in roles)
    return any(path.startswith(folders) for path in machine.files)


def process_runs(machine: Machine) -> bool:
    """Whether there is a process of K3s: it was started, and nothing ended it."""
    unit = machine.k3s
    return machine.alive and unit.wanted and bool(unit.config)


def _serves(world: World, machine: Machine) -> bool:
    unit = machine.k3s
    return (
        unit.role == "server"
        and process_runs(machine)
        and unit.ready
        and cluster_of(world, machine) is not None
    )


# --- starting


def settle_k3s(world: World) -> None:
    """Bring etcd, then every server, then every agent as far as it gets."""
    settle(world)
    servers = [one for one in world.machines.values() if one.k3s.role == "server"]
    others = [one for one in world.machines.values() if one.k3s.role != "server"]
    for machine in servers:
        _advance(world, machine)
    # An agent may ask for the servers at an address that moves between them.
    settle_address(world, partial(_serves, world))
    for machine in others:
        _advance(world, machine)
    for machine in (*servers, *others):
        _tell_ready(world, machine)


def _advance(world: World, machine: Machine) -> None:
    unit = machine.k3s
    if not machine.alive or not unit.wanted:
        unit.ready, unit.config, unit.version = False, "", ""
        return
    if unit.ready:
        return
    unit.said = unit.broken or _obstacle(machine)
    if unit.said:
        unit.config = ""
        return
    text = unit.config or machine.files[CONFIG].content.decode()
    config = read_config(text)
    assert config is not None, "a config.yaml that cannot be read is an obstacle"
    if not unit.config:
        unit.token = _secret(machine, config, "token-file")
    begin = _serve if unit.role == "server" else _join
    unit.said = begin(world, machine, config)
    unit.ready = not unit.said
    # An agent goes on asking; a server that gives up is started anew, with what its file has by then.
    alive = unit.ready or unit.role == "agent"
    unit.config, unit.version = (text, version_of(machine)) if alive else ("", "")


def _obstacle(machine: Machine) -> str:
    """Why systemd or K3s itself gives up at once; empty where nothing is in the way."""
    unit = UNITS.get(machine.k3s.role, "")
    if unit not in machine.files:
        return f"Unit {unit.rpartition('/')[2]} not found."
    if not version_of(machine):
        return "Failed to locate executable /usr/local/bin/k3s: No such file or directory"
    config = read_config(machine.files[CONFIG].content.decode()) if CONFIG in machine.files else None
    if config is None:
        return "Error: --datastore-endpoint and --token are not set"
    for path in config.files.values():
        if path not in machine.files:
            return f"Error: open {path}: no such file or directory"
    if machine.is_full(f"{EMBEDDED}/x"):
        return "Error: write /var/lib/rancher/k3s/data/.lock: no space left on device"
    return _port(machine)


def _port(machine: Machine) -> str:
    wanted = (API_PORT, KUBELET_PORT) if machine.k3s.role == "server" else (KUBELET_PORT,)
    taken = next((port for port in wanted if holds(machine, port)), None)
    return f"Error: listen tcp :{taken}: bind: address already in use" if taken else ""


def _serve(world: World, machine: Machine, config: Config) -> str:
    """Find the cluster in etcd, or begin one there; returns why that does not go."""
    if any(path.startswith(f"{EMBEDDED}/") for path in machine.files):
        return f"{_FATAL}failed to start managed database: {EMBEDDED} is not empty"
    etcd, why = _datastore(world, machine, config)
    if etcd is None:
        return f"{_FATAL}{why}"
    token, agents = machine.k3s.token, _secret(machine, config, "agent-token-file")
    if etcd.kubernetes is None:
        seed = f"{world.seed} {etcd.id} {token}"
        authority = hashlib.sha256(seed.encode()).hexdigest()
        etcd.kubernetes = Kubernetes(token, agents or token, authority)
        etcd.revision += 1
    known = etcd.kubernetes
    if known.token != token:
        return f"{_FATAL}bootstrap data already found and encrypted with different token"
    certify_server(known, machine, config.names)
    why = _register(known, machine, config)
    if not why:
        machine.files[KUBECONFIG] = File(kubeconfig(known.authority).encode(), 0o600)
    return why


def _join(world: World, machine: Machine, config: Config) -> str:
    address = config.server.removeprefix("https://").rpartition(":")[0]
    server = world.at(address)
    known = cluster_of(world, server) if server and _serves(world, server) else None
    if known is None:
        refused = f'Get "{config.server}/cacerts": dial tcp {address}:{API_PORT}: connect: connection refused'
        return f"{_WAITING}failed to get CA certs: {refused}"
    if machine.k3s.token not in (known.token, known.agent_token):
        what = f"{config.server}/v1-k3s/config: 401 Unauthorized"
        return f"{_WAITING}failed to retrieve configuration from server: {what}"
    why = _register(known, machine, config)
    return f"{_WAITING}{why}" if why else ""


def _register(known: Kubernetes, machine: Machine, config: Config) -> str:
    """Become a node; labels and taints of the configuration count only the first time."""
    shown = _password(machine)
    there = known.nodes.get(config.name)
    if there is not None and there.password not in ("", shown):
        return _REJECTED
    if there is None:
        labels = dict(label.split("=", 1) for label in config.labels)
        labels["kubernetes.io/hostname"] = config.name
        if machine.k3s.role == "server":
            labels["node-role.kubernetes.io/control-plane"] = "true"
        there = Node(config.name, config.address, machine.k3s.role, "", labels, config.taints, shown)
        known.nodes[config.name] = there
    certify_node(known, machine)
    there.address, there.role, there.version = config.address, machine.k3s.role, version_of(machine)
    there.password = shown
    return ""


def _password(machine: Machine) -> str:
    """Of the node: made at its first start, and gone with its system disk."""
    if PASSWORD not in machine.files:
        made = hashlib.sha256(f"{machine.name} {machine.disks[0]}".encode()).hexdigest()[:32]
        machine.files[PASSWORD] = File(f"{made}\n".encode(), 0o600)
    return machine.files[PASSWORD].content.decode().strip()


def _tell_ready(world: World, machine: Machine) -> None:
    """What a node's kubelet tells the API; of those that are silent the API knows it."""
    for cluster in world.clusters.values():
        known = cluster.kubernetes
        node = known.nodes.get(machine.name) if known else None
        if node is not None:
            node.ready = machine.k3s.ready and process_runs(machine)


# --- the datastore


def _datastore(world: World, machine: Machine, config: Config | None) -> tuple[EtcdCluster | None, str]:
    """The cluster behind the first endpoint that takes this server's certificate, or why there is none."""
    why = "context deadline exceeded"
    for url in config.endpoints if config else ():
        address = url.removeprefix("https://").rpartition(":")[0]
        member = machine if address == "127.0.0.1" else world.at(address)
        found = member_of(world, member) if member and member.etcd.ready else None
        if member is None or found is None:
            continue
        assert config is not None, "it has endpoints"
        paths = tuple(config.files.get(f"datastore-{one}", "") for one in ("cafile", "certfile", "keyfile"))
        refused = client_accepted(machine, member, address=address, paths=(paths[0], paths[1], paths[2]))
        cluster = found[0]
        if refused:
            why = refused
        elif cluster.leader and found[1].id in cluster.running:
            return cluster, ""
    return None, why


def _secret(machine: Machine, config: Config, key: str) -> str:
    found = machine.files.get(config.files.get(key, ""))
    return found.content.decode().strip() if found else ""
