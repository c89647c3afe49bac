"""The hosts of practice as a person would own them: the lab's recorded hosts, as hardware instead of containers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from wizard.practice.machine import Machine

PI_BRIDGE = (
    "device=sda",
    "rotational=0",
    "driver=uas",
    "usb=174c:2362",
    "speed=5000",
    "product=ASM236X NVME",
)
"""What the Pi's SSD hangs on, as `read/witness` prints it."""

CORES, PI_CORES = 12, 4
MEMORY_KIB, PI_MEMORY_KIB = 64 * 1024 * 1024, 8 * 1024 * 1024
"""Of a hypervisor: room for all guests of the other one besides its own; of a Pi 5: what is most often bought."""

PI_ARCH, PI_KERNEL = "arch=aarch64", "6.12.47+rpt-rpi-2712"
"""What Raspberry Pi OS 13 says of a Pi 5, whatever the machine is on which the lab was recorded."""

SPARE_MODEL = "Samsung SSD 870 EVO 1TB"
SPARE_BYTES = 1_000_204_886_016
SPARE_SERIALS = {"unraid": "S6PTNZ0R100001A", "libvirt": "S6PTNZ0R100002B"}
"""The empty disk of each hypervisor, which its spec gives to the storage guest."""


def furnish(machine: Machine) -> None:
    """Make a recorded container a machine of its own; a hypervisor gets KVM and an empty disk.

    Args:
        machine: of the world, not touched yet.
    """
    sections = dict(machine.sections)
    host = [line for line in sections["host"] if line not in ("dockerenv=1", "kvm=1")]
    if "virsh" in sections.get("tools", ()):
        host.append("kvm=1")
        sections["file /proc/cpuinfo"] = tuple(_processors(sections["file /proc/cpuinfo"]))
        sections["file /proc/meminfo"] = _memory(MEMORY_KIB)
        serial = SPARE_SERIALS["unraid" if machine.unraid else "libvirt"]
        sections["lsblk"] = _with_disk(sections["lsblk"], serial)
    elif any("Raspberry Pi" in line for line in host):
        machine.usb = PI_BRIDGE
        host = [PI_ARCH if line.startswith("arch=") else line for line in host]
        sections["file /proc/sys/kernel/osrelease"] = (PI_KERNEL,)
        sections["file /proc/cpuinfo"] = tuple(_cores("Cortex-A76", PI_CORES))
        sections["file /proc/meminfo"] = _memory(PI_MEMORY_KIB)
    sections["host"] = tuple(host)
    machine.sections = {name: rows for name, rows in sections.items() if "/loop/" not in name}


def _processors(lines: tuple[str, ...]) -> list[str]:
    first = next(line for line in lines if line.startswith("flags"))
    flags = first if re.search(r"\b(svm|vmx)\b", first) else f"{first} svm"
    return [*_cores("AMD Ryzen 9 5900X", CORES), flags]


def _cores(model: str, count: int) -> Iterator[str]:
    for number in range(count):
        yield from (f"processor\t: {number}", f"model name\t: {model}", "physical id\t: 0")
        yield f"core id\t\t: {number}"


def _memory(kib: int) -> tuple[str, ...]:
    shares = {"MemTotal": 100, "MemFree": 90, "MemAvailable": 95, "SwapTotal": 0, "SwapFree": 0}
    return tuple(f"{key + ':':<16}{kib * share // 100:>8} kB" for key, share in shares.items())


def _with_disk(lines: tuple[str, ...], serial: str) -> tuple[str, ...]:
    document: dict[str, list[dict[str, Any]]] = json.loads("\n".join(lines))
    disks = document["blockdevices"]
    taken = {disk["name"] for disk in disks}
    name = next(f"sd{letter}" for letter in "bcdefgh" if f"sd{letter}" not in taken)
    spare: dict[str, Any] = {key: None for key in disks[0] if key != "children"}
    spare |= {"name": name, "kname": name, "type": "disk", "size": SPARE_BYTES, "ro": False, "rm": False}
    disks.append(spare | {"rota": False, "tran": "sata", "model": SPARE_MODEL, "serial": serial})
    return tuple(json.dumps(document, indent=3).splitlines())
