"""What is known of a host's disks, down to the mount points. Part of `wizard.core.facts`."""

from __future__ import annotations

from wizard.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Volume:
    """Something that lies on a disk: a partition, RAID set, LVM volume, opened LUKS device or loop image."""

    name: str
    kind: str
    """As lsblk says it: `part`, `raid1`, `lvm`, `crypt`, `loop`, `md` ..."""
    size: int | None = None
    fstype: str = ""
    label: str = ""
    uuid: str = ""
    mounts: tuple[str, ...] = ()
    depth: int = 1
    """1 = directly on the disk, 2 = on something on the disk ..."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A physical device, with everything that lies on it down to the mount points."""

    name: str
    """Kernel name: `sda`, `nvme0n1`, `mmcblk0`."""
    model: str = ""
    serial: str = ""
    size: int | None = None
    """Bytes."""
    rotational: bool | None = None
    transport: str = ""
    """`sata`, `nvme`, `usb`, `mmc`, `virtio` ..."""
    removable: bool | None = None
    read_only: bool | None = None
    is_sd: bool = False
    """An SD card or eMMC: no place for etcd."""
    fstype: str = ""
    """A file system or membership (`zfs_member` ...) on the whole disk, without partitions."""
    label: str = ""
    uuid: str = ""
    mounts: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = ()

    @property
    def all_mounts(self) -> tuple[str, ...]:
        """Every mount point that would be lost with this disk."""
        return (*self.mounts, *(mount for volume in self.volumes for mount in volume.mounts))

    @property
    def empty(self) -> bool:
        """Nothing is on it as far as its labels tell."""
        return not (self.fstype or self.mounts or self.volumes)


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted file system; sizes in bytes."""

    mount: str
    source: str = ""
    fstype: str = ""
    read_only: bool = False
    size: int | None = None
    free: int | None = None
    """Free for everybody, root's reserve not counted."""
    inodes: int | None = None
    """None where the file system has no fixed number of them."""
    inodes_free: int | None = None
    disks: tuple[str, ...] = ()
    """Names of the physical devices below it; empty = in memory, on the network, or not to be told."""
