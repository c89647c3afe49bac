"""The nodes of K3s as they stand: each asked once, all of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from steps.parse.k3s import K3sSeen, parse_k3s
from steps.side_by_side import side_by_side
from wizard.core.artifact import ARCH
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts
from wizard.core.host import Args, ScriptResult
from wizard.core.spec.model import ClusterSpec, MachineSpec
from wizard.payload.k3s_unit import NAMES, Role

READ = "read/k3s"
READ_SECONDS = 75.0
"""Deadline of the one read: every question in it has its own; hashing what has no noted digest takes longest, and a
server is asked about the address of the API as well."""

ROLES: dict[str, Role] = {"server": "server", "storage": "agent", "worker": "agent"}
"""What a guest is in K3s; the others are no nodes."""


def nodes_of(spec: ClusterSpec) -> tuple[MachineSpec, ...]:
    """The nodes in the order of their beginning: servers first."""
    return (*spec.servers(), *agents_of(spec))


def agents_of(spec: ClusterSpec) -> tuple[MachineSpec, ...]:
    """The nodes that are agents."""
    return tuple(machine for machine in spec.nodes() if machine.role != "server")


def read_args(*, wait: int = 0) -> Args:
    """The arguments of a read that is about K3s alone.

    Args:
        wait: seconds a starting unit is waited for on its host.
    """
    return {"wait": str(wait), "own": "", "address": ""}


def address_args(spec: ClusterSpec, machine: MachineSpec) -> Args:
    """What a server is asked about the address of the API; an agent has no part in it."""
    return {"own": machine.address, "address": spec.network.api_vip} if machine.role == "server" else {}


@dataclass(frozen=True, slots=True)
class Node:
    """One node as it stands."""

    machine: MachineSpec
    seen: K3sSeen = field(default_factory=K3sSeen)
    """Blank for a guest that is still to be made: that is how it will be."""
    known: bool = True
    """False where it could not be asked; then nothing is decided about it."""
    present: bool = True
    """It can be asked: a guest that runs."""

    @property
    def name(self) -> str:
        """Of the node and of its guest."""
        return self.machine.name

    @property
    def role(self) -> Role:
        """What it is in K3s."""
        return ROLES[self.machine.role]

    @property
    def unit(self) -> str:
        """The unit it shall have."""
        return NAMES[self.role]

    @property
    def runs(self) -> bool:
        """Its unit, and no other, is up."""
        return self.seen.runs and self.seen.name == self.unit

    @property
    def enabled(self) -> bool:
        """Its unit, and no other, starts at boot."""
        return self.seen.unit.enabled and self.seen.name == self.unit


def look(ctx: Context, machine: MachineSpec) -> Node:
    """One node as it stands; a guest that is still to be made is as a new one will be.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    if not ctx.present(machine.name):
        return Node(machine, known=ctx.guest(machine.name) is None, present=False)
    args = {**read_args(), **address_args(ctx.spec, machine)}
    return Node(machine, ctx.ask(machine.name, READ, args, timeout=READ_SECONDS, parse=_parsed))


def _parsed(answer: ScriptResult) -> K3sSeen:
    return parse_k3s(answer.stdout)


def ours(ctx: Context, machine: MachineSpec) -> bool:
    """Whether a guest is a node of this cluster already.

    Raises:
        HostError: it cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    lineage = ctx.lineage_on(machine.host)
    return bool(lineage) and look(ctx, machine).seen.node.lineage == lineage


def look_at(ctx: Context, machines: Sequence[MachineSpec]) -> list[Node]:
    """Several nodes, asked side by side; one that cannot be asked is known as such."""
    return side_by_side(
        machines, lambda machine: look(ctx, machine), lambda machine, _: Node(machine, known=False)
    )


def arch_of(ctx: Context, machine: MachineSpec) -> str:
    """Of a guest, as publishers call it: that of its hypervisor."""
    facts = ctx.try_facts(machine.host)
    return ARCH.get(facts.arch, facts.arch) if isinstance(facts, HostFacts) else "amd64"
