"""What must hold on a single host before anything is built on it: facts in, finding out."""

from __future__ import annotations

from collections.abc import Callable

from wizard.core.check import Finding, Level, failed, passed, skipped, warned
from wizard.core.dataclass import dataclass
from wizard.core.decide.traces import WILDCARDS
from wizard.core.facts import GIB, Filesystem, HostFacts
from wizard.core.spec.model import HostSpec

Test = Callable[[HostFacts, HostSpec, str], Finding]
"""Facts, what the spec says of the host, and `ssh user@address` to begin a fix with."""

ARCHITECTURES = ("x86_64", "aarch64")
"""Architectures K3s, etcd and the guests' images all exist for (domain.md 1.5, 2.1)."""

TRIED_SYSTEMS = ("debian", "raspbian", "ubuntu", "unraid")
"""Systems whose package names and paths we know."""

TOOLS = ("awk", "chmod", "chown", "flock", "mktemp", "mv", "sed", "setsid", "sha256sum", "stat")
"""Programs our remote scripts cannot do without."""

WITNESS_MEMORY = int(1.7 * GIB)
"""Bytes. faults.md 64 asks for 2 GB; a 2 GB Pi reports some less, since its GPU keeps a part."""

HYPERVISOR_MEMORY = 8 * GIB
"""Bytes. etcd, server, storage and worker guest at their least (domain.md 1.7, 3.1), and the host itself."""

FREE_BYTES = 1 * GIB
"""Free space we want on a file system we write to: programs, images' lists, logs."""

FREE_INODES = 5_000
"""Free inodes we want: unpacking a package needs a few thousand."""

FULL_SHARE = 0.95
"""A file system fuller than this share is about to stop whatever writes to it."""

SWAP_SHARE = 0.1
"""Swap in use beyond this share of memory means the host is short of memory, not just tidy."""

ETCD_PORTS = (2379, 2380, 2381)
"""etcd's clients, peers and metrics (domain.md 1.7, 2.5)."""


@dataclass(frozen=True, slots=True)
class HostCheck:
    """A check of one host as data; `{host}` in the title is its name."""

    id: str
    title: str
    test: Test
    role: str = ""
    """`hypervisor`, `witness`, or every host."""
    level: Level = Level.ERROR


def system(facts: HostFacts, _host: HostSpec, ssh: str) -> Finding:
    """64-bit kernel and programs, on a system we know."""
    seen = f"{facts.os.pretty or 'unknown system'}, {facts.arch or 'unknown architecture'}, {facts.bits or '?'} bit"
    if not facts.arch:
        return skipped("The architecture could not be found out.")
    if facts.arch not in ARCHITECTURES:
        return failed(
            f"{facts.host} has the architecture {facts.arch}; etcd and K3s need 64 bit x86 or ARM.",
            evidence=seen,
            cause="A 32-bit system is installed."
            if facts.arch.startswith("arm")
            else "This machine is not supported.",
            fix="Install the 64-bit image of its system, e.g. Raspberry Pi OS Lite (64-bit)",
        )
    if facts.bits == 32:  # noqa: PLR2004 - bits of a word
        return failed(
            f"{facts.host} runs 32-bit programs on a 64-bit kernel.",
            evidence=seen,
            cause="Raspberry Pi OS (32-bit) starts a 64-bit kernel since 2023.",
            fix="Install the 64-bit image of its system, e.g. Raspberry Pi OS Lite (64-bit)",
        )
    if facts.os.id not in TRIED_SYSTEMS:
        return warned(
            f"{facts.host} runs {facts.os.pretty or 'an unknown system'}, which nobody has tried the wizard on.",
            evidence=seen,
            cause=f"Tried are {', '.join(TRIED_SYSTEMS)}.",
            fix=f"{ssh} cat /etc/os-release",
        )
    return passed(f"{seen}.")


def tools(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """The programs our scripts need."""
    missing = [name for name in TOOLS if name not in facts.tools]
    if not missing:
        return passed("Every program our scripts need is there.")
    install = f"{ssh} apt-get install --yes coreutils util-linux mawk sed"
    unraid = "Install Unraid again: these programs are part of it"
    return failed(
        f"{host.name} lacks {', '.join(missing)}.",
        evidence=f"not on the PATH: {' '.join(missing)}",
        cause="A cut-down system.",
        fix=unraid if facts.unraid else install,
    )


def synchronised(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Somebody keeps the clock."""
    clock = facts.clock
    if clock.synchronised:
        return passed(f"{clock.by} keeps the clock.")
    if facts.virtualisation.container and not clock.by:
        return skipped(f"{host.name} is a container: its clock is kept by the machine it runs on.")
    if clock.synchronised is None:
        return skipped(f"Whether {clock.by or 'anybody'} keeps the clock could not be found out.")
    evidence = (
        f"{clock.by} runs and is not synchronised" if clock.by else "neither chronyd, ntpd nor timesyncd runs"
    )
    return failed(
        f"Nobody keeps the clock of {host.name}.",
        evidence=evidence,
        cause="The time servers are not reachable." if clock.by else "Time synchronisation is switched off.",
        fix=time_fix(facts, ssh),
    )


def time_fix(facts: HostFacts, ssh: str) -> str:
    """How to have the clock kept on this sort of host."""
    if facts.unraid:
        return "In Unraid's web interface: Settings > Date and Time > Use NTP: Yes"
    if facts.clock.by == "chrony":
        return f"{ssh} chronyc makestep"
    return f"{ssh} timedatectl set-ntp true"


def space(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Room, inodes and the right to write where we will write."""
    paths = [path for path in (_system_path(facts), host.vm_dir, host.etcd_dir) if path]
    found = {fs.mount: fs for path in paths if (fs := facts.filesystem(path))}
    for fs in found.values():
        trouble = _trouble(fs)
        if trouble:
            return failed(
                f"{fs.mount} on {host.name} {trouble}.",
                evidence=_space_text(fs),
                cause="Disk errors make the kernel mount read-only." if fs.read_only else "It has filled up.",
                fix=f"{ssh} dmesg --level=err,warn" if fs.read_only else f"{ssh} du -xh -d 2 {fs.mount}",
            )
    return (
        passed("; ".join(_space_text(fs) for fs in found.values()) + ".")
        if found
        else skipped("Sizes are unknown.")
    )


def _system_path(facts: HostFacts) -> str:
    """Where what must last lies: Unraid's root is memory, its flash drive keeps."""
    return "/boot" if facts.unraid else "/"


def _trouble(fs: Filesystem) -> str:
    if fs.read_only:
        return "is mounted read-only"
    if fs.size is None or fs.free is None:
        return ""
    # A small one (Unraid's flash drive) only has to have air, not a gigabyte.
    if fs.free < min(FREE_BYTES, fs.size * (1 - FULL_SHARE)):
        return f"has only {fs.free / 1e6:,.0f} MB free"
    if fs.inodes_free is not None and fs.inodes_free < FREE_INODES:
        return f"has only {fs.inodes_free} inodes free"
    return ""


def _space_text(fs: Filesystem) -> str:
    if fs.size is None or fs.free is None:
        return f"{fs.mount}: size unknown"
    return f"{fs.mount}: {fs.free / 1e9:.1f} of {fs.size / 1e9:.1f} GB free"


def memory(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """Enough of it, and not swapping."""
    total, wanted = facts.memory.total, HYPERVISOR_MEMORY if host.role == "hypervisor" else WITNESS_MEMORY
    if total is None:
        return skipped("The size of memory is unknown.")
    if total < wanted:
        return warned(
            f"{host.name} has {total / GIB:.1f} GiB of memory; {wanted / GIB:.1f} GiB is the least we plan with.",
            evidence=f"MemTotal {total // 1024} kB",
            cause="The machine is small for what it shall carry.",
            fix="wizard layout",
        )
    swap, free = facts.memory.swap_total or 0, facts.memory.swap_free or 0
    if swap - free > SWAP_SHARE * total:
        return warned(
            f"{host.name} has swapped out {(swap - free) / GIB:.1f} GiB: it is short of memory.",
            evidence=f"SwapTotal {swap // 1024} kB, SwapFree {free // 1024} kB",
            cause="Something on it takes more memory than there is.",
            fix=f"{ssh} ps aux --sort=-rss",
        )
    return passed(f"{total / GIB:.1f} GiB, {(facts.memory.available or 0) / GIB:.1f} GiB available.")


def busy_ports(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """The ports our etcd member needs, where another sort of program holds them; another etcd has a check of its own."""
    reachable = (*WILDCARDS, host.address)
    busy = [
        f"{port.protocol} {port.address}:{port.port} {port.process}".strip()
        for port in facts.ports
        if port.port in ETCD_PORTS
        and port.process not in ("etcd", "")
        and port.address.partition("%")[0] in reachable
    ]
    if not busy:
        return passed("The ports we need are free, or already ours.")
    return warned(
        f"{host.name} already uses a port we need: {busy[0]}.",
        evidence="; ".join(busy),
        cause="Another program offers the same service.",
        fix=f"{ssh} ss -lntup",
    )


def firewall(facts: HostFacts, _host: HostSpec, ssh: str) -> Finding:
    """No packet filter between etcd's members. Guests are bridged past their hypervisor's filter."""
    name = "ufw" if facts.firewall.ufw else "firewalld" if facts.firewall.firewalld else ""
    if not name:
        return passed("Neither ufw nor firewalld is on.")
    opened = (
        "ufw allow 2379:2380/tcp" if name == "ufw" else "firewall-cmd --permanent --add-port=2379-2380/tcp"
    )
    return warned(
        f"{name} is on and may keep the other etcd members out.",
        evidence=f"{name} is active",
        cause=f"Somebody switched {name} on.",
        fix=f"{ssh} {opened}",
    )


def power(facts: HostFacts, host: HostSpec, ssh: str) -> Finding:
    """The Pi gets enough current and is not too hot."""
    if facts.pi is None:
        return skipped(f"{host.name} is not a Raspberry Pi.")
    if facts.pi.throttled is None:
        return skipped("The firmware could not be asked (vcgencmd is missing).")
    if not facts.pi.flags:
        return passed(f"{facts.pi.model}: enough power, never throttled since boot.")
    low = facts.pi.under_voltage
    return failed(
        f"{host.name} reports: {', '.join(facts.pi.flags)}.",
        evidence=f"throttled=0x{facts.pi.throttled:x}",
        cause="The power supply or its cable is too weak." if low else "It gets too hot.",
        fix="Use the Pi's own power supply, then reboot it" if low else f"{ssh} vcgencmd measure_temp",
    )


HOST_CHECKS = (
    HostCheck("discover.system", "{host} runs a 64-bit system we know", system),
    HostCheck("discover.tools", "{host} has the programs our scripts need", tools),
    HostCheck("discover.time", "The clock of {host} is kept", synchronised),
    HostCheck("discover.space", "{host} has room where we write", space),
    HostCheck("discover.memory", "{host} has enough memory", memory, level=Level.WARNING),
    HostCheck("discover.ports", "The ports we need on {host} are free", busy_ports, "witness", Level.WARNING),
    HostCheck("discover.power", "{host} gets enough power", power, "witness", Level.WARNING),
    HostCheck(
        "discover.firewall", "No firewall on {host} is in etcd's way", firewall, "witness", Level.WARNING
    ),
)
"""What is asked of every host, and of a witness."""
