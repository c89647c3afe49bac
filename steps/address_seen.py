"""The address of the API as it stands: what the servers say of it, and what that makes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from steps import k3s_seen
from steps.installed_files import files_flaw
from steps.parse.keepalived import KeepalivedSeen
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.decide.wire_kept import last_wire
from wizard.core.decide.wire_verdict import groups
from wizard.core.spec.model import ClusterSpec, MachineSpec
from wizard.payload.etcd_files import MemberFile
from wizard.payload.keepalived import Sharing, keepalived_files


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


def look(ctx: Context, machine: MachineSpec) -> Server:
    """One server as it stands: its node was asked about the address, too.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    return _server(k3s_seen.look(ctx, machine))


def look_at_all(ctx: Context) -> tuple[Server, ...]:
    """Every server, asked side by side; one that cannot be asked is known as such."""
    return tuple(_server(node) for node in k3s_seen.look_at(ctx, ctx.spec.servers()))


def _server(node: k3s_seen.Node) -> Server:
    return Server(node.machine, node.seen.address, known=node.known, present=node.present)


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
    wrong = files_flaw(files_of(spec, server.machine, seen.nic, number), seen.files)
    if wrong:
        return wrong
    if not seen.unit.enabled:
        return "keepalived does not start at boot"
    return "" if seen.runs else f"keepalived is {seen.unit.active or 'unknown'}"


def names(found: Sequence[Server]) -> str:
    """For people: `server-a and server-b`."""
    return " and ".join(one.name for one in found)
