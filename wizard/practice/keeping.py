"""The simulated homelab on the disk: what its hosts would keep if the wizard were killed, in one file of JSON.

Deleted with its folder, read by nobody but practice. What is on the hosts is in it, their keys too: mode 0600.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.errors import StateError
from wizard.core.files import read_private, remove_temps, write_private
from wizard.core.spec import ClusterSpec
from wizard.practice.codec import decode, encode, fill
from wizard.practice.hardware import furnish
from wizard.practice.machine import Machine
from wizard.practice.traces import Traces
from wizard.practice.world import World, new_world

WORLD_SCHEMA = 1
"""Version of the file's format."""

Sections = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class WorldFile:
    """Where a world is kept."""

    path: Path
    traces: Traces = field(default_factory=Traces)
    """What faults of this run did to the world: it is kept as it would be without them."""
    _fresh: dict[str, Sections] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def open(self, spec: ClusterSpec, seed: int | None) -> World:
        """The world as it was left, with what the spec has in it since; a new one where there is none.

        Args:
            spec: the hosts and machines there are to be.
            seed: of a new world; one that is there keeps its own.

        Raises:
            StateError: the file cannot be read.
        """
        raw = read_private(self.path)
        kept = {} if raw is None else self._document(raw)
        world = _new(spec, _seed(kept, seed))
        self._fresh = {name: dict(one.sections) for name, one in world.machines.items()}
        if kept:
            try:
                self._take(kept, world)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                raise self._damaged(f"It holds what practice never writes: {error}") from error
        return world

    def _take(self, kept: dict[str, Any], world: World) -> None:
        fill(world, kept["world"])
        for name, told in kept["machines"].items():
            self._settle(world, name, told)

    def _settle(self, world: World, name: str, told: dict[str, Any]) -> None:
        """Put a machine back; one that was never made is as the spec has it now."""
        planned = world.machines.get(name)
        machine: Machine = decode(Machine, told["machine"])
        if machine.carrier and planned is not None and machine.disks == ("", ""):
            return
        fresh = self._fresh.setdefault(name, {})
        removed = set(told["without"])
        sections = {key: rows for key, rows in fresh.items() if key not in removed}
        machine.sections = sections | decode(dict[str, tuple[str, ...]], told["sections"])
        if planned is not None and not machine.carrier:
            machine.address = planned.address
        machine.world, machine.guard = world, world.guard
        world.machines[name] = machine

    def save(self, world: World, touched: Iterable[str] | None = None) -> None:
        """Write the world.

        Args:
            world: as it is now; the caller holds its guard.
            touched: names of the machines that may have changed since the last save; None = any.

        Raises:
            StateError: it could not be written.
        """
        if touched is None or not self._texts:
            remove_temps(self.path)
            touched = world.machines
        with self.traces.taken_back():
            for name in {*touched, *world.machines.keys() - self._texts.keys()}:
                self._texts[name] = json.dumps(self._machine(name, world.machines[name]))
            text = json.dumps({"schema": WORLD_SCHEMA, "world": encode(world)})[:-1]
        rows = ",\n".join(f"{json.dumps(name)}: {self._texts[name]}" for name in world.machines)
        write_private(self.path, f'{text}, "machines": {{\n{rows}\n}}}}\n'.encode())

    def _machine(self, name: str, machine: Machine) -> dict[str, object]:
        fresh = self._fresh.get(name, {})
        return {
            "machine": encode(machine),
            "sections": {key: list(rows) for key, rows in machine.sections.items() if fresh.get(key) != rows},
            "without": [key for key in fresh if key not in machine.sections],
        }

    def _document(self, raw: bytes) -> dict[str, Any]:
        try:
            document = json.loads(raw)
            schema = int(document["schema"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"It is no JSON of ours: {error}") from error
        if schema != WORLD_SCHEMA:
            raise self._damaged(f"It was written by another version of the wizard (format {schema}).")
        return dict(document)

    def _damaged(self, why: str) -> StateError:
        return StateError(
            "The practice homelab cannot be read.",
            where=str(self.path),
            why=why,
            do=(
                f"rm -r {self.path.parent}    # nothing real is lost: the next wizard practice makes a new one",
            ),
        )


def _seed(kept: dict[str, Any], seed: int | None) -> int:
    found = kept.get("world", {}).get("seed")
    return found if isinstance(found, int) else seed or 0


def _new(spec: ClusterSpec, seed: int) -> World:
    world = new_world(spec, seed)
    for host in spec.hosts:
        furnish(world.machines[host.name])
    return world
