"""Facts of healthy hosts for tests, to be changed in the one place a test is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wizard.core.context import Context, FactsCache
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import (
    GIB,
    Cgroups,
    Clock,
    Cpu,
    Disk,
    Docker,
    Filesystem,
    Firewall,
    HostFacts,
    Libvirt,
    Memory,
    Nic,
    OsFacts,
    Pi,
    Privileges,
    Route,
    Service,
    Unraid,
    Virtualisation,
    Volume,
)
from wizard.core.host import Args, Operation, OpStatus, ScriptResult
from wizard.core.spec.model import (
    AddressRange,
    ClusterSpec,
    DnsSpec,
    EtcdSpec,
    HostSpec,
    K3sSpec,
    NetworkSpec,
)
from wizard.core.state import RunState, new_state

TOOLS = frozenset(
    {"awk", "chmod", "chown", "curl", "docker", "flock", "ip", "lsblk", "mktemp", "mv", "qemu-img"}
) | {"sed", "setsid", "sha256sum", "ss", "stat", "timeout", "virsh"}

Answer = HostFacts | HostError | RemoteError


def facts(**changes: Any) -> HostFacts:  # noqa: ANN401 - fields of many types
    """A healthy Debian hypervisor called `tower-a`; every field can be given another value."""
    return replace(_HYPERVISOR, **changes)


def unraid_facts(**changes: Any) -> HostFacts:  # noqa: ANN401
    """A healthy Unraid hypervisor called `tower-b`."""
    return replace(_UNRAID, **changes)


def pi_facts(**changes: Any) -> HostFacts:  # noqa: ANN401
    """A healthy Raspberry Pi called `pi`, booted from SD, with an SSD on USB."""
    return replace(_PI, **changes)


_SYSTEM_DISK = Disk(
    "sda",
    "Samsung SSD 870 EVO 500GB",
    "S62ANJ0R123456",
    500107862016,
    rotational=False,
    transport="sata",
    removable=False,
    read_only=False,
    volumes=(
        Volume("sda1", "part", 536870912, "vfat", uuid="3F2A-11C0", mounts=("/boot/efi",)),
        Volume("sda2", "part", 499569852416, "ext4", uuid="0d4b1c8a-root", mounts=("/",)),
    ),
)
_DATA_DISK = Disk(
    "nvme0n1",
    "WD Red SN700 1000GB",
    "22301L800123",
    1000204886016,
    rotational=False,
    transport="nvme",
    removable=False,
    read_only=False,
)
_HYPERVISOR = HostFacts(
    host="tower-a",
    taken_at=1_800_000_000.0,
    seconds=0.08,
    hostname="tower-a",
    machine_id="a" * 32,
    boot_id="boot-a",
    kernel="6.12.107+deb13-amd64",
    arch="x86_64",
    bits=64,
    page_size=4096,
    uptime=86_400.0,
    platform="libvirt",
    os=OsFacts("debian", "13", "Debian GNU/Linux 13 (trixie)"),
    cpu=Cpu("Intel(R) Core(TM) i5-12400", 6, 12, "vmx"),
    memory=Memory(32 * GIB, 28 * GIB, 0, 0),
    virtualisation=Virtualisation("none", kvm=True),
    libvirt=Libvirt(True, True, True, True, "11.3.0", ("qemu",)),
    docker=Docker(True, True, True, "26.1.5"),
    cgroups=Cgroups(2, True),
    disks=(_SYSTEM_DISK, _DATA_DISK),
    root_device="sda",
    filesystems=(
        Filesystem(
            "/",
            "/dev/sda2",
            "ext4",
            size=490 * 10**9,
            free=400 * 10**9,
            inodes=30_000_000,
            inodes_free=29_000_000,
            disks=("sda",),
        ),
    ),
    nics=(
        Nic("br0", "bridge", "52:54:00:00:00:01", ("10.0.0.11/24",), None, "up", 1500),
        Nic("eno1", "ethernet", "52:54:00:00:00:01", (), 1000, "up", 1500, "br0"),
        Nic("lo", "loopback", "00:00:00:00:00:00", ("127.0.0.1/8",), None, "unknown", 65536),
    ),
    default_route=Route("10.0.0.1", "br0"),
    dns=("10.0.0.1",),
    services=(
        Service("docker", installed=True, running=True, enabled=True),
        Service("libvirtd", installed=True, running=True, enabled=True),
    ),
    clock=Clock(1_800_000_000.0, 0.01, 0.02, True, "chrony"),
    firewall=Firewall(False, False, False),
    tools=TOOLS,
    privileges=Privileges(0, "root"),
)

_UNRAID = replace(
    _HYPERVISOR,
    host="tower-b",
    hostname="tower-b",
    machine_id="b" * 32,
    boot_id="boot-b",
    platform="unraid",
    os=OsFacts("unraid", "7.3.2", "Unraid 7.3.2"),
    cpu=Cpu("AMD Ryzen 5 5600G", 6, 12, "svm"),
    root_device="",
    filesystems=(
        Filesystem("/", "rootfs", "rootfs", size=16 * GIB, free=15 * GIB),
        Filesystem("/boot", "/dev/sdz1", "vfat", size=15 * 10**9, free=14 * 10**9),
        Filesystem("/mnt/cache", "/dev/nvme0n1p1", "btrfs", size=10**12, free=8 * 10**11),
    ),
    clock=Clock(1_800_000_000.0, 0.02, 0.02, True, "ntpd"),
    unraid=Unraid("7.3.2", "STARTED", True, True, True, True, True, (), "br0"),
)

_PI = replace(
    _HYPERVISOR,
    host="pi",
    hostname="pi",
    machine_id="c" * 32,
    boot_id="boot-c",
    kernel="6.12.34+rpt-rpi-v8",
    arch="aarch64",
    platform="pi",
    os=OsFacts("debian", "13", "Debian GNU/Linux 13 (trixie)"),
    cpu=Cpu("Cortex-A72", 4, 4),
    memory=Memory(4 * GIB, 3 * GIB, 0, 0),
    virtualisation=Virtualisation("none", kvm=False),
    libvirt=Libvirt(),
    docker=Docker(),
    disks=(
        Disk("mmcblk0", "SD64G", "0x1a2b3c4d", 63864569856, False, "mmc", is_sd=True),
        Disk("sda", "SSD 870 QVO", "S5RRNF0T7", 10**12, False, "usb"),
    ),
    root_device="mmcblk0",
    nics=(Nic("eth0", "ethernet", "dc:a6:32:00:00:01", ("10.0.0.13/24",), 1000, "up", 1500),),
    default_route=Route("10.0.0.1", "eth0"),
    services=(Service("systemd-timesyncd", installed=True, running=True, enabled=True),),
    clock=Clock(1_800_000_000.0, -0.01, 0.03, True, "systemd-timesyncd"),
    pi=Pi("Raspberry Pi 4 Model B Rev 1.4", 0),
)

HOSTS = (
    HostSpec("tower-a", "hypervisor", "10.0.0.11", platform="libvirt"),
    HostSpec("tower-b", "hypervisor", "10.0.0.12", platform="unraid"),
    HostSpec("pi", "witness", "10.0.0.13", platform="pi", user="pi"),
)


def spec(hosts: tuple[HostSpec, ...] = HOSTS) -> ClusterSpec:
    """A spec of these hosts and little else."""
    network = NetworkSpec(
        cidr="10.0.0.0/24",
        gateway="10.0.0.1",
        domain="home.arpa",
        dhcp=AddressRange("10.0.0.100", "10.0.0.199"),
        api_vip="10.0.0.10",
        load_balancer=AddressRange("10.0.0.240", "10.0.0.250"),
        upstream_dns=("9.9.9.9",),
    )
    return ClusterSpec(
        name="home",
        network=network,
        hosts=hosts,
        k3s=K3sSpec("v1.36.4+k3s1"),
        etcd=EtcdSpec("3.6.14"),
        dns=DnsSpec("coredns"),
        propose=True,
    )


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A host whose facts are already there; whoever asks it anything else has found a defect."""

    name: str
    address: str

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        raise AssertionError(f"{script} on {self.name}: only its facts are known")

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.ABSENT)


def context(*known: Answer, hosts: tuple[HostSpec, ...] = HOSTS, state: RunState | None = None) -> Context:
    """A context in which these facts (or errors, for the hosts in order) are known; the rest is healthy.

    Args:
        known: facts by their host's name; an error stands for the host at its place.
        hosts: of the spec.
        state: what is remembered; nothing, unless given.
    """
    answers: dict[str, Answer] = {"tower-a": facts(), "tower-b": unraid_facts(), "pi": pi_facts()}
    for index, one in enumerate(known):
        answers[one.host if isinstance(one, HostFacts) else hosts[index].name] = one
    readers = {host.name: KnownHost(host.name, host.address) for host in hosts}
    wanted = spec(hosts)
    return Context(wanted, readers, state or new_state("home", "test"), _cache(readers, answers))


def _cache(readers: Mapping[str, KnownHost], answers: Mapping[str, Answer]) -> FactsCache:
    def read(reader: object) -> HostFacts:
        assert isinstance(reader, KnownHost)
        found = answers[reader.name]
        if isinstance(found, HostFacts):
            return found
        raise found

    return FactsCache(readers, read)
