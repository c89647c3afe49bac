"""`python -m tests.faults.driver WORLD COMMAND ...`: the command line on simulated hosts that outlive it.

The world is a folder: what lies on the hosts, a flock a host, `happened` (a line each time a host is asked
something), and `hold`: while that file is there an operation that was begun does not end. So a test can stop,
kill or hang up on the wizard in the middle of a change, and come back as a new process.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from wizard.core import refusals
from wizard.core.errors import RESUMES, RemoteError
from wizard.core.host import READ_SECONDS, Args, Operation, OpStatus, ScriptResult
from wizard.core.secret import Secret
from wizard.core.spec import ClusterSpec
from wizard.practice.faults import Faults, link_lost
from wizard.practice.host import PracticeHost, PracticeHosts
from wizard.practice.machine import Execution, Machine, read_sections
from wizard.practice.runlock import PracticeLock
from wizard.practice.scripts import HANDLERS, Answer

FIXTURES = Path(__file__).parents[1] / "steps" / "parse" / "fixtures"
RECORDED = {"tower-a": "lab-debian", "tower-b": "lab-unraid", "pi": "lab-pi"}
"""What each host of tests/specs.py says of itself, as recorded from the lab."""

KILL_AT = "DRIVER_KILL_AT"
"""Environment variable: the wizard is killed by SIGKILL when this many things have happened."""

Pending = tuple[str, dict[str, str], bytes]


@dataclass(slots=True)
class World:
    """The hosts, as files in a folder, so that a killed wizard changes nothing of them."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def hold(self) -> Path:
        """While it is there, what was begun on a host goes on and on."""
        return self.folder / "hold"

    @property
    def happened(self) -> list[str]:
        """Every request, one a line: the host, a blank, what was asked."""
        path = self.folder / "happened"
        return path.read_text().splitlines() if path.exists() else []

    def note(self, line: str) -> None:
        """Write down that something is about to happen."""
        with (self.folder / "happened").open("a") as file:
            file.write(f"{line}\n")

    @contextmanager
    def turn(self, machine: Machine) -> Iterator[dict[str, Pending]]:
        """Take the machine as it is now, and keep what became of it; yields what still runs on it."""
        path = self.folder / f"{machine.name}.pickle"
        with machine.guard, (self.folder / f"{machine.name}.turn").open("a") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            pending: dict[str, Pending] = {}
            if path.exists():
                kept: Any = pickle.loads(path.read_bytes())
                machine.files, machine.operations, machine.ran, pending = kept
            before = pickle.dumps((machine.files, machine.operations, machine.ran, pending))
            yield pending
            after = pickle.dumps((machine.files, machine.operations, machine.ran, pending))
            if after != before:
                path.with_suffix(".new").write_bytes(after)
                path.with_suffix(".new").rename(path)

    def machine(self, name: str) -> Machine:
        """A machine as it is now."""
        text = (FIXTURES / f"{RECORDED[name]}.txt").read_text()
        machine = Machine(name, f"{name}.practice", read_sections(text))
        with self.turn(machine):
            return machine

    def ran(self) -> dict[str, list[Execution]]:
        """Every operation that was really carried out, by host."""
        return {name: self.machine(name).ran for name in RECORDED}


class KeptHost(PracticeHost):
    """A practice host whose operations are detached, as real ones are."""

    def __init__(
        self, machine: Machine, faults: Faults, world: World, closed: threading.Event, skew: float
    ) -> None:
        super().__init__(machine, faults, {**HANDLERS, "read/facts": partial(facts_with_skew, skew)})
        self._world = world
        self._closed = closed

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        """As `Reader.read`."""
        with self._world.turn(self._machine):
            return super().read(script, args, timeout=timeout)

    def operation(self, op: str) -> Operation:
        """As `Reader.operation`."""
        self._finish(op)
        with self._world.turn(self._machine):
            return super().operation(op)

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
        """As `Host.do`."""
        content = payload.reveal().encode() if isinstance(payload, Secret) else payload
        with self._world.turn(self._machine) as pending:
            if op not in self._machine.operations:
                self._machine.operations[op] = Operation(op, OpStatus.RUNNING)
                pending[op] = (script, dict(args or {}), content)
        self._world.note(f"{self.name} begun {op}")
        until = time.monotonic() + timeout
        while not self._finish(op):
            if self._closed.wait(0.02):
                raise link_lost(self.name)
            if time.monotonic() > until:
                raise _still_running(self.name, script, timeout)
        with self._world.turn(self._machine):
            return super().do(script, args, op=op, payload=payload, timeout=timeout, on_line=on_line)

    def _finish(self, op: str) -> bool:
        """The host goes on by itself: what is held no longer has ended, whoever asks for it next."""
        with self._world.turn(self._machine) as pending:
            if op in pending and not self._world.hold.exists():
                script, args, payload = pending.pop(op)
                self._execute(script, args, payload, op)
            return op not in pending

    @contextmanager
    def run_lock(self, holder: str, serial: int, lineage: str) -> Iterator[None]:
        """As `Host.run_lock`: a flock, which the kernel drops with its holder."""
        with (self._world.folder / f"{self.name}.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise refusals.held(self.name, self.name, file.read(), "") from error
            file.truncate(0)
            file.write(holder)
            file.flush()
            lock = PracticeLock(self._machine, Faults(), self._answer, holder, serial, lineage)
            with self._world.turn(self._machine):
                lock.take(again=False)
            yield
            lock.let_go()


@dataclass(slots=True)
class Watch:
    """Writes down what happens, and kills the wizard at the n-th thing."""

    world: World
    kill_at: int
    seen: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, host: str, what: str) -> None:
        """Count; perhaps the last thing this process does."""
        with self.guard:
            self.seen += 1
            self.world.note(f"{host} {what}")
            if self.seen == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


class KeptHosts(PracticeHosts):
    """The hosts of a world."""

    def __init__(
        self, world: World, names: Sequence[str], faults: Faults, skews: Mapping[str, float]
    ) -> None:
        machines = {name: world.machine(name) for name in names}
        super().__init__(machines, faults)
        self._closed = threading.Event()
        self._hosts = {
            name: KeptHost(machine, faults, world, self._closed, skews.get(name, 0.0))
            for name, machine in machines.items()
        }

    def read_ahead(self, names: Sequence[str], script: str) -> None:
        """Nothing is gained by asking these hosts early."""

    def close(self) -> None:
        """End every wait."""
        self._closed.set()


def facts_with_skew(skew: float, machine: Machine, args: Args, payload: bytes) -> Answer:
    """The facts of a host whose clock is ahead of ours by so many seconds."""
    told = HANDLERS["read/facts"](machine, args, payload)
    shifted = re.sub(r"epoch=([0-9.]+)", lambda found: f"epoch={float(found[1]) + skew:.9f}", told.output)
    return replace(told, output=shifted)


def _still_running(host: str, script: str, timeout: float) -> RemoteError:
    return RemoteError(
        f"{host} is still busy with {script} after {timeout:.0f} seconds.",
        where=host,
        why="It was not stopped and may still end well.",
        do="wizard apply",
        again=RESUMES,
    )


@contextmanager
def composed(
    world: World, faults: Faults | None = None, skews: Mapping[str, float] | None = None
) -> Iterator[None]:
    """The command line with simulated hosts in the place of real ones; everything else is as it is."""
    from unittest.mock import patch

    from wizard import compose_hosts

    wrong = faults or Faults(watch=Watch(world, int(os.environ.get(KILL_AT, "0"))))

    def hosts(_options: object, spec: ClusterSpec, *_rest: object) -> KeptHosts:
        return KeptHosts(world, [host.name for host in spec.hosts], wrong, skews or {})

    with ExitStack() as stack:
        stack.enter_context(patch.object(compose_hosts, "ssh_hosts", hosts))
        yield


def main(world: Path, argv: Sequence[str]) -> int:
    """Run one command as the installed program would."""
    from wizard import cli

    with composed(World(world)):
        sys.argv = ["wizard", *argv]
        return cli.main()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
