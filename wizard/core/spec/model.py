"""What the user wants, as frozen data (design section 7a). No secrets are in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Literal

from wizard.core.dataclass import dataclass

Role = Literal["hypervisor", "witness"]
Platform = Literal["unraid", "libvirt", "pi"]
Guests = Literal["auto", "kvm", "qemu", "lxc"]
MachineRole = Literal["etcd", "server", "storage", "worker"]
ProblemLevel = Literal["error", "warning"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or not as it should be, in a spec."""

    path: str
    """The key it is about, as `hosts[0].address`; empty for the file as a whole."""
    text: str
    """What is wrong and why, one sentence."""
    hint: str
    """What to write instead."""
    line: int | None = None
    """Line in the file, counted from 1; None where there is no file."""
    level: ProblemLevel = "error"


@dataclass(frozen=True, slots=True)
class SshSpec:
    """How we log in where neither the host nor `~/.ssh/config` says otherwise."""

    user: str = "root"
    key: str = ""
    """Private key file on this machine, may begin with `~/`; empty = agent and `~/.ssh/config`."""


@dataclass(frozen=True, slots=True)
class AddressRange:
    """IPv4 addresses from `first` to `last`, both included."""

    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def __contains__(self, address: str) -> bool:
        from ipaddress import IPv4Address

        return IPv4Address(self.first) <= IPv4Address(address) <= IPv4Address(self.last)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """The LAN and the two networks inside the cluster."""

    cidr: str
    gateway: str
    domain: str
    dhcp: AddressRange
    """What the router hands out by itself: nothing of ours may lie in it."""
    api_vip: str
    """The address of the Kubernetes API that moves between the servers."""
    load_balancer: AddressRange
    """What MetalLB may give to services."""
    upstream_dns: tuple[str, ...]
    pod_cidr: str = "10.42.0.0/16"
    service_cidr: str = "10.43.0.0/16"
    vlan: int | None = None
    mtu: int | None = None
    """Bytes; None = what the bridge has."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A machine that is there already and that we can log in to."""

    name: str
    role: Role
    address: str
    platform: Platform | None = None
    """None = found out by looking."""
    guests: Guests = "auto"
    """How its guests are run."""
    user: str | None = None
    """Overrides `ssh.user`."""
    port: int | None = None
    """None = 22, or what ~/.ssh/config says."""
    key: str | None = None
    """Overrides `ssh.key`."""
    bridge: str | None = None
    """The bridge guests are put on; None = found out by looking."""
    vm_dir: str | None = None
    """Folder for the disks of its guests."""
    storage_disk: str | None = None
    """Block device given to the storage guest."""
    etcd_dir: str | None = None
    """Folder of etcd's data (witness) or of the etcd guest's disk (hypervisor)."""
    circuit: str | None = None
    """The power circuit it hangs on, by any name."""


@dataclass(frozen=True, slots=True)
class StorageSpec:
    """Where volumes live."""

    kind: Literal["longhorn", "existing", "none"] = "longhorn"
    replicas: int = 2
    storage_class: str | None = None
    """The key is `class`: a StorageClass that is already there."""
    backup_target: str | None = None
    """Where Longhorn sends volume backups, as a URL."""


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """A guest to be made on a hypervisor."""

    name: str
    host: str
    role: MachineRole
    address: str
    cpus: int
    memory: int
    """Bytes."""
    disk: int
    """Bytes."""
    data_disk: int | None = None
    """Bytes of a second disk."""
    mac: str | None = None
    """Lower case, with colons; None = derived from the cluster's identity."""


@dataclass(frozen=True, slots=True)
class K3sSpec:
    """Which K3s."""

    version: str
    enabled: bool = True
    """False: guests and etcd only, no Kubernetes on them."""


@dataclass(frozen=True, slots=True)
class EtcdSpec:
    """Which etcd, and its timers where they are not left to measurement."""

    version: str
    heartbeat_ms: int | None = None
    election_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DnsSpec:
    """The two name servers beside the cluster."""

    kind: Literal["pihole", "adguard", "coredns"]
    records: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Further names and their addresses."""


@dataclass(frozen=True, slots=True)
class AppSpec:
    """One app that is wanted and what was said about it."""

    name: str
    size: int | None = None
    """Bytes of its volume."""
    host: str | None = None
    """The name people reach it by."""
    address: str | None = None
    tls: Literal["own-ca", "none"] | None = None
    options: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """What was said about an app out of `apps_dir`."""


@dataclass(frozen=True, slots=True)
class WitnessSpec:
    """Overrides that concern the witness."""

    accept_slow: bool = False
    """Go on although its disk is too slow for etcd."""


@dataclass(frozen=True, slots=True)
class BackupSpec:
    """Snapshots of etcd, encrypted together with the token that reads them."""

    target: str
    """A folder on every hypervisor; what a member hands in lies in one of its own below it."""
    schedule: str
    """Five cron fields, or `@daily` and its like."""
    keep: int
    """How many are kept of each member."""


@dataclass(frozen=True, slots=True)
class ArtifactsSpec:
    """What may be installed."""

    accept_built: bool = False
    """Allow artifacts that were built instead of published."""
    dir: str | None = None
    """A folder of artifacts on this machine, used as if given with `--artifacts`; may begin with `~/`."""


@dataclass(frozen=True, slots=True)
class WaiverSpec:
    """A check that may fail for a while, and why."""

    check: str
    reason: str
    until: str
    """ISO date."""


@dataclass(frozen=True, slots=True)
class EtcdMember:
    """One voter: a guest on a hypervisor, or the witness itself."""

    name: str
    host: str
    """The machine it dies with."""
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """The whole of what is wanted."""

    name: str
    network: NetworkSpec
    hosts: tuple[HostSpec, ...]
    k3s: K3sSpec
    etcd: EtcdSpec
    dns: DnsSpec
    schema: int = 1
    ssh: SshSpec = SshSpec()
    storage: StorageSpec = StorageSpec()
    machines: tuple[MachineSpec, ...] = ()
    """Those of the section; where there is none, those that were proposed, once they are known."""
    propose: bool = False
    """There is no `machines` section: the wizard proposes them. A section that is empty asks for none."""
    apps: tuple[AppSpec, ...] = ()
    witness: WitnessSpec = WitnessSpec()
    backup: BackupSpec | None = None
    apps_dir: str | None = None
    artifacts: ArtifactsSpec = ArtifactsSpec()
    waivers: tuple[WaiverSpec, ...] = ()

    def host(self, name: str) -> HostSpec:
        """The host of that name.

        Raises:
            KeyError: there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def machine(self, name: str) -> MachineSpec:
        """The machine of that name.

        Raises:
            KeyError: there is none.
        """
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise KeyError(name)

    def app(self, name: str) -> AppSpec | None:
        """What was said about an app; None = it is not wanted."""
        return next((app for app in self.apps if app.name == name), None)

    @property
    def hypervisors(self) -> tuple[HostSpec, ...]:
        """The hosts that carry guests."""
        return tuple(host for host in self.hosts if host.role == "hypervisor")

    @property
    def witnesses(self) -> tuple[HostSpec, ...]:
        """The hosts that are only there to vote; a sound spec has one."""
        return tuple(host for host in self.hosts if host.role == "witness")

    def waiver(self, check: str, today: str) -> WaiverSpec | None:
        """The waiver that holds for a check; None = there is none, or it has run out.

        Args:
            check: the id.
            today: as `2026-11-22`.
        """
        return next((one for one in self.waivers if one.check == check and one.until >= today), None)

    def nodes(self) -> tuple[MachineSpec, ...]:
        """The guests that are nodes of Kubernetes; none where it is not wanted, or nobody would serve it."""
        found = tuple(machine for machine in self.machines if machine.role != "etcd")
        served = any(machine.role == "server" for machine in found)
        return found if self.k3s.enabled and served else ()

    def servers(self) -> tuple[MachineSpec, ...]:
        """The nodes that carry the control plane; the first one begins the cluster."""
        return tuple(machine for machine in self.nodes() if machine.role == "server")

    def etcd_members(self) -> tuple[EtcdMember, ...]:
        """Every etcd voter the spec names: guests with the role etcd, and the witness."""
        guests = [EtcdMember(m.name, m.host, m.address) for m in self.machines if m.role == "etcd"]
        return (*guests, *(EtcdMember(h.name, h.name, h.address) for h in self.witnesses))

    def problems(self) -> tuple[Problem, ...]:
        """What does not fit together, though each value is well formed; without lines."""
        from wizard.core.spec.rules import all_problems

        return all_problems(self)

    def flatten(self) -> dict[str, str]:
        """Every value by its path (`hosts.tower-a.address`), for the state's `answers`; unset ones are left out."""
        from wizard.core.spec.flat import flatten

        return flatten(self)
