"""What is done before anybody asked for a host: nobody hears of it and nobody is asked until somebody does."""

from __future__ import annotations

import threading
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.events import Event, Sink
from wizard.core.prompt import HostKeyQuestion, Prompter, SecretQuestion, Silent
from wizard.core.secret import Secret


@dataclass(slots=True)
class Curtain:
    """Keeps back what a connection that is made ahead of time says and asks; an event sink and a prompter in one."""

    events: Sink
    asks: Prompter
    _held: list[Event] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _up: threading.Event = field(default_factory=threading.Event)
    _closed: bool = False

    @property
    def prompter(self) -> Prompter:
        """Who is to be asked: ourselves, unless nobody is there to answer anyway."""
        return self.asks if isinstance(self.asks, Silent) else self

    def tell(self, event: Event) -> None:
        """Pass an event on, once the curtain is up."""
        with self._guard:
            if not self._up.is_set() or self._closed:
                self._held.append(event)
                return
        self.events(event)

    def trust(self, question: HostKeyQuestion) -> bool:
        """As `Prompter.trust`, once the curtain is up."""
        self._up.wait()
        return not self._closed and self.asks.trust(question)

    def secret(self, question: SecretQuestion) -> Secret | None:
        """As `Prompter.secret`, once the curtain is up."""
        self._up.wait()
        return None if self._closed else self.asks.secret(question)

    def lift(self) -> None:
        """A host is asked for: what was held back is told, in its order, and questions may be asked."""
        if self._up.is_set():
            return
        with self._guard:
            for event in self._held:
                self.events(event)
            self._held.clear()
            self._up.set()

    def close(self) -> None:
        """Whoever still waits to ask is told no; where no host was asked for, nobody ever hears of it."""
        if not self._up.is_set():
            self._closed = True
            self._up.set()
