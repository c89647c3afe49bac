"""What a step may see while it is planned or checked, and what a change may use while it is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import count
from typing import TypeVar, cast, overload

from wizard.core.artifact import Artifacts, NoArtifacts
from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import Guest, HostFacts
from wizard.core.host import READ_SECONDS, Args, Host, Hosts, Reader, ScriptResult
from wizard.core.kubernetes import Api, ApiReader, NoApi
from wizard.core.measurements import Measured, MemoryMeasurements
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets, SecretKeeper, Secrets
from wizard.core.spec import ClusterSpec
from wizard.core.state import RunState

FactsReader = Callable[[Reader], HostFacts]
"""Reads and parses the facts of one host; the composition root supplies it (the parsers live in `steps.parse`)."""


T = TypeVar("T")

PARSED = "parsed"
"""The last word of the question whose answer is what a parser made of a script's."""

API = "api/"
"""The first word of what is asked of the Kubernetes API: no host can have it for a name."""


@dataclass(slots=True)
class FactsCache:
    """What each host answered, asked once per pass, whoever asks and from whatever thread; a failure is kept too."""

    hosts: Mapping[str, Reader]
    read: FactsReader
    _kept: dict[_Question, object] = field(default_factory=dict)
    _locks: dict[_Question, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _conclusions: dict[str, tuple[tuple[object, ...], object]] = field(default_factory=dict)
    _concluding: threading.RLock = field(default_factory=threading.RLock)

    def get(self, name: str) -> HostFacts | HostError | RemoteError:
        """The facts of a host, or the error that kept us from them."""
        return self._once((name,), lambda: self.read(self.hosts[name]))

    def ask(
        self, name: str, script: str, args: Args, timeout: float
    ) -> ScriptResult | HostError | RemoteError:
        """What a read script said on a host, or the error that kept us from it."""
        return self._once(
            _question(name, script, args), lambda: self.hosts[name].read(script, args, timeout=timeout)
        )

    def parsed(
        self, name: str, script: str, args: Args, timeout: float, parse: Callable[[ScriptResult], T]
    ) -> T | HostError | RemoteError:
        """What the parser of a script makes of its answer: once, like the answer itself."""
        said = self.ask(name, script, args, timeout)
        if not isinstance(said, ScriptResult):
            return said
        return self._once((*_question(name, script, args), PARSED), lambda: parse(said))

    def concluded(self, what: str, sources: Sequence[object], conclude: Callable[[], T]) -> T:
        """What follows from the facts: worked out once for as long as it rests on the very same objects.

        Args:
            what: a name for it.
            sources: everything it is made from.
            conclude: makes it.
        """
        with self._concluding:
            known, value = self._conclusions.get(what, ((), None))
            if len(known) != len(sources) or any(
                one is not other for one, other in zip(known, sources, strict=True)
            ):
                value = conclude()
                self._conclusions[what] = (tuple(sources), value)
            return cast("T", value)

    def api(self, words: tuple[str, ...], ask: Callable[[], T]) -> T | HostError | RemoteError:
        """What the Kubernetes API answered to a question; its words tell which."""
        return self._once((API, *words), ask)

    def forget(self, name: str) -> None:
        """Ask the host again when it is next looked at: it was changed."""
        with self._guard:
            for question in [known for known in self._kept if known[0] == name]:
                del self._kept[question]

    def forget_answers(self) -> None:
        """Ask every script but the facts again, and the API: what was changed on one host may be seen from all."""
        with self._guard:
            for question in [known for known in self._kept if len(known) > 1]:
                del self._kept[question]

    def _once(self, question: _Question, read: Callable[[], T]) -> T | HostError | RemoteError:
        """A question is always asked for the same kind of answer: its words tell which."""
        with self._guard:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            # Looked up once: another thread may forget it at any moment.
            known = self._kept.get(question)
            if known is None:
                try:
                    known = read()
                except (HostError, RemoteError) as error:
                    known = error
                self._kept[question] = known
            return cast("T | HostError | RemoteError", known)


_Question = tuple[str, ...]
"""Host, script and arguments; the host alone stands for its facts."""


def _question(name: str, script: str, args: Args) -> _Question:
    return (name, script, *(f"{key}={args[key]}" for key in sorted(args)))


@dataclass(frozen=True, slots=True)
class Context:
    """What is wanted, what is, and what we remember. The hosts in it answer reads only.

    Hosts are those of the spec and the guests we make on them; a guest can only be asked once it is `present`.
    """

    spec: ClusterSpec
    hosts: Mapping[str, Reader]
    state: RunState
    cache: FactsCache
    secrets: Secrets = field(default_factory=MemorySecrets)
    artifacts: Artifacts = field(default_factory=NoArtifacts)
    measurements: Measured = field(default_factory=MemoryMeasurements)
    kubernetes: ApiReader = field(default_factory=NoApi)
    """The cluster's API, asked once per pass for each thing."""

    def facts(self, host: str) -> HostFacts:
        """The facts of a host, cached for this pass.

        Raises:
            HostError: it cannot be reached or trusted.
            RemoteError: it answered, but not as our script does.
        """
        known = self.cache.get(host)
        if isinstance(known, HostFacts):
            return known
        raise known

    def try_facts(self, host: str) -> HostFacts | HostError | RemoteError:
        """As `facts`, with the error as a value."""
        return self.cache.get(host)

    def known_facts(self) -> dict[str, HostFacts]:
        """The facts of the hosts of the spec that can be asked, by name: what decisions are made from."""
        found = {host.name: self.try_facts(host.name) for host in self.spec.hosts}
        return {name: facts for name, facts in found.items() if isinstance(facts, HostFacts)}

    @overload
    def ask(
        self, host: str, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS
    ) -> ScriptResult: ...

    @overload
    def ask(
        self,
        host: str,
        script: str,
        args: Args | None = None,
        *,
        timeout: float = READ_SECONDS,
        parse: Callable[[ScriptResult], T],
    ) -> T: ...

    def ask(
        self,
        host: str,
        script: str,
        args: Args | None = None,
        *,
        timeout: float = READ_SECONDS,
        parse: Callable[[ScriptResult], T] | None = None,
    ) -> ScriptResult | T:
        """What a `read/` script says on a host, cached for this pass like its facts.

        Args:
            host: of the spec, or a guest that is present.
            script: e.g. `read/etcd`.
            args: single-line arguments.
            timeout: seconds.
            parse: the parser of that script, the same one for every question to it; what it makes is cached too.

        Raises:
            HostError: it cannot be reached or trusted.
            RemoteError: past its deadline, or it broke the framing, or the parser found it wanting.
        """
        answer: ScriptResult | T | HostError | RemoteError
        if parse is None:
            answer = self.cache.ask(host, script, args or {}, timeout)
        else:
            answer = self.cache.parsed(host, script, args or {}, timeout, parse)
        if isinstance(answer, HostError | RemoteError):
            raise answer
        return answer

    def lineage_on(self, host: str) -> str:
        """The lineage that marks what is ours on a host; empty = nothing there can be ours.

        It is that of our state, or of the host's marker where we have no state (doctor from the spec alone).
        """
        if self.state.serial:
            return self.state.lineage
        facts = self.try_facts(host)
        marker = facts.marker if isinstance(facts, HostFacts) else None
        return marker.lineage if marker and marker.name == self.spec.name else ""

    def guest(self, machine: str) -> Guest | None:
        """The libvirt guest that is this machine of the spec: of its name, on its host, made by us; or None.

        Raises:
            HostError: its hypervisor cannot be asked.
            RemoteError: as `facts`.
        """
        wanted = self.spec.machine(machine)
        lineage = self.lineage_on(wanted.host)
        found = self.facts(wanted.host).libvirt.guests
        return next((one for one in found if one.name == machine and lineage and one.owner == lineage), None)

    def present(self, name: str) -> bool:
        """Whether a host or machine can be asked at all: hosts always, a guest where it is ours and runs.

        Raises:
            HostError: the hypervisor of a machine cannot be asked.
            RemoteError: as `facts`.
        """
        if name not in {machine.name for machine in self.spec.machines}:
            return True
        guest = self.guest(name)
        return guest is not None and guest.state == "running"


@dataclass(frozen=True, slots=True)
class Work:
    """What a change is given to do its work with: its host, its operation id, ways to say how far it is."""

    host_name: str
    hosts: Hosts
    spec: ClusterSpec
    state: RunState
    op: str
    """Id of this attempt, saved in the state before the host hears of it."""
    progress: Callable[[str, float | None], None]
    """Say what is being waited for, by name, and the fraction done where it can be known."""
    line: Callable[[str], None]
    """A line of remote output for the log."""
    cancelled: threading.Event
    """Set when the person asked to detach: long waits look at it."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set as soon as the person asked to stop: who waits for something that does not answer waits no longer."""
    secrets: SecretKeeper = field(default_factory=MemorySecrets)
    artifacts: Artifacts = field(default_factory=NoArtifacts)
    kubernetes: Api = field(default_factory=NoApi)
    clock: Callable[[], float] = time.monotonic
    """Seconds by which waits are counted."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def host(self) -> Host:
        """The host the change is done on."""
        return self.hosts[self.host_name]

    def run(
        self,
        script: str,
        args: Args | None = None,
        *,
        timeout: float,
        payload: bytes | Secret = b"",
        on: str = "",
    ) -> str:
        """Run a `do/` script as this change's next detached operation and return what it printed, stripped.

        The first operation of a change bears its id, further ones `ID-2`, `ID-3` ...: a change that is taken up
        again passes through those that ended before without running them twice.

        Args:
            script: e.g. `do/marker`.
            args: single-line arguments.
            timeout: seconds we wait.
            payload: what the script reads from its stdin.
            on: another host than the change's own (a member of a cluster that lets this one join).

        Raises:
            LinkLostError: the link broke; the engine asks the host on return.
            RemoteError: it failed or outlived `timeout` seconds.
        """
        done = self.hosts[on or self.host_name].do(
            script,
            args,
            op=numbered(self.op, next(self._numbers)),
            payload=payload,
            timeout=timeout,
            on_line=self.line,
        )
        return done.output.strip()


def numbered(op: str, number: int) -> str:
    """The id of the n-th operation of a change, counted from 1."""
    return op if number == 1 else f"{op}-{number}"
