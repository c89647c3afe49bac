"""What read/facts prints on a simulated host: what was recorded, and what changed since."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from functools import cache, lru_cache

from wizard.core.dataclass import dataclass
from wizard.core.host import Args
from wizard.core.resources import asset_text
from wizard.payload.k3s_unit import BINARY, NAMES, unit_path
from wizard.practice.answer import Answer
from wizard.practice.boot import first_boot
from wizard.practice.definition import Definition, read_definition
from wizard.practice.k3s_process import ROLES, has_data, process_runs
from wizard.practice.machine import Domain, Machine, read_sections, write_sections
from wizard.practice.occupants import holds, with_occupants

Sections = dict[str, tuple[str, ...]]

NODE_PORTS = (
    ("127.0.0.1", 6444),
    ("127.0.0.1", 10248),
    ("127.0.0.1", 10249),
    ("127.0.0.1", 10256),
    ("*", 10250),
)
SERVER_PORTS = (("*", 6443), ("127.0.0.1", 10257), ("127.0.0.1", 10259))
"""Where the programs of a node listen, as the lab's were seen to."""

DATA_FREE = 0.94
"""Share of a new ext4 that is free."""


def facts(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """What the host is, with the parts that changed since: its clock, the wizard's marker, guests, etcd, K3s."""
    sections = _with_k3s(machine, _with_etcd(machine, _with_guests(machine, _with_swap(machine))))
    sections = with_occupants(machine, sections)
    end = sections.pop("end", ())
    marker_file = machine.files.get(machine.marker_path)
    if marker_file:
        sections[f"file {machine.marker_path}"] = tuple(marker_file.content.decode().splitlines())
    sections["end"] = end
    for name in ("begin", "end"):
        sections[name] = (f"epoch={time.time() + machine.skew:.9f}",)
    return Answer(write_sections(sections))


def seen(machine: Machine) -> Sections:
    """What a host says of itself, before guests and etcd are looked at; what a test laid down comes first."""
    return {**_guest(machine), **machine.sections}


def _with_swap(machine: Machine) -> Sections:
    sections = seen(machine)
    if not machine.swap:
        return sections
    lines = sections.get("file /proc/meminfo", ())
    kept = [line for line in lines if not line.startswith("Swap")]
    told = [f"{name + ':':<16}{machine.swap:>8} kB" for name in ("SwapTotal", "SwapFree")]
    return {**sections, "file /proc/meminfo": (*kept, *told)}


# --- a hypervisor


def _with_guests(machine: Machine, sections: Sections) -> Sections:
    """The lists of libvirt, and the definitions that lie on the disk."""
    if not machine.domains:
        return sections
    lines = list(sections.get("libvirt", ()))
    answers = ":exit 0" in lines
    for driver, uri in (("qemu", "qemu:///system"), ("lxc", "lxc:///")):
        rows = _listed([one for one in machine.domains.values() if one.driver == driver])
        if rows and answers and f":driver {uri}" not in lines:
            lines += [
                f":driver {uri}",
                *(line for line in lines[1:4] if line.startswith(("Compiled", "Using"))),
                "",
                ":exit 0",
            ]
        if rows and answers:
            at = lines.index(":exit 0", lines.index(f":driver {uri}"))
            lines[at:at] = rows
    services = list(sections.get("services", ()))
    changed = {**sections, "libvirt": tuple(lines)}
    for one in machine.domains.values():
        known = [line for line in one.xml.splitlines() if "<name>" in line or "lineage=" in line]
        changed[f"file /etc/libvirt/{one.driver}/{one.name}.xml"] = tuple(known)
        if one.autostart:
            services.append(f"autostart /etc/libvirt/{one.driver}/autostart/{one.name}.xml")
    return {**changed, "services": tuple(services)}


def _listed(domains: list[Domain]) -> list[str]:
    """Twice over: who starts by itself is in the second list too."""
    rows = [
        f" {number if one.state != 'shut off' else '-':<4} {one.name:<20} {one.state}"
        for number, one in enumerate(domains, start=1)
    ]
    return [*rows, "", *(row for row, one in zip(rows, domains, strict=True) if one.autostart), ""]


# --- a guest


def _guest(machine: Machine) -> Sections:
    """A guest as its definition and its first boot made it; nothing for a host of its own."""
    if machine.world is None or not machine.carrier:
        return {}
    carrier = machine.world.machines[machine.carrier]
    domain = carrier.domains[machine.name]
    wanted, first = read_definition(domain.xml), first_boot(carrier, domain)
    told = (first.hostname, first.address, first.mount, first.uuid)
    disk = f"{machine.name} {machine.disks[0]}"
    return _sections_of(_Made(disk, domain.xml, *told, *_data_disk(carrier, wanted)))


@dataclass(frozen=True, slots=True)
class _Made:
    """Everything that a guest's facts come from."""

    disk: str
    """The guest and its system disk: another one gives it other ids."""
    xml: str
    hostname: str
    address: str
    mount: str
    uuid: str
    """Of the file system on the data disk."""
    data: int
    """Bytes of the data disk; 0 = none."""
    serial: str
    """Of the data disk."""


@lru_cache(maxsize=256)
def _sections_of(made: _Made) -> Sections:
    wanted = read_definition(made.xml)
    sections = {name: tuple(lines) for name, lines in _template().items()}
    ids = hashlib.sha256(made.disk.encode()).hexdigest()
    sections["file /proc/sys/kernel/hostname"] = (made.hostname,)
    sections["file /etc/machine-id"] = (wanted.uuid.replace("-", ""),)
    sections["file /proc/sys/kernel/random/boot_id"] = (str(uuid.UUID(ids[32:])),)
    sections["file /proc/cpuinfo"] = _processors(sections["file /proc/cpuinfo"], wanted.cpus)
    sections["file /proc/meminfo"] = _memory(wanted.memory)
    sections["nics"] = tuple(line.replace("52:54:00:00:00:01", wanted.mac) for line in sections["nics"])
    sections["addresses"] = tuple(line.replace("192.0.2.31", made.address) for line in sections["addresses"])
    return _with_disks(sections, made)


@cache
def _template() -> Sections:
    return read_sections(asset_text("practice/guest.facts"))


def _processors(lines: tuple[str, ...], count: int) -> tuple[str, ...]:
    one = [line for line in lines if not line.startswith("processor")]
    one = one[: next((at for at, line in enumerate(one) if line.startswith("core id")), len(one))]
    rows: list[str] = []
    for number in range(count):
        kept = one if number == 0 else [line for line in one if not line.startswith("flags")]
        rows += [f"processor\t: {number}", *kept, f"core id\t\t: {number}"]
    return tuple(rows)


def _memory(size: int) -> tuple[str, ...]:
    kib = size // 1024
    kernel = kib // 40
    rows = {"MemTotal": kib - kernel, "MemFree": kib * 8 // 10, "MemAvailable": kib * 85 // 100}
    rows |= {"SwapTotal": 0, "SwapFree": 0}
    return tuple(f"{key + ':':<16}{value:>8} kB" for key, value in rows.items())


def _data_disk(carrier: Machine, wanted: Definition) -> tuple[int, str]:
    """Bytes and serial of a guest's data disk."""
    path = wanted.data or (f"{wanted.images}/vdb.img" if wanted.images else "")
    image = carrier.files.get(path)
    size = image.size if image else 2**40 if path.startswith("/dev/") else 0
    return size, wanted.serial or _line(carrier, f"{wanted.images}/vdb.serial")


def _with_disks(sections: Sections, made: _Made) -> Sections:
    system = _device("vda", 10 * 1024**3, "", "", "", "")
    system["children"] = [
        {**_device("vda1", 10 * 1024**3 - 2**27, "", "ext4", "", "/"), "type": "part"},
        {**_device("vda15", 124 * 2**20, "", "vfat", "", "/boot/efi"), "type": "part"},
    ]
    disks = [system]
    changed = dict(sections)
    size, mount = made.data, made.mount
    if size:
        disks.append(_device("vdb", size, made.serial, "ext4", made.uuid, mount))
        changed["file /proc/mounts"] += (f"/dev/vdb {mount} ext4 rw,noatime 0 0",)
        free = int(size // 4096 * DATA_FREE)
        changed["statfs"] += (
            f"4096 {size // 4096} {free} {free} {size // 16384} {size // 16384 - 11} {mount}",
        )
    changed["lsblk"] = tuple(json.dumps({"blockdevices": disks}, indent=3).splitlines())
    return changed


def _line(machine: Machine, path: str) -> str:
    found = machine.files.get(path)
    return found.content.decode().strip() if found else ""


def _device(name: str, size: int, serial: str, fstype: str, own_id: str, mount: str) -> dict[str, object]:
    return {
        "name": name,
        "kname": name,
        "type": "disk",
        "size": size,
        "ro": False,
        "rm": False,
        "rota": False,
        "tran": "virtio",
        "fstype": fstype or None,
        "label": None,
        "uuid": own_id or None,
        "mountpoint": mount or None,
        "model": None,
        "serial": serial or None,
    }


# --- etcd


def _with_etcd(machine: Machine, sections: Sections) -> Sections:
    """What a member shows of itself: its unit, its process, its ports."""
    if "/etc/systemd/system/etcd.service" not in machine.files:
        return sections
    services = [*sections.get("services", ()), "unit etcd"]
    ports = list(sections.get("ports", ()))
    if machine.etcd.enabled:
        services.append("enabled etcd")
    if machine.etcd.wanted and not machine.etcd.said and not holds(machine, 2380):
        services.insert(0, "process etcd")
        users = 'users:(("etcd",pid=901,fd=8))'
        listed = ((machine.address, 2379), ("127.0.0.1", 2379), (machine.address, 2380), ("127.0.0.1", 2381))
        ports += [
            f"tcp LISTEN 0      4096   {address}:{port}      0.0.0.0:*    {users}" for address, port in listed
        ]
    tools = [*sections.get("tools", ())]
    tools += [name for name in ("etcd", "etcdctl") if f"/usr/local/bin/{name}" in machine.files]
    return {**sections, "services": tuple(services), "ports": tuple(ports), "tools": tuple(tools)}


# --- K3s


def _with_k3s(machine: Machine, sections: Sections) -> Sections:
    """What a node shows of itself: its folder, its unit, its processes, its ports."""
    if not has_data(machine, *ROLES):
        return sections
    services, ports = list(sections.get("services", ())), list(sections.get("ports", ()))
    for role in (one for one in ROLES if unit_path(one) in machine.files):
        name = NAMES[role].removesuffix(".service")
        services += [f"unit {name}", *([f"enabled {name}"] if machine.k3s.enabled else [])]
    if process_runs(machine):
        name = f"k3s-{machine.k3s.role}"
        services = [f"process {name}", "process containerd", *services]
        ports += [
            f'tcp LISTEN 0      4096   {address}:{port}   {address}:*   users:(("{name}",pid=912,fd=8))'
            for address, port in (*NODE_PORTS, *(SERVER_PORTS if machine.k3s.role == "server" else ()))
        ]
    tools = (*sections.get("tools", ()), *(("k3s",) if BINARY in machine.files else ()))
    flags = (*sections.get("host", ()), "k3s=1")
    return {**sections, "host": flags, "services": tuple(services), "ports": tuple(ports), "tools": tools}


def mount_of(machine: Machine, path: str) -> tuple[str, str]:
    """Mount point and source of the file system a path lies on.

    Args:
        machine: the host.
        path: on it.
    """
    best = ("/", "")
    for line in seen(machine).get("file /proc/mounts", ()):
        source, mount = line.split()[:2]
        if re.match(rf"{re.escape(mount.rstrip('/'))}(/|$)", path) and len(mount) >= len(best[0]):
            best = (mount, source)
    return best
