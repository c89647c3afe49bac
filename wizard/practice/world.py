"""The homelab that practice begins with: hosts nobody has touched, as the lab's hosts described themselves.

`assets/practice/NAME.facts` are made from the recordings: `python -m tests.recordings.practice_facts`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.core.spec import ClusterSpec
from wizard.core.spec.model import HostSpec
from wizard.payload.etcd_backup import RECEIVER, RECEIVER_UNRAID
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.lan import ROUTER_MAC, Lan
from wizard.practice.machine import NOT_KEPT, Domain, Machine, read_sections

RECORDED = {"libvirt": "tower-a", "unraid": "tower-b", "pi": "pi"}
"""Which recorded host stands for a platform."""

BACKUPS = "/mnt/user/backups"
"""A folder that whoever owns these hosts has made on each hypervisor; the example names it for backups."""

_LOCAL = re.compile(r"127\.|172\.17\.")
"""Addresses that a host gives itself: loopback and docker's own bridge."""


@dataclass(slots=True)
class World:
    """Machines that can see each other, and what they make up together."""

    machines: dict[str, Machine] = field(metadata=NOT_KEPT)
    """By name; those of the spec that nobody made yet are there and switched off."""
    dead: set[str] = field(default_factory=set, metadata=NOT_KEPT)
    """Names of those without power."""
    hangs: set[str] = field(default_factory=set, metadata=NOT_KEPT)
    """Names of guests whose boot never ends."""
    clusters: dict[int, EtcdCluster] = field(default_factory=dict)
    """Every etcd cluster that was ever formed here, by its id."""
    lan: Lan = field(default_factory=Lan)
    """What else answers on their network."""
    made: int = 0
    """Disks that were made so far."""
    seed: int = 0
    """Names nothing, but gives every host ids of its own."""
    rate: float = 1.0
    """Seconds of it that went by in one of ours when it was last open."""
    boot_seconds: float = field(default=0.0, metadata=NOT_KEPT)
    """How long a boot takes, seconds of ours."""
    guard: threading.RLock = field(default_factory=threading.RLock, metadata=NOT_KEPT)

    def runs(self, guest: Machine) -> bool:
        """Whether a guest's host lets it run."""
        carrier = self.machines[guest.carrier]
        domain = carrier.domains.get(guest.name)
        return carrier.alive and domain is not None and domain.state == "running"

    def at(self, address: str) -> Machine | None:
        """The machine that answers at an address, be it its own or one that moves."""
        own = (one for one in self.machines.values() if one.address == address and one.alive)
        return next(own, None) or next(iter(self.holders(address)), None)

    def holders(self, address: str) -> tuple[Machine, ...]:
        """The machines that have an address that moves between them: one, unless something is wrong."""
        return tuple(
            one
            for one in self.machines.values()
            if one.keepalived.state == "MASTER"
            and one.keepalived.address == address
            and not one.keepalived.robbed
            and one.alive
        )

    def new_disk(self) -> str:
        """What tells a disk made just now from every other."""
        self.made += 1
        return f"disk {self.made}"

    def guests_of(self, host: Machine) -> Iterator[tuple[Domain, Machine]]:
        """The guests of a host that this world knows as machines."""
        for domain in host.domains.values():
            known = self.machines.get(domain.name)
            if known and known.carrier == host.name:
                yield domain, known

    def seen_from(self, name: str) -> list[str]:
        """The machines that may be others after something was done on one of them.

        Args:
            name: of the machine: its guests go with it, etcd members and nodes tell each other, and members hand their
                backups to hypervisors.
        """
        found = [
            one.name
            for one in self.machines.values()
            if one.etcd.wanted
            or one.etcd.enabled
            or one.k3s.wanted
            or one.k3s.enabled
            or one.carrier == name
            or not one.files.keys().isdisjoint((RECEIVER, RECEIVER_UNRAID))
        ]
        return list(dict.fromkeys([name, *found]))

    def go_by(self, rate: float) -> None:
        """Let its time go by at another rate: boots that are under way end sooner or later.

        Args:
            rate: its seconds in one of ours.
        """
        now = time.time()
        for machine in self.machines.values():
            left = machine.up_at - now
            if left > 0:
                machine.up_at = now + left * self.rate / rate
        self.rate = rate

    def restart(self, name: str) -> None:
        """Cut a host's power and switch it on again: what starts by itself is there again.

        Args:
            name: of a host or guest.
        """
        from wizard.practice.boot import start

        host = self.machines[name]
        host.reboot()
        for domain, guest in list(self.guests_of(host)):
            guest.reboot()
            domain.state, domain.reason = "shut off", "destroyed"
            if domain.autostart:
                start(host, domain)


def homelab(spec: ClusterSpec, seed: int = 0) -> dict[str, Machine]:
    """The machines of a new world by name, see `new_world`."""
    return new_world(spec, seed).machines


def new_world(spec: ClusterSpec, seed: int = 0) -> World:
    """A fresh machine for every host of the spec, and one that is not there yet for every guest of it.

    Args:
        spec: hosts without a platform are, in turn, a Debian and an Unraid hypervisor; a witness is a Pi.
        seed: another one gives the hosts other ids.
    """
    machines = {host.name: machine(host, _platform(spec, host), seed) for host in spec.hosts}
    for made in machines.values():
        # Whether there is KVM was said by the machine beneath the lab, which is another one each time.
        made.sections["host"] = tuple(line for line in made.sections["host"] if line != "kvm=1")
    for one in spec.machines:
        machines[one.name] = Machine(one.name, one.address, {}, carrier=one.host, up=False)
    for host in spec.hypervisors:
        machines[host.name].folders |= {BACKUPS, *([spec.backup.target] if spec.backup else [])}
    router = spec.network.gateway
    offered = (spec.network.dhcp.first, router)
    world = World(machines, lan=Lan(strangers={router: (ROUTER_MAC,)}, offers=[offered]), seed=seed)
    for known in machines.values():
        known.world, known.guard = world, world.guard
    return world


def _platform(spec: ClusterSpec, host: HostSpec) -> str:
    if host.platform:
        return host.platform
    if host.role == "witness":
        return "pi"
    towers = [one.name for one in spec.hosts if one.role == host.role]
    return ("libvirt", "unraid")[towers.index(host.name) % 2]


def machine(host: HostSpec, platform: str, seed: int = 0) -> Machine:
    """One host of the world, with a name, an address and ids of its own.

    Args:
        host: of the spec.
        platform: `libvirt`, `unraid` or `pi`.
        seed: of the world.
    """
    text = asset_text(f"practice/{RECORDED[platform]}.facts")
    sections = read_sections(text)
    text = re.sub(rf"(?<![\d.]){re.escape(_address(sections))}(?![\d.])", host.address, text)
    sections = read_sections(text)
    sections["nics"] = tuple(_own_mac(line, host.name) for line in sections.get("nics", ()))
    ids = hashlib.sha256(f"{seed} {host.name}".encode()).hexdigest()
    sections["file /proc/sys/kernel/hostname"] = (host.name,)
    sections["file /etc/machine-id"] = (ids[:32],)
    sections["file /proc/sys/kernel/random/boot_id"] = (str(uuid.UUID(ids[32:])),)
    return Machine(host.name, host.address, sections)


def _own_mac(line: str, name: str) -> str:
    """A recorded interface with a MAC of its own: two hosts may be made of one recording."""

    def own(found: re.Match[str]) -> str:
        digits = hashlib.sha256(f"{name} {found[1]}".encode()).hexdigest()
        return "address=02:42:" + ":".join(digits[i : i + 2] for i in range(0, 8, 2))

    return re.sub(r"address=(02:42:\S+)", own, line)


def _address(sections: dict[str, tuple[str, ...]]) -> str:
    """The address the recorded host had on its network."""
    found = re.findall(r" inet ([0-9.]+)/", "\n".join(sections["addresses"]))
    return next(str(address) for address in found if not _LOCAL.match(address))
