"""The spec that describes the lab to the wizard: complete, and with nothing in it that only the lab would understand."""

from __future__ import annotations

from wizard.core.dataclass import dataclass
from wizard.lab import containers, keys, network
from wizard.lab.hosts import HOSTS, LabHost
from wizard.lab.store import Store

K3S_VERSION = "v1.36.4+k3s1"
"""The release the product pins (domain.md)."""

ETCD_VERSION = "3.6.14"
"""The etcd the product pins (domain.md)."""


@dataclass(frozen=True, slots=True)
class LabGuest:
    """One kind of guest; each hypervisor has one of it."""

    role: str
    first: int
    """Last number of the address of the first one."""
    memory: str
    data_disk: str = ""


GUESTS = (
    LabGuest("etcd", 31, "512M", "2G"),
    LabGuest("server", 41, "1G"),
    LabGuest("storage", 51, "1G", "2G"),
)
"""Small: all of them and the hosts share the memory of one machine."""

NODES = (
    GUESTS[0],
    LabGuest("server", 41, "2G"),
    GUESTS[2],
    LabGuest("worker", 61, "1G"),
)
"""The guests of a lab with Kubernetes: an API server with its controllers and its containers holds 0.7 GB."""


def options(store: Store) -> list[str]:
    """One `--host-key NAME=SHA256:...` per host, for those who do not want to confirm fingerprints by eye."""
    return [f"--host-key {host.name}={keys.host_key(store, host.name).fingerprint}" for host in HOSTS]


def spec(store: Store, *, kubernetes: bool | None = None) -> str:
    """The lab's `cluster.yaml`.

    Args:
        store: of a lab that was up at least once (the subnet and the keys are chosen).
        kubernetes: whether the guests are to become a cluster; None = as `wizard lab up` was told.
    """
    wanted = store.kubernetes if kubernetes is None else kubernetes
    net = network.Net(store.subnet)
    lines = [
        "# The lab: three hosts in containers on this machine. Written by `wizard lab spec`.",
        f"# Lab directory: {store.root}",
        "# The hosts' keys; give these options to trust them without being asked, or confirm the fingerprints:",
        *(f"#   {option}" for option in options(store)),
        f"# Plain ssh: ssh -o UserKnownHostsFile={store.path(keys.KNOWN_HOSTS)} \\",
        f"#   -i {store.path(keys.USER_KEY)} USER@ADDRESS",
        "schema: 1",
        "name: lab",
        f"ssh: {{user: root, key: {store.path(keys.USER_KEY)}}}",
        "network:",
        f"  cidr: {net}",
        f"  gateway: {net[1]}",
        "  domain: lab.home.arpa",
        f"  dhcp: {net[100]}-{net[149]}",
        f"  api_vip: {net[20]}",
        f"  load_balancer: {net[200]}-{net[219]}",
        f"  upstream_dns: [{net[1]}]",
        "  pod_cidr: 10.42.0.0/16",
        "  service_cidr: 10.43.0.0/16",
        "hosts:",
        *(line for host in HOSTS for line in _host(store, host)),
        "machines:",
        *(line for guest in (NODES if wanted else GUESTS) for line in _guests(net, guest)),
        "storage: {kind: existing, class: lab}",
        "k3s: {version: " + K3S_VERSION + ("}" if wanted else ", enabled: false}"),
        f'etcd: {{version: "{ETCD_VERSION}"}}',
        "dns: {kind: coredns}",
        "artifacts:   # what cannot be downloaded was built for the lab",
        "  accept_built: true",
        *([f"  dir: {store.artifacts}"] if store.artifacts else []),
        "apps: {}",
    ]
    return "\n".join(lines) + "\n"


def _guests(net: network.Net, guest: LabGuest) -> list[str]:
    """Its entries: one on each hypervisor, named after the hypervisor's letter."""
    data = f", data_disk: {guest.data_disk}" if guest.data_disk else ""
    hypervisors = [host.name for host in HOSTS if host.role == "hypervisor"]
    return [
        f"  - {{name: {guest.role}-{name[-1]}, host: {name}, role: {guest.role}, "
        f"address: {net[guest.first + index]}, cpus: 1, memory: {guest.memory}, disk: 4G{data}}}"
        for index, name in enumerate(hypervisors)
    ]


def _host(store: Store, host: LabHost) -> list[str]:
    lines = [
        f"  - name: {host.name}",
        f"    role: {host.role}",
        f"    address: {containers.address(store, host)}",
        f"    platform: {host.platform}",
    ]
    if host.user != "root":
        lines.append(f"    user: {host.user}")
    return [*lines, *(f"    {extra}" for extra in host.extra)]
