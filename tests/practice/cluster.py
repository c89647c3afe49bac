"""A homelab with guests and etcd over several runs of the wizard: the real steps, nothing of hardware."""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from steps import STEPS
from steps.parse.facts import read_facts
from tests.specs import spec_text
from wizard.core.check import Finding, Status
from wizard.core.engine.control import Control
from wizard.core.events import Event
from wizard.core.measurements import MemoryMeasurements
from wizard.core.secrets import MemorySecrets, SecretKeeper
from wizard.core.session import Session
from wizard.core.spec import ClusterSpec, parse_spec
from wizard.core.state import RunState, new_state
from wizard.core.step import Step
from wizard.practice.artifacts import PracticeArtifacts
from wizard.practice.boot import stop
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.etcd_process import settle
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHosts
from wizard.practice.k3s_process import settle_k3s
from wizard.practice.kube_api import PracticeApi
from wizard.practice.machine import Machine
from wizard.practice.world import World, homelab

NET = "10.213.99"
MEMBERS = ("etcd-a", "etcd-b", "pi")
SERVERS = ("server-a", "server-b")
GUESTS = ("etcd-a", "etcd-b", *SERVERS)
ETCD_DIR = "/mnt/usb/etcd"
VM_DIRS = {"tower-a": "/mnt/vm/domains", "tower-b": "/mnt/cache/domains"}

MACHINES = f"""
machines:
  - {{name: etcd-a, host: tower-a, role: etcd, address: {NET}.31, cpus: 1, memory: 1GiB, disk: 8GiB, data_disk: 2GiB}}
  - {{name: etcd-b, host: tower-b, role: etcd, address: {NET}.32, cpus: 1, memory: 1GiB, disk: 8GiB, data_disk: 2GiB}}
  - {{name: server-a, host: tower-a, role: server, address: {NET}.41, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: server-b, host: tower-b, role: server, address: {NET}.42, cpus: 1, memory: 2GiB, disk: 8GiB}}
artifacts: {{accept_built: true}}
"""


def cluster_text(key: Path, *, guests: str = "qemu", machines: str = MACHINES) -> str:
    """The spec as a person would have written it.

    Args:
        key: to log in with.
        guests: how they are run.
        machines: which; a text without any leaves them to the wizard.
    """
    text = spec_text(f"ssh: {{user: root, key: {key}}}{machines}", proposed="machines:" not in machines)
    text = text.replace("role: hypervisor,", f"role: hypervisor, guests: {guests},")
    for host, folder in VM_DIRS.items():
        text = text.replace(
            f"name: {host}, role: hypervisor,", f"name: {host}, role: hypervisor, vm_dir: {folder},"
        )
    return text.replace("role: witness,", f"role: witness, etcd_dir: {ETCD_DIR},")


class Hasty(threading.Event):
    """Time goes by at a thousandth of its length."""

    def wait(self, timeout: float | None = None) -> bool:
        """As `Event.wait`, sooner."""
        time.sleep(min(0.002, (timeout or 0) / 1000))
        return self.is_set()


@dataclass(slots=True)
class Cluster:
    """The homelab, and what the wizard keeps between two runs."""

    spec: ClusterSpec
    folder: Path
    machines: dict[str, Machine]
    hosts: PracticeHosts
    states: list[RunState] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    secrets: SecretKeeper = field(default_factory=MemorySecrets)
    measurements: MemoryMeasurements = field(default_factory=MemoryMeasurements)
    fail_at: int = -1
    """Number of the save at which `error` is raised."""
    error: BaseException | None = None
    letting_go: Hasty = field(default_factory=Hasty)
    """Of the session made last: set when it is killed, since no thread outlives its process."""

    @classmethod
    def fresh(cls, folder: Path, *, guests: str = "qemu", machines: str = MACHINES) -> Cluster:
        """Hosts nobody has touched."""
        key = folder / "key"
        key.write_text("not a real key")
        key.chmod(0o600)
        spec = parsed(cluster_text(key, guests=guests, machines=machines))
        world = homelab(spec)
        return cls(spec, folder, world, PracticeHosts(world, Faults()))

    @property
    def world(self) -> World:
        """What the machines make up together."""
        world = next(iter(self.machines.values())).world
        assert world is not None
        return world

    def save(self, state: RunState) -> None:
        """Keep what the wizard remembers."""
        if self.error is not None and len(self.states) == self.fail_at:
            self.letting_go.set()
            raise self.error
        self.states.append(state)

    def session(self, spec: ClusterSpec | None = None, steps: Sequence[Step] = STEPS) -> Session:
        """The wizard, started anew.

        Args:
            spec: another one than last time.
            steps: others than those of the whole story.
        """
        self.letting_go = Hasty()
        return Session(
            spec=spec or self.spec,
            hosts=self.hosts,
            steps=steps,
            state=self.states[-1] if self.states else new_state(self.spec.name, "test"),
            saver=self,
            read_facts=read_facts,
            emit=self.events.append,
            control=Control(detach=self.letting_go),
            secrets=self.secrets,
            artifacts=PracticeArtifacts(self.folder),
            measurements=self.measurements,
            kubernetes=PracticeApi(self.world),
            pauses=(0.0, 0.0),
        )

    def clone(self) -> Cluster:
        """The same homelab once more, to be changed on its own."""
        world = self.world
        faults = Faults()
        copied = copy.deepcopy(world, {id(world.guard): threading.RLock(), id(world.dead): faults.dead})
        secrets = (
            MemorySecrets(dict(self.secrets.values))
            if isinstance(self.secrets, MemorySecrets)
            else self.secrets
        )
        hosts = PracticeHosts(copied.machines, faults)
        return Cluster(self.spec, self.folder, copied.machines, hosts, list(self.states), secrets=secrets)

    def restarted(self) -> None:
        """What a new process of the wizard finds: the links of the old one are gone."""
        self.hosts.faults.watch = None
        for machine in self.machines.values():
            machine.locked = False

    def power_cut(self, host: str) -> None:
        """A host loses its power and comes back, its guests with it: /run, where they say what they were asked, is empty.

        What they did until then they may be asked again under the same id; every script looks itself whether it is done.
        """
        machine = self.machines[host]
        for one in (machine, *(guest for _, guest in self.world.guests_of(machine))):
            one.ran.clear()
        self.world.restart(host)

    def lose_guest(self, name: str) -> None:
        """Somebody removes a guest with its disks."""
        host = self.machines[self.machines[name].carrier]
        stop(host, host.domains.pop(name), "destroyed")
        folder = f"{VM_DIRS[host.name]}/{name}/"
        for path in [path for path in host.files if path.startswith(folder)]:
            del host.files[path]

    # --- the world, looked at behind the wizard's back

    def etcd(self) -> EtcdCluster:
        """The one cluster that was formed."""
        settle(self.world)
        (formed,) = (one for one in self.world.clusters.values() if one.formed)
        return formed

    def twice(self) -> list[str]:
        """Operations that were carried out more than once since their machine was last without power."""
        done = Counter(run.op for machine in self.machines.values() for run in machine.ran)
        return [op for op, times in done.items() if times > 1]

    def picture(self) -> dict[str, object]:
        """Everything of the world that matters, see `picture_of`."""
        return picture_of(self.world)


def picture_of(world: World) -> dict[str, object]:
    """Everything of a world that matters, ids and keys that are made up anew each time aside.

    Args:
        world: as it is; its members of etcd and its nodes come as far as they get before it is looked at.
    """
    settle_k3s(world)
    formed = [one for one in world.clusters.values() if one.formed]
    return {
        "files": {
            name: {path: (file.mode, file.owner) for path, file in sorted(one.files.items()) if lasting(path)}
            for name, one in world.machines.items()
        },
        "guests": {
            name: sorted((one.name, one.state, one.autostart) for one in machine.domains.values())
            for name, machine in world.machines.items()
        },
        "packages": {
            name: {package: (one.version, one.state) for package, one in sorted(machine.packages.items())}
            for name, machine in world.machines.items()
        },
        "units": {
            name: (one.etcd.enabled, one.etcd.wanted, one.etcd.ready, one.etcd.said)
            for name, one in world.machines.items()
        },
        "k3s": {
            name: (
                one.k3s.role,
                one.k3s.enabled,
                one.k3s.wanted,
                one.k3s.ready,
                one.k3s.said,
                one.k3s.version,
            )
            for name, one in world.machines.items()
        },
        "nodes": {
            node.name: (node.role, node.address, node.version, node.labels, node.taints, node.ready)
            for cluster in formed
            if cluster.kubernetes
            for node in cluster.kubernetes.nodes.values()
        },
        "etcd": [
            (
                sorted((m.name, m.peer, m.client, m.learner) for m in one.members.values()),
                bool(one.leader),
                one.keys,
            )
            for one in formed
        ],
    }


def lasting(path: str) -> bool:
    """Whether a file is part of what a run is there to bring about, and not of how it went about it."""
    return not path.startswith("/run/") and not path.endswith(".part")


def parsed(text: str) -> ClusterSpec:
    """The spec of a text."""
    spec, problems = parse_spec(text, source="practice")
    assert spec is not None, problems
    return spec


def yes(*_: object) -> bool:
    """Approve whatever is planned."""
    return True


def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine uses is not ours."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def bad(findings: Iterable[Finding]) -> list[str]:
    """What failed, in words."""
    return [f"{item.check} {item.host}: {item.detail}" for item in findings if item.status is Status.FAIL]


def built(cluster: Cluster, spec: ClusterSpec | None = None, steps: Sequence[Step] = STEPS) -> Cluster:
    """A homelab after an apply that nobody disturbed; for fixtures of a module, which have no monkeypatch of their own.

    Args:
        cluster: as it is.
        spec: another one than its own.
        steps: others than those of the whole story.
    """
    with pytest.MonkeyPatch.context() as patch:
        without_proxy(patch)
        result = cluster.session(spec, steps).apply(yes)
    assert result.status == "done", [error.what for error in result.errors] + bad(result.findings)
    _give_the_first_server_the_address(cluster)
    return cluster


def _give_the_first_server_the_address(cluster: Cluster) -> None:
    """Whichever server is ready first has it, as in life; a test that names one must not depend on that."""
    sharing = [one for one in cluster.world.machines.values() if one.keepalived.state in ("MASTER", "BACKUP")]
    for one in sharing:
        one.keepalived.state = "MASTER" if one is sharing[0] else "BACKUP"
