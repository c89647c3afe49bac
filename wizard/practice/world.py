"""The homelab that practice begins with: hosts nobody has touched, as the lab's hosts described themselves.

`assets/practice/NAME.facts` are made from the recordings: `python -m tests.recordings.practice_facts`.
"""

from __future__ import annotations

import hashlib
import re
import uuid

from wizard.core.resources import asset_text
from wizard.core.spec import ClusterSpec
from wizard.core.spec.model import HostSpec
from wizard.practice.machine import Machine, read_sections

RECORDED = {"libvirt": "tower-a", "unraid": "tower-b", "pi": "pi"}
"""Which recorded host stands for a platform."""

_LOCAL = re.compile(r"127\.|172\.17\.")
"""Addresses that a host gives itself: loopback and docker's own bridge."""


def homelab(spec: ClusterSpec) -> dict[str, Machine]:
    """A fresh machine for every host of the spec.

    Args:
        spec: hosts without a platform are, in turn, a Debian and an Unraid hypervisor; a witness is a Pi.
    """
    return {host.name: machine(host, _platform(spec, host)) for host in spec.hosts}


def _platform(spec: ClusterSpec, host: HostSpec) -> str:
    if host.platform:
        return host.platform
    if host.role == "witness":
        return "pi"
    towers = [one.name for one in spec.hosts if one.role == host.role]
    return ("libvirt", "unraid")[towers.index(host.name) % 2]


def machine(host: HostSpec, platform: str) -> Machine:
    """One host of the world, with a name, an address and ids of its own.

    Args:
        host: of the spec.
        platform: `libvirt`, `unraid` or `pi`.
    """
    text = asset_text(f"practice/{RECORDED[platform]}.facts")
    sections = read_sections(text)
    text = re.sub(rf"(?<![\d.]){re.escape(_address(sections))}(?![\d.])", host.address, text)
    sections = read_sections(text)
    ids = hashlib.sha256(host.name.encode()).hexdigest()
    sections["file /proc/sys/kernel/hostname"] = (host.name,)
    sections["file /etc/machine-id"] = (ids[:32],)
    sections["file /proc/sys/kernel/random/boot_id"] = (str(uuid.UUID(ids[32:])),)
    return Machine(host.name, host.address, sections)


def _address(sections: dict[str, tuple[str, ...]]) -> str:
    """The address the recorded host had on its network."""
    found = re.findall(r" inet ([0-9.]+)/", "\n".join(sections["addresses"]))
    return next(str(address) for address in found if not _LOCAL.match(address))
