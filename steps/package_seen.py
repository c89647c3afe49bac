"""The packages of guests: which are wanted where, and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from steps.parse.packages import PackagesSeen, parse_packages
from steps.side_by_side import side_by_side
from wizard.core.artifact import ARCH
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts
from wizard.core.host import ScriptResult
from wizard.core.packages import Deb, load_packages
from wizard.core.spec.model import MachineSpec

READ = "read/packages"
READ_SECONDS = 60.0
"""Deadline of the one read: dpkg's list is small, a busy SD card is not quick."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one host shall have, and has."""

    name: str
    roots: tuple[str, ...]
    """The packages wanted for themselves."""
    debs: tuple[Deb, ...]
    """These and everything a stock Debian lacks for them."""
    seen: PackagesSeen = field(default_factory=PackagesSeen)
    known: bool = True
    """False where it could not be asked; then nothing is decided about it."""
    present: bool = True
    """It can be asked: a guest that is still to be made has nothing yet."""

    @property
    def missing(self) -> tuple[Deb, ...]:
        """What has to be brought there."""
        return tuple(deb for deb in self.debs if not self.seen.right(deb.name, deb.version))

    @property
    def lacking(self) -> tuple[str, ...]:
        """The wanted packages that are not there, not configured or too old."""
        missing = {deb.name for deb in self.missing}
        return tuple(root for root in self.roots if root in missing)

    @property
    def broken(self) -> tuple[tuple[str, str], ...]:
        """Those of ours that dpkg did not bring to their end."""
        ours = {deb.name for deb in self.debs}
        return tuple((name, state) for name, state in self.seen.broken if name in ours)

    @property
    def incomplete(self) -> bool:
        """Whether something has to be done."""
        return bool(self.lacking or self.broken or self.seen.cut_off)


def roots_of(ctx: Context, machine: MachineSpec) -> tuple[str, ...]:
    """The packages a guest is given for its role, and for being a virtual machine where it is one."""
    return load_packages().wanted(machine.role, ctx.spec.host(machine.host).guests)


def supplied(ctx: Context, *, members: bool) -> list[MachineSpec]:
    """The guests of the spec that are given packages.

    Args:
        ctx: this pass.
        members: those of etcd, as opposed to all others.
    """
    guests = (machine for machine in ctx.spec.machines if (machine.role == "etcd") == members)
    return [machine for machine in guests if roots_of(ctx, machine)]


def look(ctx: Context, machine: MachineSpec) -> Wanted:
    """One guest as it stands; one that is still to be made is as a new one will be.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    return look_at(ctx, machine.name, machine.host, roots_of(ctx, machine))


def look_at(ctx: Context, name: str, host: str, roots: tuple[str, ...]) -> Wanted:
    """What is there of some packages and of what they need, on a host or guest.

    Args:
        ctx: this pass.
        name: of the host or guest.
        host: the machine it runs on; itself where it is a host.
        roots: the packages.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    facts = ctx.try_facts(host)
    arch = ARCH.get(facts.arch, "amd64") if isinstance(facts, HostFacts) else "amd64"
    debs = load_packages().closure(roots, arch)
    if not ctx.present(name):
        return Wanted(name, roots, debs, known=name == host or ctx.guest(name) is None, present=False)
    args = {"names": " ".join(f"{deb.name}={deb.version}" for deb in debs)}
    return Wanted(name, roots, debs, ctx.ask(name, READ, args, timeout=READ_SECONDS, parse=_parsed))


def _parsed(answer: ScriptResult) -> PackagesSeen:
    return parse_packages(answer.stdout)


def look_everywhere(ctx: Context, machines: Sequence[MachineSpec]) -> list[Wanted]:
    """Guests that are given packages, asked side by side; one that cannot be asked is known as such."""
    return side_by_side(
        machines,
        lambda machine: look(ctx, machine),
        lambda machine, _: Wanted(machine.name, (), (), known=False),
    )
