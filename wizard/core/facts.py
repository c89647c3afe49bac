"""What is: one host as it was found, frozen and timed, never stored as truth.

Unknown is a value of its own: `None` for numbers and yes/no, `""` for text. A host that has no tool to ask
gives unknowns and a line in `notes`, never an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.facts_disks import Disk, Filesystem, Volume
from wizard.core.facts_network import Nic, Port, Route

__all__ = [
    "GIB",
    "Cgroups",
    "Clock",
    "Container",
    "Cpu",
    "Disk",
    "Docker",
    "Filesystem",
    "Firewall",
    "Guest",
    "HostFacts",
    "Libvirt",
    "Marker",
    "Memory",
    "Nic",
    "OsFacts",
    "Pi",
    "Pool",
    "Port",
    "Privileges",
    "Route",
    "Service",
    "Unraid",
    "Virtualisation",
    "Volume",
]

GIB = 1024**3
"""Bytes in a GiB, the unit in which sizes of memory and disks are shown."""


@dataclass(frozen=True, slots=True)
class OsFacts:
    """The operating system."""

    id: str = ""
    """`debian`, `raspbian`, `unraid` ..., as in os-release."""
    version: str = ""
    pretty: str = ""


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor."""

    model: str = ""
    cores: int | None = None
    """Physical cores; where the kernel does not tell, the same as `threads`."""
    threads: int | None = None
    extension: str = ""
    """Hardware virtualisation: `vmx` (Intel), `svm` (AMD), or none visible."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes."""

    total: int | None = None
    available: int | None = None
    swap_total: int | None = None
    swap_free: int | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A libvirt guest, ours or not."""

    name: str
    state: str = ""
    """As virsh says it (`running`, `shut off` ...); `defined` where libvirt was not asked and only its file read."""
    autostart: bool | None = None
    driver: str = ""
    """`qemu` or `lxc`."""
    owner: str = ""
    """Lineage of the cluster that made it, where its definition carries one."""


@dataclass(frozen=True, slots=True)
class Libvirt:
    """The hypervisor's guest manager."""

    installed: bool = False
    running: bool | None = None
    """Its daemon is a live process."""
    answers: bool | None = None
    """It answered when asked; unknown where it was not running, since asking would wake it."""
    wakes: bool = False
    """Its socket is there: it starts by itself when somebody connects."""
    version: str = ""
    drivers: tuple[str, ...] = ()
    """Drivers that answered."""
    guests: tuple[Guest, ...] = ()
    note: str = ""
    """What it said instead of an answer."""


@dataclass(frozen=True, slots=True)
class Container:
    """A docker container."""

    name: str
    image: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Docker:
    """Docker on the host."""

    installed: bool = False
    running: bool | None = None
    answers: bool | None = None
    version: str = ""
    containers: tuple[Container, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Virtualisation:
    """What the host runs in, and whether it can run guests at hardware speed."""

    inside: str = ""
    """`none` on bare metal, else `kvm`, `vmware`, `docker`, `lxc` ...; empty = unknown."""
    container: bool = False
    kvm: bool | None = None
    """`/dev/kvm` is there."""


@dataclass(frozen=True, slots=True)
class Cgroups:
    """Control groups."""

    version: int | None = None
    memory: bool | None = None
    """The memory controller is on (a Raspberry Pi has it off by default)."""


@dataclass(frozen=True, slots=True)
class Service:
    """A program we must know about because it is in the way or needed."""

    name: str
    installed: bool = False
    running: bool = False
    enabled: bool | None = None
    """Starts at boot; unknown where there is no systemd."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The host's clock against ours."""

    epoch: float | None = None
    """The host's clock when it was read, seconds."""
    offset: float | None = None
    """Host minus ours in seconds; positive = the host is ahead."""
    uncertainty: float | None = None
    """The true offset lies within offset +- uncertainty seconds."""
    synchronised: bool | None = None
    by: str = ""
    """Who keeps it: `chrony`, `systemd-timesyncd`, `ntpd`, or nobody."""


@dataclass(frozen=True, slots=True)
class Firewall:
    """Packet filters that may be in the way."""

    ufw: bool | None = None
    firewalld: bool | None = None
    drops_input: bool | None = None
    """A chain of nft on the input hook drops by default; unknown where it could not be asked."""


@dataclass(frozen=True, slots=True)
class Pi:
    """What only a Raspberry Pi has."""

    model: str
    throttled: int | None = None
    """The firmware's flags, as `vcgencmd get_throttled` prints them."""
    flags: tuple[str, ...] = ()
    """The flags in words."""

    @property
    def under_voltage(self) -> bool | None:
        """Now (bit 0) or since boot (bit 16)."""
        return None if self.throttled is None else bool(self.throttled & 0x10001)


@dataclass(frozen=True, slots=True)
class Pool:
    """An Unraid pool."""

    name: str
    fstype: str = ""
    size: int | None = None
    free: int | None = None
    mounted: bool = False


@dataclass(frozen=True, slots=True)
class Unraid:
    """What only Unraid has."""

    version: str = ""
    array_state: str = ""
    """`STARTED`, `STOPPED` ..., as Unraid's var.ini says it."""
    array_autostart: bool | None = None
    vm_service: bool | None = None
    """Enabled in /boot/config/domain.cfg."""
    libvirt_image_mounted: bool | None = None
    """Its libvirt.img is mounted on /etc/libvirt: without it guests cannot be defined."""
    docker_enabled: bool | None = None
    user_shares: bool | None = None
    pools: tuple[Pool, ...] = ()
    bridge: str = ""
    """BRNAME of domain.cfg."""


@dataclass(frozen=True, slots=True)
class Privileges:
    """Who we are on the host."""

    uid: int | None = None
    """While the script ran; 0 = root."""
    login: str = ""
    """Who logged in, where sudo was used."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The wizard's own mark on a host: which cluster, and how new a state it has seen."""

    name: str
    lineage: str
    serial: int


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host as it was at `taken_at`."""

    host: str
    """Its name in the spec."""
    taken_at: float = 0.0
    """Our clock when the answer came, seconds since the epoch."""
    seconds: float = 0.0
    """How long the host took to answer, the way there and back included."""
    hostname: str = ""
    machine_id: str = ""
    boot_id: str = ""
    kernel: str = ""
    arch: str = ""
    """`x86_64`, `aarch64` ..., of the kernel."""
    bits: int | None = None
    """32 or 64, of the programs: a 64-bit kernel may carry a 32-bit system."""
    page_size: int | None = None
    """Bytes."""
    uptime: float | None = None
    """Seconds."""
    platform: str = "linux"
    """`unraid`, `pi`, `libvirt` or `linux`, as found (the spec may ask for another)."""
    os: OsFacts = OsFacts()
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    virtualisation: Virtualisation = Virtualisation()
    libvirt: Libvirt = Libvirt()
    docker: Docker = Docker()
    cgroups: Cgroups = Cgroups()
    disks: tuple[Disk, ...] = ()
    root_device: str = ""
    """Name of the disk that carries `/`; empty = in memory (Unraid) or not to be told."""
    filesystems: tuple[Filesystem, ...] = ()
    nics: tuple[Nic, ...] = ()
    default_route: Route | None = None
    dns: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    services: tuple[Service, ...] = ()
    microk8s: bool = False
    """The MicroK8s snap is there, running or not."""
    traces: tuple[str, ...] = ()
    """Whose data lies in its usual place, running or not: `swarm`, `kubeadm`, `k3s`, `etcd`."""
    clock: Clock = Clock()
    firewall: Firewall = Firewall()
    tools: frozenset[str] = field(default_factory=frozenset)
    """Which of the programs we may need are on the PATH."""
    pi: Pi | None = None
    unraid: Unraid | None = None
    privileges: Privileges = Privileges()
    marker: Marker | None = None
    notes: tuple[str, ...] = ()
    """What could not be found out, and why."""

    def disk(self, name: str) -> Disk | None:
        """The disk with this kernel name (with or without `/dev/`)."""
        short = name.removeprefix("/dev/")
        return next((disk for disk in self.disks if disk.name == short), None)

    def filesystem(self, path: str) -> Filesystem | None:
        """The file system that carries `path`: the listed one with the longest mount point above it."""
        above = [
            fs for fs in self.filesystems if path == fs.mount or path.startswith(fs.mount.rstrip("/") + "/")
        ]
        return max(above, key=lambda fs: len(fs.mount), default=None)

    def disks_under(self, path: str) -> tuple[Disk, ...]:
        """The physical devices that carry `path`; empty = in memory, on the network, or not to be told."""
        found = self.filesystem(path)
        names = found.disks if found else ()
        return tuple(disk for disk in self.disks if disk.name in names)

    def nic(self, name: str) -> Nic | None:
        """The network interface of this name."""
        return next((nic for nic in self.nics if nic.name == name), None)

    @property
    def bridges(self) -> tuple[Nic, ...]:
        """The bridges, docker's own included."""
        return tuple(nic for nic in self.nics if nic.kind == "bridge")

    def service(self, name: str) -> Service:
        """A service by name; one that was never seen is neither installed nor running."""
        return next((service for service in self.services if service.name == name), Service(name))

    def listening(self, port: int, protocol: str = "tcp") -> Iterator[Port]:
        """Whatever listens on a port."""
        return (one for one in self.ports if one.port == port and one.protocol == protocol)
