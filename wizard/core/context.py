"""What a step may see while it is planned or checked, and what a change may use while it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import HostFacts
from wizard.core.host import Args, Host, Hosts, Reader
from wizard.core.secret import Secret
from wizard.core.spec import ClusterSpec
from wizard.core.state import RunState

FactsReader = Callable[[Reader], HostFacts]
"""Reads and parses the facts of one host; the composition root supplies it (the parsers live in `steps.parse`)."""


@dataclass(slots=True)
class FactsCache:
    """The facts of each host, read once per pass, whoever asks and from whatever thread; a failure is kept too."""

    hosts: Mapping[str, Reader]
    read: FactsReader
    _kept: dict[str, HostFacts | HostError | RemoteError] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str) -> HostFacts | HostError | RemoteError:
        """The facts of a host, or the error that kept us from them."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._kept:
                try:
                    self._kept[name] = self.read(self.hosts[name])
                except (HostError, RemoteError) as error:
                    self._kept[name] = error
            return self._kept[name]

    def forget(self, name: str) -> None:
        """Read the host again when it is next asked for: it was changed."""
        self._kept.pop(name, None)


@dataclass(frozen=True, slots=True)
class Context:
    """What is wanted, what is, and what we remember. The hosts in it answer reads only."""

    spec: ClusterSpec
    hosts: Mapping[str, Reader]
    state: RunState
    cache: FactsCache

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
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def host(self) -> Host:
        """The host the change is done on."""
        return self.hosts[self.host_name]

    def run(
        self, script: str, args: Args | None = None, *, timeout: float, payload: bytes | Secret = b""
    ) -> str:
        """Run a `do/` script as this change's next detached operation and return what it printed, stripped.

        The first operation of a change bears its id, further ones `ID-2`, `ID-3` ...: a change that is taken up
        again passes through those that ended before without running them twice.

        Args:
            script: e.g. `do/marker`.
            args: single-line arguments.
            timeout: seconds we wait.
            payload: what the script reads from its stdin.

        Raises:
            LinkLostError: the link broke; the engine asks the host on return.
            RemoteError: it failed or outlived `timeout` seconds.
        """
        done = self.host.do(
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
