"""The facts of one host: asked in one round trip, parsed into `HostFacts`."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache

from steps.parse import guests, network, services, system
from steps.parse.disks import disks
from steps.parse.mounts import filesystems, mount_table
from steps.parse.sections import Sections, split_sections
from steps.parse.unraid import unraid
from steps.parse.values import pairs
from wizard.core.errors import RemoteError
from wizard.core.facts import HostFacts
from wizard.core.host import Reader
from wizard.core.text import printable

SCRIPT = "read/facts"
"""The script's name under `assets/remote`."""


def read_facts(reader: Reader) -> HostFacts:
    """Ask a host for its facts.

    Args:
        reader: the host.

    Raises:
        HostError: it cannot be reached or trusted.
        RemoteError: the script failed, or its answer is not whole.
    """
    asked = time.time()
    answer = reader.read(SCRIPT)
    received = answer.at or time.time()
    # The connection may have been made on the way, or the answer been there already, which would blur the clocks.
    sent = received - answer.seconds if answer.seconds > 0 else min(asked, received)
    if answer.exit_code != 0 or "\n== end" not in answer.stdout:
        raise _broken(reader, answer.exit_code, answer.stderr)
    return parse_facts(reader.name, answer.stdout, sent=sent, received=received)


def _broken(reader: Reader, code: int, stderr: str) -> RemoteError:
    said = printable(stderr.strip(), keep_newlines=True)[-400:]
    return RemoteError(
        f"{reader.name} did not tell its facts.",
        where=f"{reader.name} ({reader.address}), script {SCRIPT}",
        why=f"The script ended with exit code {code}"
        + (f": {said}" if said else " and an unfinished answer."),
        do=(f"wizard facts {reader.name}", f"ssh {reader.address} df -h / /tmp"),
    )


def parse_facts(host: str, text: str, *, sent: float, received: float) -> HostFacts:
    """The facts out of the script's answer; whatever is not in it, or not understood, is unknown.

    Args:
        host: the host's name in the spec.
        text: what `read/facts` printed.
        sent: our clock before we asked, epoch seconds.
        received: our clock when the answer was whole.
    """
    sections = split_sections(text)
    return replace(
        _lasting(host, sections.without("begin", "end")),
        taken_at=received,
        seconds=max(0.0, received - sent),
        clock=services.clock(sections, sent=sent, received=received),
        notes=_notes(sections),
    )


@lru_cache(maxsize=64)
def _lasting(host: str, sections: Sections) -> HostFacts:
    """What does not depend on when it was asked: a host asked again has mostly the same to say.

    Args:
        host: the host's name in the spec.
        sections: its answer without its clock.
    """
    mounts = mount_table(sections.file("/proc/mounts"))
    found = disks(sections, mounts)
    spaces = filesystems(sections, mounts, found)
    libvirt, pi, on_unraid = guests.libvirt(sections), system.pi(sections), unraid(sections, mounts, spaces)
    return HostFacts(
        host=host,
        hostname=sections.first("/proc/sys/kernel/hostname"),
        machine_id=sections.first("/etc/machine-id"),
        boot_id=sections.first("/proc/sys/kernel/random/boot_id"),
        kernel=sections.first("/proc/sys/kernel/osrelease"),
        arch=pairs(sections.lines("host")).get("arch", ""),
        bits=system.bits(sections),
        page_size=system.page_size(sections),
        uptime=system.uptime(sections),
        platform="unraid" if on_unraid else "pi" if pi else "libvirt" if libvirt.installed else "linux",
        os=system.os_facts(sections),
        cpu=system.cpu(sections),
        memory=system.memory(sections),
        virtualisation=system.virtualisation(sections),
        libvirt=libvirt,
        docker=guests.docker(sections),
        cgroups=system.cgroups(sections),
        disks=found,
        root_device=next((disk.name for disk in found if "/" in disk.all_mounts), ""),
        filesystems=spaces,
        nics=network.nics(sections),
        default_route=network.default_route(sections),
        dns=network.dns(sections),
        ports=network.ports(sections),
        services=services.services(sections),
        microk8s=system.flag(sections, "microk8s"),
        traces=tuple(name for name in TRACES if system.flag(sections, name)),
        firewall=network.firewall(sections),
        tools=frozenset(sections.lines("tools")),
        pi=pi,
        unraid=on_unraid,
        privileges=system.privileges(sections),
        marker=system.marker(sections),
    )


TRACES = ("swarm", "kubeadm", "k3s", "etcd")
"""Flags of folders that a cluster leaves on a host."""

_WANTED = (
    ("lsblk", "lsblk is missing: disks are read from /sys, without file systems and labels"),
    ("addresses", "ip is missing: no addresses of the network interfaces"),
    ("tools", "the list of programs is missing"),
    ("end", "the answer is not whole"),
)
"""Sections that every host should have, and what their absence means."""


def _notes(sections: Sections) -> tuple[str, ...]:
    notes = [text for name, text in _WANTED if name not in sections]
    if not {"ss", "netstat"} & set(sections.lines("tools")) and not sections.lines("ports"):
        notes.append("ss and netstat are missing: listening ports without the programs behind them")
    return tuple(notes)
