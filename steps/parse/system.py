"""The machine and its operating system: processor, memory, control groups, what it runs in, the Pi."""

from __future__ import annotations

import re

from steps.parse.sections import Sections
from steps.parse.values import decimal, number, pairs, positive, truth
from wizard.core.facts import Cgroups, Cpu, Marker, Memory, OsFacts, Pi, Privileges, Virtualisation

THROTTLE_FLAGS = {
    0: "under-voltage now",
    1: "ARM frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage has occurred",
    17: "ARM frequency capping has occurred",
    18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}
"""Bits of `vcgencmd get_throttled`, from the Raspberry Pi documentation of that command."""

_ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
}
"""Names of ARM's own cores by the part number in /proc/cpuinfo."""

_VENDORS = (
    ("qemu", "kvm"),
    ("kvm", "kvm"),
    ("vmware", "vmware"),
    ("innotek", "virtualbox"),
    ("virtualbox", "virtualbox"),
    ("xen", "xen"),
    ("microsoft corporation virtual", "hyper-v"),
    ("amazon ec2", "kvm"),
    ("google", "kvm"),
    ("bochs", "bochs"),
)
"""Words in the DMI vendor and product name, and the hypervisor they give away."""


def os_facts(sections: Sections) -> OsFacts:
    """The operating system; Unraid is told by its own file, since its os-release says Slackware."""
    release = pairs(sections.file("/etc/os-release"))
    if "file /etc/unraid-version" in sections:
        version = pairs(sections.file("/etc/unraid-version")).get("version", "")
        return OsFacts("unraid", version, f"Unraid {version}".strip())
    return OsFacts(release.get("ID", ""), release.get("VERSION_ID", ""), release.get("PRETTY_NAME", ""))


def cpu(sections: Sections) -> Cpu:
    """The processor, from /proc/cpuinfo."""
    rows = [line.partition(":") for line in sections.file("/proc/cpuinfo")]
    cells = [(key.strip(), value.strip()) for key, _, value in rows]
    threads = sum(key == "processor" for key, _ in cells) or None
    flags = next((value.split() for key, value in cells if key in ("flags", "Features")), [])
    extension = next((flag for flag in ("vmx", "svm") if flag in flags), "")
    return Cpu(_cpu_model(dict(reversed(cells))), _cores(cells) or threads, threads, extension)


def _cpu_model(cells: dict[str, str]) -> str:
    part = cells.get("CPU part", "").lower()
    return cells.get("model name") or _ARM_PARTS.get(part, "")


def _cores(cells: list[tuple[str, str]]) -> int:
    found: set[tuple[str, str]] = set()
    package = ""
    for key, value in cells:
        if key == "physical id":
            package = value
        elif key == "core id":
            found.add((package, value))
    return len(found)


def memory(sections: Sections) -> Memory:
    """Memory in bytes; kernels before 3.14 tell only what is free, not what is available."""
    rows = pairs(sections.file("/proc/meminfo"), ":")
    sizes = {key: _kib(value) for key, value in rows.items()}
    return Memory(
        total=sizes.get("MemTotal"),
        available=sizes.get("MemAvailable", sizes.get("MemFree")),
        swap_total=sizes.get("SwapTotal"),
        swap_free=sizes.get("SwapFree"),
    )


def _kib(text: str) -> int | None:
    value = number(text.removesuffix("kB"))
    return None if value is None or value < 0 else value * 1024


def page_size(sections: Sections) -> int | None:
    """Bytes of a memory page (a Pi 5's standard kernel has 16 KiB)."""
    return _kib(pairs(sections.file("/proc/self/smaps"), ":").get("KernelPageSize", "")) or None


def uptime(sections: Sections) -> float | None:
    """Seconds since boot."""
    return decimal(sections.first("/proc/uptime").split(" ")[0])


def bits(sections: Sections) -> int | None:
    """32 or 64, of the programs."""
    value = number(pairs(sections.lines("host")).get("bits", ""))
    return value if value in (32, 64) else None


def cgroups(sections: Sections) -> Cgroups:
    """Version and whether memory can be limited."""
    if "cgroup2" in pairs(sections.lines("host")):
        controllers = sections.first("/sys/fs/cgroup/cgroup.controllers").split()
        return Cgroups(2, "memory" in controllers)
    rows = [line.split() for line in sections.file("/proc/cgroups")]
    enabled = [row[-1] == "1" for row in rows if row[:1] == ["memory"]]
    return Cgroups(1 if rows else None, enabled[0] if enabled else False if rows else None)


def virtualisation(sections: Sections) -> Virtualisation:
    """What the host runs in; `none` only where the processor's flags or the DMI names could be read."""
    host = pairs(sections.lines("host"))
    kvm = "kvm" in host if sections.lines("host") else None
    container = sections.first("/run/systemd/container")
    container = container or ("docker" if "dockerenv" in host else "podman" if "containerenv" in host else "")
    if container:
        return Virtualisation(container, container=True, kvm=kvm)
    return Virtualisation(_hypervisor(sections), container=False, kvm=kvm)


def _hypervisor(sections: Sections) -> str:
    name = (
        f"{sections.first('/sys/class/dmi/id/sys_vendor')} {sections.first('/sys/class/dmi/id/product_name')}"
    )
    known = next((kind for sign, kind in _VENDORS if sign in name.lower()), "")
    flags = [line for line in sections.file("/proc/cpuinfo") if line.startswith("flags")]
    if flags and "hypervisor" in flags[0].split():
        return known or "unknown hypervisor"
    return known or ("none" if flags or name.strip() or "model" in pairs(sections.lines("host")) else "")


def pi(sections: Sections) -> Pi | None:
    """The Raspberry Pi's own facts; None on anything else."""
    host = pairs(sections.lines("host"))
    model = host.get("model", "")
    if "Raspberry Pi" not in model:
        return None
    said = pairs(sections.lines("vcgencmd")).get("throttled") or host.get("throttled", "")
    value = _hexadecimal(said)
    return Pi(model, value, throttle_flags(value or 0))


def _hexadecimal(text: str) -> int | None:
    found = re.fullmatch(r"(?:0x)?([0-9a-fA-F]{1,8})", text.strip())
    return int(found[1], 16) if found else None


def throttle_flags(value: int) -> tuple[str, ...]:
    """The firmware's flags in words.

    Args:
        value: as `vcgencmd get_throttled` prints it.
    """
    return tuple(words for bit, words in THROTTLE_FLAGS.items() if value & (1 << bit))


def privileges(sections: Sections) -> Privileges:
    """Effective user id while the script ran, and who logged in."""
    row = pairs(sections.file("/proc/self/status"), ":").get("Uid", "").split()
    return Privileges(
        number(row[1]) if len(row) > 1 else None, pairs(sections.lines("host")).get("login", "")
    )


def marker(sections: Sections) -> Marker | None:
    """The wizard's marker; Unraid's lies on its flash drive."""
    for path in ("/boot/config/wizard/marker", "/var/lib/wizard/marker"):
        found = pairs(sections.file(path))
        if found.get("lineage"):
            return Marker(found.get("name", ""), found["lineage"], positive(found.get("serial", "")) or 0)
    return None


def flag(sections: Sections, name: str) -> bool:
    """Whether the script found what one of its `host` flags stands for."""
    return truth(pairs(sections.lines("host")).get(name, "")) is True
