"""A small homelab and a two-step story for the engine's tests, on the simulated hosts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from steps.hosts import Hosts
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, When, failed, passed
from wizard.core.context import Context, Work
from wizard.core.engine.control import Control
from wizard.core.events import Event
from wizard.core.facts import Clock, HostFacts, Marker, Privileges
from wizard.core.host import Args, Reader
from wizard.core.session import Session
from wizard.core.spec import ClusterSpec, parse_spec
from wizard.core.state import RunState, new_state
from wizard.core.step import Step
from wizard.practice.host import PracticeHosts
from wizard.practice.machine import File, Machine
from wizard.practice.scripts import HANDLERS, Answer

SPEC = """
schema: 1
name: home
ssh: {user: root}
network:
  cidr: 192.168.10.0/24
  gateway: 192.168.10.1
  domain: home.arpa
  dhcp: 192.168.10.100-192.168.10.199
  api_vip: 192.168.10.20
  load_balancer: 192.168.10.200-192.168.10.220
  upstream_dns: [9.9.9.9]
  pod_cidr: 10.42.0.0/16
  service_cidr: 10.43.0.0/16
hosts:
  - {name: tower-a, role: hypervisor, address: 192.168.10.11}
  - {name: tower-b, role: hypervisor, address: 192.168.10.12}
  - {name: pi, role: witness, address: 192.168.10.13}
storage: {kind: longhorn, replicas: 2}
k3s: {version: v1.36.4+k3s1}
etcd: {version: 3.6.14}
dns: {kind: coredns}
apps: {}
machines: []
"""


def home_spec() -> ClusterSpec:
    """Two hypervisors and a Pi."""
    spec, problems = parse_spec(SPEC, source="story")
    assert spec is not None, problems
    return spec


def homelab(spec: ClusterSpec) -> dict[str, Machine]:
    """A fresh machine for every host of the spec."""
    return {host.name: Machine(host.name, host.address, {}) for host in spec.hosts}


def toy_facts(reader: Reader) -> HostFacts:
    """Just enough facts for these tests, read the way real ones are: in one round trip."""
    text = reader.read("read/toy").stdout
    rows = dict(line.split("=", 1) for line in text.splitlines())
    marker = None
    if rows["lineage"]:
        marker = Marker(rows["name"], rows["lineage"], int(rows["serial"]))
    return HostFacts(
        reader.name,
        hostname=rows["files"],
        clock=Clock(offset=0.0, uncertainty=0.01),
        privileges=Privileges(uid=0, login="root"),
        marker=marker,
    )


def _read_toy(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    marker = machine.marker()
    files = " ".join(sorted(path for path in machine.files if path.startswith("/toy/")))
    rows = {"name": "", "lineage": "", "serial": "0", **marker, "files": files}
    return Answer("".join(f"{key}={value}\n" for key, value in rows.items()))


def _do_toy(machine: Machine, args: Args, _payload: bytes) -> Answer:
    machine.files[f"/toy/{args['file']}"] = File(args["file"].encode())
    return Answer(f"made {args['file']}\n")


TOY_HANDLERS = MappingProxyType({**HANDLERS, "read/toy": _read_toy, "do/toy": _do_toy})


class Here(Step):
    """Stands in for the step that looks at this machine: it is not what these tests are about."""

    id = "here"
    title = "This machine"
    summary = "Nothing"


class Toy(Step):
    """Three files on each host, made in order; the second is made of two operations."""

    id = "toy"
    title = "Toy"
    summary = "Three files on every host"
    needs = ("hosts",)
    files = ("a", "b", "c")

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Every host has its files."""
        for host in ctx.spec.hosts:
            yield Check(
                "toy.files",
                f"{host.name} has its files",
                partial(_has_files, host=host.name),
                host=host.name,
            )

    def changes(self, ctx: Context) -> Iterator[Change]:
        """Whatever file is not there."""
        for host in ctx.spec.hosts:
            there = ctx.facts(host.name).hostname.split()
            for file in self.files:
                if f"/toy/{file}" not in there or (file == "b" and "/toy/b-half" not in there):
                    yield Change(
                        f"{file}:{host.name}", host.name, f"Make {file} on {host.name}", MakeFile(file)
                    )


@dataclass(frozen=True, slots=True)
class MakeFile:
    """Makes one file, by one operation or by two."""

    file: str

    def __call__(self, work: Work) -> str:
        """Do it."""
        if self.file == "b":
            work.run("do/toy", {"file": "b-half"}, timeout=5)
        return work.run("do/toy", {"file": self.file}, timeout=5)


def _has_files(ctx: Context, *, host: str) -> Finding:
    there = ctx.facts(host).hostname.split()
    missing = [file for file in Toy.files if f"/toy/{file}" not in there]
    return failed(f"{missing} are missing on {host}.") if missing else passed("All there.")


class Closed(Step):
    """A step whose before-check never holds."""

    id = "closed"
    title = "Closed"
    summary = "Never begun"

    def checks(self, ctx: Context) -> Iterator[Check]:
        """It fails, fatally."""
        yield Check(
            "closed.gate", "The gate is open", lambda _ctx: failed("It is shut."), When.BEFORE, Level.FATAL
        )

    def changes(self, ctx: Context) -> Iterator[Change]:
        """Must never be reached in an apply."""
        yield Change("never", "tower-a", "Never", MakeFile("never"))


@dataclass(slots=True)
class Memory:
    """Keeps what was saved; a test may make any save fail."""

    saved: list[RunState] = field(default_factory=list)
    fail_at: int = -1
    error: BaseException | None = None

    def save(self, state: RunState) -> None:
        """Keep the state, or fail as told."""
        if self.error is not None and len(self.saved) == self.fail_at:
            raise self.error
        self.saved.append(state)

    @property
    def last(self) -> RunState | None:
        """The newest state that was saved."""
        return self.saved[-1] if self.saved else None


@dataclass(slots=True)
class Lab:
    """A homelab over several sessions: the machines and the saved state stay, sessions come and go."""

    spec: ClusterSpec = field(default_factory=home_spec)
    machines: dict[str, Machine] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    events: list[Event] = field(default_factory=list)
    steps: Sequence[Step] = (Here(), Hosts(), Toy())

    def __post_init__(self) -> None:
        if not self.machines:
            self.machines = homelab(self.spec)
        self.hosts = PracticeHosts(self.machines, handlers=TOY_HANDLERS)

    hosts: PracticeHosts = field(init=False)

    def session(self, control: Control | None = None) -> Session:
        """A new session, as a newly started wizard would have."""
        return Session(
            spec=self.spec,
            hosts=self.hosts,
            steps=self.steps,
            state=self.memory.last or new_state("home", "test"),
            saver=self.memory,
            read_facts=toy_facts,
            emit=self.events.append,
            control=control or Control(),
            pauses=(0.0, 0.0),
        )

    def twice(self) -> list[str]:
        """Work that was done more than once on a host, under whatever operation id: there must be none."""
        done = Counter(
            (name, run.script, tuple(arg for arg in run.args if arg[0] != "serial"))
            for name, machine in self.machines.items()
            for run in machine.ran
        )
        return [str(work) for work, times in done.items() if times > 1]

    def world(self) -> dict[str, list[str]]:
        """What lies on each machine, the marker's lineage and serial aside."""
        return {
            name: sorted(f"{path}" for path in machine.files)
            for name, machine in sorted(self.machines.items())
        }


def yes(*_: object) -> bool:
    """Approve whatever is planned."""
    return True


class Killed(BaseException):
    """kill -9, as far as a test can have it: nothing catches it."""


@dataclass(slots=True)
class KillAt:
    """Stops the wizard at the n-th thing that happens, counted over all hosts and threads."""

    number: int
    seen: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, _host: str, _what: str) -> None:
        """Count, and stop."""
        with self.guard:
            self.seen += 1
            if self.seen >= self.number:
                raise Killed
