"""What can go wrong in the simulated homelab, on request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.errors import LinkLostError, UnreachableError, WizardError
from wizard.practice.first_contact import Ask

Before = Callable[[str, str], None]
"""Called with (host, what is about to happen); raises to make it fail."""


@dataclass(slots=True)
class Moment:
    """Something that happens once, when a host is at a certain script."""

    host: str
    """Empty = any."""
    script: str
    """With `after ` before it: when it has run."""
    act: Callable[[], None]
    left: int = 1
    """How many times the host is still to come by."""

    def passes(self, host: str, what: str) -> bool:
        """Whether it is now."""
        if what != self.script or self.host not in ("", host):
            return False
        self.left -= 1
        return self.left == 0


@dataclass(slots=True)
class Faults:
    """The faults in force. Each is a set of host names, or a trigger that is used up when it fires."""

    dead: set[str] = field(default_factory=set)
    """Hosts that do not answer."""
    why: dict[str, str] = field(default_factory=dict)
    """The reason the network gives for a dead host, where it is another one than usual."""
    delay: dict[str, float] = field(default_factory=dict)
    """Seconds that every round trip to a host takes longer."""
    slow: dict[str, float] = field(default_factory=dict)
    """Bytes a second that the link of a host carries."""
    refused: dict[str, WizardError] = field(default_factory=dict)
    """Hosts that answer and do not let us in, with the error they give."""
    asks: dict[str, list[Ask]] = field(default_factory=dict)
    """What hosts ask of a person before they let them in."""
    cut_before: list[str] = field(default_factory=list)
    """Scripts before whose start the link breaks, once each."""
    cut_after: list[str] = field(default_factory=list)
    """Scripts after whose end the link breaks before the answer arrives, once each."""
    fail: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Scripts that end with this exit code and output, until taken out."""
    moments: list[Moment] = field(default_factory=list)
    """What happens when a host comes to a script."""
    at_change: list[Callable[[], None]] = field(default_factory=list)
    """What happens once, as soon as the next change is begun on any host."""
    guard: threading.Lock = field(default_factory=threading.Lock)
    watch: Before | None = None
    """Sees everything before it happens; a test may stop the wizard there."""

    def before(self, host: str, what: str) -> None:
        """Raise what must go wrong before a host does something.

        Raises:
            HostError: the host is dead, refuses us, or the link breaks.
        """
        if self.watch is not None:
            self.watch(host, what)
        self._pass(host, what)
        if what.startswith("do/"):
            self._strike()
        if host in self.dead:
            raise unreachable(host, self.why.get(host, ""))
        if host in self.refused:
            raise self.refused[host]
        if what in self.cut_before:
            self.cut_before.remove(what)
            raise link_lost(host)

    def after(self, host: str, what: str) -> None:
        """Raise what must go wrong after a host did something and before we hear of it.

        Raises:
            LinkLostError: the link breaks.
        """
        if self.watch is not None:
            self.watch(host, f"after {what}")
        self._pass(host, f"after {what}")
        if what in self.cut_after:
            self.cut_after.remove(what)
            raise link_lost(host)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self.guard:
            for kept in (
                self.dead,
                self.why,
                self.delay,
                self.slow,
                self.refused,
                self.asks,
                self.cut_before,
                self.cut_after,
                self.fail,
                self.moments,
                self.at_change,
            ):
                kept.clear()

    def _strike(self) -> None:
        with self.guard:
            now = list(self.at_change)
            self.at_change.clear()
        for act in now:
            act()

    def _pass(self, host: str, what: str) -> None:
        with self.guard:
            now = [one for one in self.moments if one.passes(host, what)]
        for moment in now:
            moment.act()


def unreachable(host: str, why: str = "") -> UnreachableError:
    """The error of a host that does not answer."""
    return UnreachableError(
        f"{host} does not answer.",
        where=host,
        why=why or "No answer on its SSH port (practice: the host was stopped).",
        do=f"Is {host} switched on and on the network?",
    )


def link_lost(host: str) -> LinkLostError:
    """The error of a link that breaks."""
    return LinkLostError(
        f"The link to {host} broke.",
        where=host,
        why="The connection was cut (practice).",
        do="wizard apply",
        again="Running again is safe: what was begun is looked at first.",
    )
