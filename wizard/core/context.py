"""What a step may see while it is planned or checked, and what a change may use while it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import HostFacts
from wizard.core.host import Args, Host, Reader
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
    """What a change is given to do its work with: one host, one operation id, ways to say how far it is."""

    host: Host
    hosts: Mapping[str, Host]
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

    def run(
        self, script: str, args: Args | None = None, *, timeout: float, payload: bytes | Secret = b""
    ) -> str:
        """Run a `do/` script as this change's detached operation and return what it printed, stripped.

        Raises:
            LinkLostError: the link broke; the engine asks the host on return.
            RemoteError: it failed or outlived `timeout` seconds.
        """
        done = self.host.do(
            script, args, op=self.op, payload=payload, timeout=timeout, on_line=self.line
        )
        return done.output.strip()
