"""Simulated hosts behind the same protocol as real ones."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from wizard.core.errors import RESUMES, RemoteError, StateError
from wizard.core.host import READ_SECONDS, Args, Host, Operation, OpStatus, ScriptResult
from wizard.core.secret import Secret
from wizard.practice.faults import Faults
from wizard.practice.machine import Execution, File, Machine
from wizard.practice.scripts import HANDLERS, Answer, Handler

OPERATION_ID = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")


class PracticeHost:
    """Answers for one machine of the world.

    Args:
        machine: the simulated host.
        faults: what goes wrong in this world.
        handlers: what each script does.
    """

    def __init__(self, machine: Machine, faults: Faults, handlers: Mapping[str, Handler] = HANDLERS) -> None:
        self._machine = machine
        self._faults = faults
        self._handlers = handlers

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
        self._faults.before(self.name, script)
        with self._machine.guard:
            self._machine.requests += 1
            answer = self._answer(script, args or {}, b"")
        self._faults.after(self.name, script)
        return ScriptResult(answer.exit_code, answer.output, answer.stderr, time.monotonic() - began)

    def operation(self, op: str) -> Operation:
        """As `Reader.operation`."""
        self._faults.before(self.name, "read/operation")
        with self._machine.guard:
            self._machine.requests += 1
            return self._machine.operations.get(op, Operation(op, OpStatus.ABSENT))

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
        if not OPERATION_ID.match(op):
            raise ValueError(f"{op!r} is no operation id")
        self._faults.before(self.name, script)
        content = payload.reveal().encode() if isinstance(payload, Secret) else payload
        with self._machine.guard:
            self._machine.requests += 1
            done = self._machine.operations.get(op) or self._execute(script, args or {}, content, op)
        self._faults.after(self.name, script)
        for line in done.output.splitlines():
            if on_line is not None:
                on_line(line)
        if done.exit_code:
            raise _script_failed(self.name, script, done)
        return done

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
        content: bytes | Secret,
        path: str,
        *,
        mode: int = 0o644,
        owner: str = "root:root",
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> bool:
        """As `Host.put`."""
        self._faults.before(self.name, "put")
        data = content.reveal().encode() if isinstance(content, Secret) else content
        file = File(data, mode, owner)
        with self._machine.guard:
            self._machine.requests += 1
            same = self._machine.files.get(path) == file
            self._machine.files[path] = file
        self._faults.after(self.name, "put")
        if on_bytes is not None:
            on_bytes(len(data), len(data))
        return not same

    @contextmanager
    def run_lock(self, holder: str, serial: int, lineage: str) -> Iterator[None]:
        """As `Host.run_lock`."""
        self._faults.before(self.name, "run_lock")
        machine = self._machine
        with machine.guard:
            machine.requests += 1
            if machine.lock_holder:
                raise _held(self.name, machine.lock_holder)
            machine.lock_holder = holder
            self._raise_serial(serial, lineage)
        try:
            yield
        finally:
            machine.lock_holder = ""

    def _raise_serial(self, serial: int, lineage: str) -> None:
        marker = self._machine.marker()
        if marker.get("lineage") == lineage and int(marker["serial"]) < serial:
            text = f"name={marker['name']}\nlineage={lineage}\nserial={serial}\n"
            self._machine.files[self._machine.marker_path] = File(text.encode())


class PracticeHosts:
    """The machines of a world by name.

    Args:
        machines: by name.
        faults: what goes wrong.
        handlers: what each script does.
    """

    def __init__(
        self,
        machines: Mapping[str, Machine],
        faults: Faults | None = None,
        handlers: Mapping[str, Handler] = HANDLERS,
    ) -> None:
        self.machines = machines
        self.faults = faults or Faults()
        self._hosts = {
            name: PracticeHost(machine, self.faults, handlers) for name, machine in machines.items()
        }

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def close(self) -> None:
        """Nothing hangs on a simulated host."""


def fingerprint(machines: Mapping[str, Machine]) -> str:
    """A digest over what lies on every machine: two worlds with the same one are the same to a person."""
    text = repr([(name, sorted(machine.files.items())) for name, machine in sorted(machines.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def _script_failed(host: str, script: str, done: Operation) -> RemoteError:
    last = done.output.strip().splitlines()[-1:] or ["it printed nothing"]
    return RemoteError(
        f"{script} failed on {host}.",
        where=f"{host}, operation {done.op}",
        why=f"It ended with {done.exit_code}: {last[0]}",
        do="Look at what it printed in the event log, mend it, and run wizard apply.",
        again=RESUMES,
    )


def _held(host: str, holder: str) -> StateError:
    return StateError(
        f"Somebody else is working on {host}.",
        where=host,
        why=f"{holder} holds it.",
        do=f"Wait for {holder}, or stop it there.",
    )
