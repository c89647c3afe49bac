"""A guest as data: everything its definition and its first boot are made from."""

from __future__ import annotations

import hashlib
from typing import Literal

from wizard.core.dataclass import dataclass
from wizard.core.spec.model import MachineRole
from wizard.payload.addresses import data_serial, data_uuid, domain_uuid, instance_id, mac_address

Driver = Literal["kvm", "qemu", "lxc"]
"""How a guest is run: by the processor, by emulation, or as a container (the lab's)."""

DATA_MOUNT: dict[MachineRole, str] = {
    "etcd": "/var/lib/etcd",
    "storage": "/var/lib/longhorn",
    "server": "/var/lib/rancher",
    "worker": "/var/lib/rancher",
}
"""Where the data disk is mounted in a guest of each role."""

BASE_FOLDER = "wizard-base"
"""Below the folder of guests: base images, shared by all guests of a hypervisor."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a guest's network card hangs on."""

    kind: Literal["bridge", "direct"]
    """`direct` is macvtap: the guest shares a card of the host, and the two cannot talk to each other."""
    source: str
    """The bridge, or the card."""


@dataclass(frozen=True, slots=True)
class DataDisk:
    """A second disk."""

    size: int
    """Bytes; 0 where it is a device, which has the size it has."""
    device: str = ""
    """A block device of the host; empty = an image of ours."""
    folder: str = ""
    """Where the image lies; ours alone."""

    @property
    def source(self) -> str:
        """What is handed to the guest."""
        return self.device or f"{self.folder}/data.raw"


@dataclass(frozen=True, slots=True)
class GuestPlan:
    """One guest as it shall be."""

    name: str
    role: MachineRole
    host: str
    driver: Driver
    arch: str
    """`amd64` or `arm64`."""
    cluster: str
    lineage: str
    vm_dir: str
    cpus: int
    memory: int
    """Bytes."""
    disk: int
    """Bytes of the system disk."""
    data: DataDisk | None
    attachment: Attachment
    address: str
    prefix: int
    gateway: str
    resolvers: tuple[str, ...]
    domain: str
    mtu: int | None = None
    given_mac: str | None = None
    iotune: tuple[tuple[str, int], ...] = ()
    """Limits of the data disk as libvirt names them (`total_iops_sec`): measured later, none at first."""

    @property
    def folder(self) -> str:
        """Where everything of this guest lies on its host."""
        return f"{self.vm_dir}/{self.name}"

    @property
    def mac(self) -> str:
        """As the spec says, else derived."""
        return self.given_mac or mac_address(self.lineage, self.name)

    @property
    def uuid(self) -> str:
        """What libvirt knows it by."""
        return domain_uuid(self.lineage, self.name)

    @property
    def serial(self) -> str:
        """Of its data disk."""
        return data_serial(self.lineage, self.name)

    @property
    def data_uuid(self) -> str:
        """Of the file system on its data disk."""
        return data_uuid(self.lineage, self.name)

    @property
    def instance_id(self) -> str:
        """What its cloud-init goes by."""
        return instance_id(self.lineage, self.name)

    @property
    def mount(self) -> str:
        """Where its data disk is mounted."""
        return DATA_MOUNT[self.role]

    @property
    def definition(self) -> str:
        """16 hex digits over the hardware it is given: another digest means it must be defined anew.

        It is taken over what was asked for and not over the XML, so that a newer wizard restarts no guest of an older.
        """
        data = self.data.source if self.data else ""
        words = (
            self.driver,
            str(self.cpus),
            str(self.memory),
            *(self.attachment.kind, self.attachment.source, self.mac, data),
            *(f"{key}={value}" for key, value in self.iotune),
        )
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
