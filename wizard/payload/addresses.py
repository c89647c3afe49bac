"""Names and numbers a guest is known by, derived from the cluster's lineage: the same at every look, and nobody else's."""

from __future__ import annotations

import uuid

LOCAL_PREFIX = "52:54:00"
"""Of virtual network cards; its second bit says that no vendor gave it out."""

SERIAL_LENGTH = 20
"""Bytes a virtio disk keeps of its serial number."""


def derived(lineage: str, name: str, what: str) -> uuid.UUID:
    """A UUID of its own for each thing of each machine.

    Args:
        lineage: of the cluster.
        name: of the machine.
        what: `domain`, `data`, `mac` ...
    """
    return uuid.uuid5(uuid.NAMESPACE_URL, f"homelab-wizard:{lineage}/{name}/{what}")


def mac_address(lineage: str, name: str) -> str:
    """The MAC address of a machine the spec gives none, lower case with colons."""
    tail = derived(lineage, name, "mac").bytes[:3]
    return ":".join((LOCAL_PREFIX, *(f"{byte:02x}" for byte in tail)))


def domain_uuid(lineage: str, name: str) -> str:
    """What libvirt knows the guest by; its machine id comes from it."""
    return str(derived(lineage, name, "domain"))


def data_uuid(lineage: str, name: str) -> str:
    """Of the file system on the data disk."""
    return str(derived(lineage, name, "data"))


def data_serial(lineage: str, name: str) -> str:
    """Of the data disk, `wd` and 16 hex digits."""
    return f"wd{derived(lineage, name, 'disk').hex[:16]}"


def instance_id(lineage: str, name: str) -> str:
    """What cloud-init tells a first boot from a later one by."""
    return f"i-{derived(lineage, name, 'instance').hex}"
