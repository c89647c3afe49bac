"""The address of the Kubernetes API: one of the servers has it, and another takes it when that one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from steps import address_checks as checks
from steps.address_seen import (
    Server,
    files_of,
    flaw,
    group,
    look_at_all,
)
from steps.k3s_seen import READ_SECONDS as NODE_SECONDS
from steps.k3s_seen import address_args
from steps.parse.keepalived import KeepalivedSeen, parse_keepalived
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, When
from wizard.core.context import Context, Work
from wizard.core.errors import RESUMES, CancelledError, RemoteError
from wizard.core.spec.model import MachineSpec
from wizard.core.step import Step
from wizard.payload.etcd_files import bundle
from wizard.payload.keepalived import CONFIG, DROP_IN, READY

READ = "read/keepalived"
READ_SECONDS = 45.0
"""Deadline of the read while the address is waited for: it asks two API servers, each for some seconds at most."""

CONFIGURE_SECONDS = 60.0
"""Deadline of setting it up: systemd may be busy."""

MOVE_SECONDS = 90.0
"""How long the address may take to be somewhere: five seconds are usual, on a busy machine the API takes its time."""

CRASHES = 5
"""Starts in a row that ended at once after which waiting longer is in vain."""

CHECK_SECONDS = NODE_SECONDS + 10
"""A check may be the one that asks the servers first."""

WIRE_SECONDS = 90.0
"""A look at the wire."""


class ApiAddress(Step):
    """Servers do not need it, everybody else does: agents when they join, and whoever uses the cluster."""

    id = "api-address"
    title = "API address"
    summary = "One address for the API of all servers, which moves when its owner fails"
    needs = ("k3s-servers", "packages")

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: nobody else has it. After: one server has it, and another one could."""
        wanted = ctx.spec.servers()
        if not wanted:
            return
        yield Check(
            "address.foreign",
            "Nobody else has the address of the API",
            checks.free,
            When.BEFORE,
            Level.FATAL,
            timeout=WIRE_SECONDS,
        )
        for machine in wanted:
            run = partial(checks.boot, machine=machine)
            yield _after("address.boot", f"{machine.name} takes part in the address of the API", run, machine)
        yield _after("address.one_owner", "Exactly one server has the address of the API", checks.one_owner)
        yield _after("address.answers", "The API answers at its address", checks.answers)
        yield Check(
            "address.standby",
            "Another server can take the address of the API",
            checks.standby,
            level=Level.WARNING,
            timeout=CHECK_SECONDS,
        )
        yield Check(
            "address.foreign",
            "Only our servers answer at the API's address",
            checks.foreign,
            timeout=WIRE_SECONDS,
        )

    def changes(self, ctx: Context) -> Iterator[Change]:
        """One a server whose part in it is not as it shall be; the owner last, so that the address moves once at most."""
        seen = look_at_all(ctx)
        if not seen:
            return
        number = group(ctx, seen)
        wrong = [one for one in seen if one.known and flaw(ctx.spec, one, number)]
        others = tuple(_key(one.machine) for one in wrong if not one.seen.held)
        for one in wrong:
            yield _set_up(ctx, one, number, others if one.seen.held else ())


def _after(
    check: str, title: str, run: Callable[[Context], Finding], machine: MachineSpec | None = None
) -> Check:
    return Check(check, title, run, host=machine.name if machine else "", timeout=CHECK_SECONDS)


def _key(machine: MachineSpec) -> str:
    return f"address:{machine.name}"


def _set_up(ctx: Context, server: Server, number: int, after: Sequence[str]) -> Change:
    name, address = server.name, ctx.spec.network.api_vip
    new = not server.seen.files
    verb = f"Let {name} share" if new else f"Mend the part of {name} in"
    return Change(
        key=_key(server.machine),
        host=name,
        summary=f"{verb} the API's address {address} (VRRP id {number})",
        preview="\n".join(
            [*(f"writes {path}" for path in (READY, DROP_IN, CONFIG)), "systemctl enable --now keepalived"]
        ),
        weight=8.0,
        do=partial(_do, machine=server.machine, number=number),
        after=tuple(after),
    )


def _do(work: Work, *, machine: MachineSpec, number: int) -> str:
    nic = _look(work, machine).nic
    if not nic:
        raise RemoteError(
            f"No interface of {machine.name} has its address {machine.address}.",
            where=f"{machine.name}, ip address",
            why="The guest's network was changed by hand.",
            do=f"ssh root@{machine.address} ip address",
            again=RESUMES,
        )
    files = bundle(list(files_of(work.spec, machine, nic, number)))
    work.run("do/keepalived-configure", timeout=CONFIGURE_SECONDS, payload=files)
    return _answering(work, machine)


def _look(work: Work, machine: MachineSpec) -> KeepalivedSeen:
    answer = work.host.read(READ, address_args(work.spec, machine), timeout=READ_SECONDS)
    return parse_keepalived(answer.stdout)


def _answering(work: Work, machine: MachineSpec) -> str:
    """Wait until the API answers at the address, whoever has it, telling all the while what is waited for."""
    address, until = work.spec.network.api_vip, work.clock() + MOVE_SECONDS
    while True:
        seen = _look(work, machine)
        if seen.runs and seen.answers is not None and seen.answers.yes:
            role = f"is at {machine.name}" if seen.held else "is at another server"
            return f"the API answers at {address}, which {role}"
        if seen.unit.restarts >= CRASHES or work.clock() >= until:
            raise _silent(work, machine, seen)
        if work.cancelled.is_set():
            raise CancelledError(
                f"{address} was left while it looks for its server.",
                where=machine.name,
                why="You asked to stop.",
                do="wizard apply",
                again=RESUMES,
            )
        work.progress(f"{address}: {_waiting(machine, seen)}", None)
        work.cancelled.wait(1.0)


def _waiting(machine: MachineSpec, seen: KeepalivedSeen) -> str:
    """What is waited for, in words."""
    if not seen.runs:
        return f"keepalived on {machine.name} is {seen.unit.active or 'unknown'}{_quoted(seen.said)}"
    if seen.ready is None or not seen.ready.yes:
        return f"the API of {machine.name} is not ready{_quoted(seen.ready.said if seen.ready else '')}"
    if seen.held:
        return f"{machine.name} has it, the API does not answer there yet"
    return f"{machine.name} waits whether another server has it"


def _quoted(line: str) -> str:
    return f": {line}" if line else ""


def _silent(work: Work, machine: MachineSpec, seen: KeepalivedSeen) -> RemoteError:
    address = work.spec.network.api_vip
    return RemoteError(
        f"The API does not answer at {address}.",
        where=f"{machine.name}, keepalived.service",
        why=f"{_waiting(machine, seen)}.",
        do=(
            f"ssh root@{machine.address} journalctl -u keepalived -n 50",
            "wizard doctor address",
            "wizard apply",
        ),
        again=RESUMES,
    )
