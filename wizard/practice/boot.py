"""A simulated guest comes up: what its disks hold is there, and a new disk makes it begin anew."""

from __future__ import annotations

import time
from xml.etree.ElementTree import ParseError

from wizard.practice.definition import read_definition
from wizard.practice.k3s_state import K3sProcess
from wizard.practice.keepalived_state import KeepalivedProcess
from wizard.practice.machine import Domain, Machine
from wizard.practice.seed import FirstBoot, from_seed, from_tar

ROOT_FOLDER = "root/etc/practice-root"
"""The file that stands for a container's root folder."""

GUEST_FOLDERS = ("/opt", "/var/lib/etcd", "/var/lib/longhorn", "/var/lib/rancher")
"""Folders there are on every guest."""

LAID = "root/etc/practice-first-boot"
"""The files that were laid over it, as they came."""


def start(host: Machine, domain: Domain) -> str:
    """Start a guest.

    Args:
        host: its hypervisor.
        domain: the guest.

    Returns:
        Why libvirt refuses; empty = it runs.
    """
    complaint = _refused(host, domain)
    if complaint:
        return complaint
    domain.state, domain.reason = "running", "booted"
    guest = host.world.machines.get(domain.name) if host.world else None
    if guest is not None and guest.carrier == host.name and read_definition(domain.xml).lineage:
        _come_up(host, domain, guest)
    return ""


def stop(host: Machine, domain: Domain, reason: str = "shutdown") -> None:
    """Shut a guest down.

    Args:
        host: its hypervisor.
        domain: the guest.
        reason: as libvirt tells it: `shutdown`, `destroyed`, `crashed`.
    """
    domain.state, domain.reason = "shut off", reason
    guest = host.world.machines.get(domain.name) if host.world else None
    if guest is not None and guest.carrier == host.name:
        guest.up = False


def _refused(host: Machine, domain: Domain) -> str:
    try:
        wanted = read_definition(domain.xml)
    except ParseError:
        return "error: (domain_definition): not well-formed"
    if wanted.kind == "kvm" and "kvm=1" not in host.sections.get("host", ()):
        return "error: unsupported configuration: domain type kvm is not supported on this host"
    cards = [line.split(" ", 1)[0] for line in host.sections.get("nics", ())]
    if wanted.network and cards and wanted.network not in cards:
        return f"error: Cannot get interface MTU on '{wanted.network}': No such device"
    return ""


def _come_up(host: Machine, domain: Domain, guest: Machine) -> None:
    wanted = read_definition(domain.xml)
    folder = folder_of(host, domain)
    system = _disk(host, f"{folder}/system.qcow2") or _disk(host, f"{folder}/{ROOT_FOLDER}")
    data = _disk(host, wanted.data) or _disk(host, f"{wanted.images}/vdb.img")
    guest.reboot()
    if guest.disks[0] != system:
        _begin_anew(host, guest, folder)
    if guest.disks[1] != data:
        _empty(guest, first_boot(host, domain).mount)
    guest.disks = (system, data)
    misled = first_boot(host, domain).address not in ("", guest.address)
    guest.up = not misled
    guest.up_at = time.time() + host.world.boot_seconds if host.world and host.world.boot_seconds else 0.0


def _begin_anew(host: Machine, guest: Machine, folder: str) -> None:
    guest.files.clear()
    guest.folders.clear()
    guest.packages.clear()
    guest.ran.clear()
    guest.etcd.enabled = guest.etcd.wanted = False
    guest.timers.clear()
    guest.guard_said = ""
    guest.k3s = K3sProcess()
    guest.keepalived = KeepalivedProcess()
    found = read_first_boot(host, folder)
    guest.files.update(found.files)
    guest.folders.update(GUEST_FOLDERS)


def _empty(guest: Machine, mount: str) -> None:
    """A data disk of its own: nothing of the old one's is there."""
    for path in [path for path in guest.files if mount and path.startswith(f"{mount}/")]:
        del guest.files[path]


def _disk(host: Machine, path: str) -> str:
    found = host.files.get(path)
    if found is not None:
        return found.content.decode()
    return path if path.startswith("/dev/") else ""


def folder_of(host: Machine, domain: Domain) -> str:
    """Where a guest's own files lie on its host."""
    ends = tuple(f"/{domain.name}/{name}" for name in ("seed.iso", LAID))
    found = next((path for path in host.files if path.endswith(ends)), "")
    return found[: found.rfind(f"/{domain.name}/")] + f"/{domain.name}" if found else ""


def first_boot(host: Machine, domain: Domain) -> FirstBoot:
    """What the guest was told at its first boot."""
    return read_first_boot(host, folder_of(host, domain))


def read_first_boot(host: Machine, folder: str) -> FirstBoot:
    """As the files in its folder have it."""
    seed = host.files.get(f"{folder}/seed.iso")
    if seed is not None:
        return from_seed(seed.content)
    laid = host.files.get(f"{folder}/{LAID}")
    return from_tar(laid.content) if laid else FirstBoot()
