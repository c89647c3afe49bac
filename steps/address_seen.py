"""The address of the API as it stands: each server asked once, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from steps.parse.keepalived import KeepalivedSeen, parse_keepalived
from steps.side_by_side import side_by_side
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.decide.wire_kept import last_wire
from wizard.core.decide.wire_verdict import groups
from wizard.core.host import Args, ScriptResult
from wizard.core.spec.model import ClusterSpec, MachineSpec
from wizard.payload.etcd_files import MemberFile
from wizard.payload.keepalived import Sharing, keepalived_files

READ = "read/keepalived"
READ_SECONDS = 45.0
"""Deadline of the one read: it asks two API servers, each for some seconds at most."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server as it stands."""

    machine: MachineSpec
    seen: KeepalivedSeen = field(default_factory=KeepalivedSeen)
    """Blank for a guest that is still to be made: that is how it will be."""
    known: bool = True
    """False where it could not be asked; then nothing is decided about it."""
    present: bool = True
    """It can be asked: it runs."""

    @property
    def name(self) -> str:
        """Of the guest."""
        return self.machine.name


def read_args(spec: ClusterSpec, machine: MachineSpec) -> Args:
    """The arguments of the one read."""
    return {"own": machine.address, "address": spec.network.api_vip}


def look(ctx: Context, machine: MachineSpec) -> Server:
    """One server as it stands; a guest that is still to be made is as a new one will be.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    if not ctx.present(machine.name):
        return Server(machine, known=ctx.guest(machine.name) is None, present=False)
    args = read_args(ctx.spec, machine)
    return Server(machine, ctx.ask(machine.name, READ, args, timeout=READ_SECONDS, parse=_parsed))


def _parsed(answer: ScriptResult) -> KeepalivedSeen:
    return parse_keepalived(answer.stdout)


def look_at_all(ctx: Context) -> tuple[Server, ...]:
    """Every server, asked side by side; one that cannot be asked is known as such."""
    return tuple(
        side_by_side(
            ctx.spec.servers(),
            lambda machine: look(ctx, machine),
            lambda machine, _: Server(machine, known=False),
        )
    )


def group(ctx: Context, seen: Sequence[Server]) -> int:
    """The VRRP id of the address: the one in use, unless somebody else was heard with it; else one that is free.

    Args:
        ctx: this pass.
        seen: the servers.

    Raises:
        StateError: our file of measurements cannot be read.
    """
    wire = last_wire(ctx.measurements, [host.name for host in ctx.spec.hypervisors])
    heard = groups(ctx.spec, ctx.spec.machines, wire)
    used = next((one.seen.group for one in seen if one.seen.group is not None), None)
    return heard.ours if used is None or used in heard.taken else used


def files_of(spec: ClusterSpec, machine: MachineSpec, nic: str, number: int) -> tuple[MemberFile, ...]:
    """What shall lie on a server.

    Args:
        spec: what is wanted.
        machine: the server.
        nic: the interface that has its own address.
        number: the VRRP id.
    """
    all_ = spec.servers()
    others = tuple(one.address for one in all_ if one.name != machine.name)
    place = [one.name for one in all_].index(machine.name)
    address = spec.network.api_vip
    return keepalived_files(Sharing(machine.name, machine.address, others, nic, address, number, place))


def flaw(spec: ClusterSpec, server: Server, number: int) -> str:
    """What keeps a server from taking part, or from doing so after a reboot; empty where nothing does.

    Args:
        spec: what is wanted.
        server: as it stands.
        number: the VRRP id.
    """
    seen = server.seen
    for file in files_of(spec, server.machine, seen.nic, number):
        there = seen.files.get(file.path)
        if there is None:
            return f"{file.path} is not there"
        if (there.digest, there.mode, there.owner) != (file.digest, file.mode, file.owner):
            return f"{file.path} is not as it shall be"
    if not seen.unit.enabled:
        return "keepalived does not start at boot"
    return "" if seen.runs else f"keepalived is {seen.unit.active or 'unknown'}"


def names(found: Sequence[Server]) -> str:
    """For people: `server-a and server-b`."""
    return " and ".join(one.name for one in found)
