"""Seven hosts of the lab's Pi image on the lab's own network, beside the standing ones, gone after the benchmarks.

They have Python, so that every rival can do its whole work on them, and nobody else uses them meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.conftest import Lab
from wizard.lab import containers, images, keys, machine, network
from wizard.lab.docker import docker, names, try_docker
from wizard.lab.hosts import LabHost
from wizard.lab.store import Store

COUNT = 7
FIRST_ADDRESS = 31
USER = "pi"


@dataclass(frozen=True, slots=True)
class Farm:
    """The hosts that are up for the benchmarks."""

    store: Store
    hosts: tuple[LabHost, ...]

    @property
    def key(self) -> Path:
        return self.store.path(keys.USER_KEY)

    def address(self, host: LabHost) -> str:
        return containers.address(self.store, host)

    def logins(self, count: int = COUNT) -> list[str]:
        """`user@address` of the first so many."""
        return [f"{host.user}@{self.address(host)}" for host in self.hosts[:count]]

    def known_hosts(self) -> str:
        return "".join(
            f"{self.address(host)} {keys.host_key(self.store, host.name).public}\n" for host in self.hosts
        )

    def spec(self, count: int = COUNT) -> str:
        """A spec of the first so many: all hypervisors but the last, which is the witness. Good for facts."""
        net = network.Net(self.store.subnet)
        chosen = self.hosts[:count]
        lines = [_host_line(host, self.address(host), last=host is chosen[-1]) for host in chosen]
        return _SPEC.format(key=self.key, net=net, gateway=net[1], vip=net[20], hosts="\n".join(lines)) + (
            f"network: {{cidr: {net}, gateway: {net[1]}, domain: lab.home.arpa, dhcp: {net[100]}-{net[149]}, "
            f"api_vip: {net[20]}, load_balancer: {net[200]}-{net[219]}, upstream_dns: [{net[1]}], "
            "pod_cidr: 10.42.0.0/16, service_cidr: 10.43.0.0/16}\n"
        )

    def forget_markers(self) -> None:
        """Make the hosts as new to the wizard as at first."""
        for host in self.hosts:
            containers.execute(self.store, host, "rm", "-rf", "/var/lib/wizard", "/run/wizard")


_SPEC = """\
schema: 1
name: bench
ssh: {{user: pi, key: {key}}}
hosts:
{hosts}
storage: {{kind: existing, class: lab}}
k3s: {{version: v1.36.4+k3s1}}
etcd: {{version: "3.6.14"}}
dns: {{kind: coredns}}
apps: {{}}
"""


def _host_line(host: LabHost, address: str, *, last: bool) -> str:
    role = "witness" if last else "hypervisor"
    return f"  - {{name: {host.name}, role: {role}, address: {address}}}"


@contextmanager
def farm(lab: Lab) -> Iterator[Farm]:
    """Start the hosts, and take them away whatever happens."""
    store = lab.store
    hosts = tuple(_host(number) for number in range(1, COUNT + 1))
    _remove(store, hosts)
    allowed = machine.detect(store, images.tag("pi"))
    try:
        with ThreadPoolExecutor(COUNT) as pool:
            list(pool.map(lambda host: _up(store, host, allowed), hosts))
        yield Farm(store, hosts)
    finally:
        _remove(store, hosts)


def _host(number: int) -> LabHost:
    return LabHost(
        f"bench-{number}", "hypervisor", "pi", FIRST_ADDRESS + number - 1, USER, "pi",
        ("/var/lib/lab-disks",), disks="pi",
    )  # fmt: skip


def _up(store: Store, host: LabHost, allowed: machine.Allowed) -> None:
    containers.create(store, host, allowed)
    containers.start(store, host)
    containers.wait_ready(store, host)


def _remove(store: Store, hosts: Sequence[LabHost]) -> None:
    there = set(names("container", store.id))
    for host in hosts:
        name = containers.container(store, host.name)
        if name in there:
            docker("rm", "-f", "-v", name)
        for path in host.volumes:
            try_docker("volume", "rm", "-f", containers.volume(store, host, path))
        for suffix in ("", ".pub"):
            store.path(f"host_{host.name}{suffix}").unlink(missing_ok=True)
