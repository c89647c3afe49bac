"""Simulated hosts behind the same protocol as real ones.

A broken link (see `Faults`) stays broken for longer than the SSH transport tries to mend it: the engine is told at once.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from wizard.core.errors import HostError
from wizard.core.host import READ_SECONDS, Args, Host, Operation, OpStatus, ScriptResult
from wizard.core.secret import Secret
from wizard.core.spec.model import MachineSpec
from wizard.core.text import printable
from wizard.practice.answer import Answer, Handler
from wizard.practice.faults import Faults, link_lost, unreachable
from wizard.practice.first_contact import FirstContact
from wizard.practice.machine import Execution, Machine
from wizard.practice.pace import INSTANT, LAN_SPEED, Pace
from wizard.practice.refusals import not_done, not_stored
from wizard.practice.runlock import PracticeLock
from wizard.practice.scripts import HANDLERS

__all__ = ["PracticeHost", "PracticeHosts", "fingerprint"]

OPERATION_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}")
OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""What the SSH transport takes for one, too."""


Changed = Callable[[str], None]
"""Is called with the name of a host that was changed, before the wizard hears of it."""


def _nobody(_host: str) -> None:
    """Nobody is told of changes."""


class PracticeHost:
    """Answers for one machine of the world.

    What a script does has happened, and is kept, before the time goes by that it takes: a real host goes on, too,
    when the wizard is killed meanwhile.

    Args:
        machine: the simulated host.
        faults: what goes wrong in this world.
        handlers: what each script does.
        pace: how long things take.
        changed: is told of each change.
        contact: has asked what it asks first.
    """

    def __init__(
        self,
        machine: Machine,
        faults: Faults,
        handlers: Mapping[str, Handler] = HANDLERS,
        *,
        pace: Pace = INSTANT,
        changed: Changed = _nobody,
        contact: FirstContact | None = None,
    ) -> None:
        self._machine = machine
        self._faults = faults
        self._handlers = handlers
        self._pace = pace
        self._changed = changed
        self._contact = contact
        self._lock: PracticeLock | None = None

    @property
    def name(self) -> str:
        """The host's name in the spec."""
        return self._machine.name

    @property
    def address(self) -> str:
        """Where a real one would be."""
        return self._machine.address

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        """As `Reader.read`."""
        began = time.monotonic()
        self._before(script)
        with self._machine.guard:
            self._machine.requests += 1
            answer = self._answer(script, args or {}, b"")
        self._spend(script)
        self._after(script)
        return ScriptResult(answer.exit_code, answer.output, answer.stderr, time.monotonic() - began)

    def operation(self, op: str) -> Operation:
        """As `Reader.operation`."""
        self._before("read/operation")
        with self._machine.guard:
            self._machine.requests += 1
            found = self._machine.operations.get(op, Operation(op, OpStatus.ABSENT))
        self._spend("read/operation")
        return found

    def do(
        self,
        script: str,
        args: Args | None = None,
        *,
        op: str,
        payload: bytes | Secret = b"",
        timeout: float,
        on_line: Callable[[str], None] | None = None,
    ) -> Operation:
        """As `Host.do`: an operation that was claimed before is never run again."""
        if not OPERATION_ID.fullmatch(op):
            raise ValueError(f"operation id {op!r}")
        self._hold()
        self._before(script)
        with self._machine.guard:
            self._machine.requests += 1
            begun = self._begin(script, args or {}, _bytes(payload), op)
            done = self._machine.operations[op]
        if begun:
            self._spend(script)
        self._after(script)
        for line in done.output.splitlines():
            if on_line is not None:
                on_line(printable(line))
        if done.exit_code != 0:
            raise not_done(self.name, script, done, timeout)
        return done

    def _begin(self, script: str, args: Args, payload: bytes, op: str) -> bool:
        """Whoever is first has the claim: what was begun once is never begun again, and that is told."""
        machine = self._machine
        if op in machine.operations:
            return False
        if machine.waiting is None:
            self._execute(script, args, payload, op)
        else:
            machine.operations[op] = Operation(op, OpStatus.RUNNING)
            machine.waiting[op] = partial(self._execute, script, args, payload, op)
        self._changed(self.name)
        return True

    def _execute(self, script: str, args: Args, payload: bytes, op: str) -> Operation:
        answer = self._answer(script, args, payload)
        done = Operation(op, OpStatus.DONE, answer.exit_code, answer.output)
        self._machine.operations[op] = done
        self._machine.ran.append(Execution(script, op, tuple(sorted(args.items()))))
        return done

    def _answer(self, script: str, args: Args, payload: bytes) -> Answer:
        if script in self._faults.fail:
            exit_code, output = self._faults.fail[script]
            return Answer(output, exit_code)
        return self._handlers[script](self._machine, args, payload)

    def put(
        self,
        content: bytes | Secret | Path,
        path: str,
        *,
        mode: int = 0o644,
        owner: str = "root:root",
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> bool:
        """As `Host.put`."""
        if not path.startswith("/") or ".." in path.split("/") or not OWNER.fullmatch(owner):
            raise ValueError(f"cannot put to {path!r} for {owner!r}")
        self._hold()
        self._before("put")
        data = _bytes(content)
        digest = hashlib.sha256(data).hexdigest()
        args = {"path": path, "size": str(len(data)), "digest": digest, "mode": f"{mode:o}", "owner": owner}
        with self._machine.guard:
            self._machine.requests += 1
            answer = self._answer("lib/put", args | {"send": "yes", "offset": "0"}, data)
            self._changed(self.name)
        speed = self._faults.slow.get(self.name, LAN_SPEED)
        if answer.output != "same\n" and not self._pace.transfer(data, on_bytes, speed=speed):
            raise link_lost(self.name)
        self._after("put")
        if answer.exit_code:
            raise not_stored(self.name, path, answer)
        return answer.output == "put\n"

    @contextmanager
    def run_lock(self, holder: str, serial: int, lineage: str) -> Iterator[None]:
        """As `Host.run_lock`."""
        lock = PracticeLock(self._machine, self._faults, self._answer, printable(holder), serial, lineage)
        lock.take(again=False)
        with self._machine.guard:
            self._changed(self.name)
        self._lock = lock
        try:
            yield
        finally:
            self._lock = None
            lock.let_go()

    def _hold(self) -> None:
        if self._lock:
            self._lock.ensure()

    def _spend(self, script: str) -> None:
        more = self._faults.delay.get(self.name, 0.0)
        if not self._pace.spend(self.name, script, self._machine.requests, more):
            raise link_lost(self.name)

    def _before(self, what: str) -> None:
        with self._link():
            if self._contact is not None:
                self._contact.settle(self._faults.asks.get(self.name, ()))
            self._faults.before(self.name, what)
            if not self._machine.alive:
                raise unreachable(self.name)

    def _after(self, what: str) -> None:
        with self._link():
            self._faults.after(self.name, what)

    @contextmanager
    def _link(self) -> Iterator[None]:
        """A host lets go of the lock when the link that held it dies."""
        try:
            yield
        except HostError:
            if self._lock:
                self._lock.let_go()
            raise


class PracticeHosts:
    """The machines of a world by name.

    Args:
        machines: by name.
        faults: what goes wrong.
        handlers: what each script does.
        pace: how long things take.
        changed: is told of each change, under the guard of the world.
        contact: asks a person what hosts ask first; None = they ask nothing.
    """

    def __init__(
        self,
        machines: Mapping[str, Machine],
        faults: Faults | None = None,
        handlers: Mapping[str, Handler] = HANDLERS,
        *,
        pace: Pace = INSTANT,
        changed: Changed = _nobody,
        contact: FirstContact | None = None,
    ) -> None:
        self.machines = machines
        self.faults = faults or Faults()
        self._pace = pace
        self._host = partial(
            PracticeHost, faults=self.faults, handlers=handlers, pace=pace, changed=changed, contact=contact
        )
        for machine in machines.values():
            if machine.world is not None:
                machine.world.dead = self.faults.dead
        self._hosts = {name: self._host(machine) for name, machine in machines.items()}

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def read_ahead(self, names: Sequence[str], script: str) -> None:
        """Nothing is gained by asking a simulated host early."""

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Hosts.know`: such a machine is there and switched off, as those of a spec are."""
        for one in machines:
            if one.name not in self._hosts:
                self._hosts[one.name] = self._host(self._new(one))

    def _new(self, wanted: MachineSpec) -> Machine:
        carrier = self.machines[wanted.host]
        made = Machine(wanted.name, wanted.address, {}, carrier=wanted.host, up=False)
        made.world, made.guard = carrier.world, carrier.guard
        if carrier.world is None:
            return made
        return carrier.world.machines.setdefault(wanted.name, made)

    def close(self) -> None:
        """Nobody waits for a simulated host any longer; what was begun there has happened."""
        self._pace.closed.set()


def fingerprint(machines: Mapping[str, Machine]) -> str:
    """A digest over what lies on every machine: two worlds with the same one are the same to a person."""
    text = repr([(name, sorted(machine.files.items())) for name, machine in sorted(machines.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def _bytes(content: bytes | Secret | Path) -> bytes:
    if isinstance(content, Path):
        return content.read_bytes()
    return content.reveal().encode() if isinstance(content, Secret) else content
