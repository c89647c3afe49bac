"""keepalived on simulated hosts: which of them has the shared address."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache

from wizard.core.dataclass import dataclass
from wizard.payload.keepalived import CONFIG, READY
from wizard.practice.machine import Machine
from wizard.practice.world import World

Serves = Callable[[Machine], bool]
"""Whether the API of a machine is ready."""


@dataclass(frozen=True, slots=True)
class Config:
    """What keepalived was told."""

    address: str
    group: int
    priority: int


def read_config(machine: Machine) -> Config | None:
    """The configuration that lies on a machine; None where there is none that can be read."""
    found = machine.files.get(CONFIG)
    return parse_config(found.content) if found else None


@lru_cache(maxsize=64)
def parse_config(content: bytes) -> Config | None:
    """A keepalived.conf; None where it is none.

    Args:
        content: of the file.
    """
    text = content.decode("utf-8", "replace")
    group, priority = (re.search(rf"{key} ([0-9]+)", text) for key in ("virtual_router_id", "priority"))
    address = re.search(r"virtual_ipaddress \{\s+([0-9.]+)", text)
    if not (group and priority and address):
        return None
    return Config(address[1], int(group[1]), int(priority[1]))


def settle_address(world: World, serves: Serves) -> None:
    """Let the running keepalived agree on who has the address.

    Args:
        world: they stand in.
        serves: asked of each machine that takes part.
    """
    sharing: dict[tuple[str, int], list[Machine]] = defaultdict(list)
    for machine in world.machines.values():
        unit, config = machine.keepalived, read_config(machine)
        if not unit.wanted or config is None:
            unit.state = ""
        elif machine.alive:
            unit.address = config.address
            takes_part = says_ready(machine, serves)
            unit.state = (unit.state if unit.state == "MASTER" else "BACKUP") if takes_part else "FAULT"
            if takes_part:
                sharing[config.address, config.group].append(machine)
    for machines in sharing.values():
        _agree(machines)


def says_ready(machine: Machine, serves: Serves) -> bool:
    """What its script says: one that asks no API has nothing against it."""
    script = machine.files.get(READY)
    return script is not None and (b"readyz" not in script.content or serves(machine))


def _agree(machines: Sequence[Machine]) -> None:
    """Nobody takes it from one that has it; of two that have it the one with the lower priority lets go."""
    listening = [one for one in machines if not one.keepalived.deaf]
    ranked = sorted(listening, key=_priority, reverse=True)
    masters = [one for one in ranked if one.keepalived.state == "MASTER"]
    owner = next(iter(masters or ranked), None)
    for one in machines:
        one.keepalived.state = "MASTER" if one is owner or one.keepalived.deaf else "BACKUP"


def _priority(machine: Machine) -> int:
    config = read_config(machine)
    return config.priority if config else 0
