"""Looking at hosts: side by side, in threads, once for as long as nothing about reaching them is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from textual.message import Message

from wizard.core.dataclass import dataclass
from wizard.core.desk import Way, way_to
from wizard.core.errors import WizardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wizard.core.context import Context
    from wizard.core.decide.present_data import Present
    from wizard.core.desk import Desk
    from wizard.core.events import Sink
    from wizard.core.facts import HostFacts
    from wizard.core.host import Hosts
    from wizard.core.prompt import Prompter
    from wizard.core.spec.model import ClusterSpec

AT_ONCE = 16
"""Hosts that are asked at the same time."""


@dataclass()
class Seen(Message):
    """A host was looked at.

    Attributes:
        host: its name.
        way: how it was reached: an answer that came by another way than the present one is stale.
        result: what it is, or what kept us from knowing.
        there: what is on it already.
    """

    host: str
    way: Way
    result: HostFacts | WizardError
    there: tuple[Present, ...] = ()


class Looker:
    """What is known of the hosts of the draft.

    Args:
        desk: the way to them.
        prompter: answers questions on the way.
        emit: where events go.
        post: hands a message to the drawing thread.
    """

    def __init__(self, desk: Desk, prompter: Prompter, emit: Sink, post: Callable[[Message], object]) -> None:
        self._desk, self._prompter, self._emit, self._post = desk, prompter, emit, post
        self._known: dict[str, tuple[Way, HostFacts | WizardError]] = {}
        self._there: dict[str, tuple[Present, ...]] = {}
        self._asked: dict[str, Way] = {}
        self._closing = Flag()
        self._open: set[Hosts] = set()

    @property
    def facts(self) -> dict[str, HostFacts]:
        """What is known, by host."""
        return {name: found for name, (_, found) in self._known.items() if not isinstance(found, WizardError)}

    def result(self, host: str) -> HostFacts | WizardError | None:
        """What came of looking at a host; None = nobody looked yet."""
        known = self._known.get(host)
        return known[1] if known else None

    def there(self, host: str) -> tuple[Present, ...]:
        """What is on a host already; nothing where nobody has looked."""
        return self._there.get(host, ()) if host in self._known else ()

    @property
    def busy(self) -> bool:
        """Threads are at some host."""
        return bool(self._asked)

    def looking(self, host: str) -> bool:
        """A thread is at it."""
        return host in self._asked

    def forget_changed(self, spec: ClusterSpec) -> None:
        """Drop what was seen of hosts that are reached by another way now, or are gone."""
        ways = {host.name: way_to(host, spec.ssh) for host in spec.hosts}
        self._known = {name: known for name, known in self._known.items() if ways.get(name) == known[0]}
        self._asked = {name: way for name, way in self._asked.items() if ways.get(name) == way}

    def look(self, spec: ClusterSpec, names: Iterable[str], *, again: bool = False) -> list[str]:
        """Look at hosts in a thread of their own.

        Args:
            spec: as far as it was answered.
            names: hosts of it.
            again: also those that are known.

        Returns:
            The hosts that are being asked now because of this call.
        """
        hosts = {host.name: host for host in spec.hosts if host.address}
        wanted = [
            name
            for name in names
            if name in hosts and name not in self._asked and (again or name not in self._known)
        ]
        for name in wanted:
            self._asked[name] = way_to(hosts[name], spec.ssh)
            self._known.pop(name, None)
        if wanted:
            Thread(target=self._work, args=(spec, wanted), daemon=True, name="look").start()
        return wanted

    def take(self, seen: Seen) -> None:
        """Keep what came, unless the host is reached by another way by now."""
        if self._asked.get(seen.host) == seen.way:
            del self._asked[seen.host]
            self._known[seen.host] = (seen.way, seen.result)
            self._there[seen.host] = seen.there

    def close(self) -> None:
        """The wizard is being left: connections are closed, so that no thread waits for a host."""
        self._closing.set()
        for hosts in list(self._open):
            hosts.close()

    def _work(self, spec: ClusterSpec, names: list[str]) -> None:
        ways = {host.name: way_to(host, spec.ssh) for host in spec.hosts}
        try:
            with self._desk.session(spec, prompter=self._prompter, sinks=[self._emit]) as session:
                self._open.add(session.hosts)
                self._ask_all(session.context(), {name: ways[name] for name in names})
                self._open.discard(session.hosts)
        except WizardError as error:
            for name in names:
                self._tell(name, ways[name], error)

    def _ask_all(self, ctx: Context, ways: dict[str, Way]) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look") as pool:
            for name, way in ways.items():
                pool.submit(self._ask, ctx, name, way)

    def _ask(self, ctx: Context, host: str, way: Way) -> None:
        """The facts; and what is there already, of which every check of its own tells where it cannot be asked."""
        result = ctx.try_facts(host)
        there: tuple[Present, ...] = ()
        if not isinstance(result, WizardError):
            with suppress(WizardError):
                there = self._desk.already_there(ctx, host)
        self._tell(host, way, result, there)

    def _tell(
        self, host: str, way: Way, result: HostFacts | WizardError, there: tuple[Present, ...] = ()
    ) -> None:
        if not self._closing.is_set():
            self._post(Seen(host, way, result, there))
