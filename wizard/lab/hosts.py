"""The three hosts of the lab as data."""

from __future__ import annotations

from wizard.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host: what it is to the wizard, and which container plays it."""

    name: str
    role: str
    platform: str
    """As in the spec: `libvirt`, `unraid` or `pi`."""
    last: int
    """Last number of its address in the lab's /24."""
    user: str
    image: str
    """Which root file system: `hypervisor`, `unraid` or `pi`."""
    volumes: tuple[str, ...]
    """Directories that hold an overlay or many files, or that must outlive the container's root."""
    extra: tuple[str, ...] = ()
    """Further lines of its entry in the spec."""
    note: str = ""
    disks: str = ""
    """Whose table of disks (`assets/lab/host/disks`) it has; empty = its own."""


HOSTS = (
    LabHost(
        "tower-a",
        "hypervisor",
        "libvirt",
        11,
        "root",
        "hypervisor",
        ("/var/lib/docker", "/var/lib/containerd", "/var/lib/libvirt", "/var/lib/lab-disks"),
        ("guests: lxc", "bridge: br0", "vm_dir: /mnt/vm"),
        "Debian 13, systemd, apt",
    ),
    LabHost(
        "tower-b",
        "hypervisor",
        "unraid",
        12,
        "root",
        "unraid",
        ("/var/lib/docker", "/var/lib/containerd", "/var/lib/lab-disks"),
        ("guests: lxc", "bridge: br0", "vm_dir: /mnt/cache/domains"),
        "Unraid-like: no systemd, apt or Python; its root is memory",
    ),
    LabHost(
        "pi",
        "witness",
        "pi",
        13,
        "pi",
        "pi",
        ("/var/lib/lab-disks",),
        ("etcd_dir: /mnt/usb/etcd",),
        "Raspberry Pi: user pi with sudo, SD card and USB NVMe",
    ),
)
"""In the order in which they are told."""


def host_named(name: str) -> LabHost | None:
    """The host of that name, or None."""
    return next((host for host in HOSTS if host.name == name), None)
