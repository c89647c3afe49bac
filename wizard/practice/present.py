"""What read/present prints on a simulated host: what was laid on it, and what of ours looks like it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.core.host import Args
from wizard.payload.k3s_config import CONFIG
from wizard.payload.k3s_unit import BINARY
from wizard.practice.answer import Answer
from wizard.practice.k3s_certificates import DATA
from wizard.practice.k3s_process import ROLES, has_data, version_of
from wizard.practice.machine import Machine, write_sections
from wizard.practice.occupants import Occupant, holds, occupants_of

Sections = dict[str, tuple[str, ...]]

ASKED_OF_ITS_API = ("k3s", "kubeadm")
"""Whose nodes are only told by its own programs."""

NAMED = re.compile(r"^(datastore-endpoint|server): *[\"']*([^\"'\n]*)", re.MULTILINE)
"""The keys of K3s' configuration that tell whose it is."""


def present(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """What lives on the host, in its own words; a member and a node of ours are an etcd and a K3s like any other there."""
    sections: Sections = {}
    for one in occupants_of(machine):
        sections[one.kind] = tuple(
            line.format(address=machine.address, name=machine.name)
            for line in one.told
            if args["count"] == "yes" or not line.startswith(_counted(one))
        )
    if machine.etcd.wanted and not machine.etcd.said and not holds(machine, 2380):
        sections.setdefault(
            "etcd", ("program=/usr/local/bin/etcd", "unit=etcd.service", f"name={machine.name}")
        )
    if has_data(machine, *ROLES):
        sections.setdefault("k3s", tuple(_node(machine)))
    return Answer(write_sections({**sections, "end": ()}))


def _counted(one: Occupant) -> tuple[str, ...]:
    return ("bytes=", "node=") if one.kind in ASKED_OF_ITS_API else ("bytes=",)


def _node(machine: Machine) -> Iterator[str]:
    if BINARY in machine.files:
        yield f"package={BINARY}"
        yield f"version={version_of(machine)}"
    yield f"role={'server' if has_data(machine, 'server') else 'agent'}"
    yield f"data={DATA}"
    config = machine.files.get(CONFIG)
    if config is not None:
        yield from (f"{key}={value}" for key, value in NAMED.findall(config.content.decode()))
