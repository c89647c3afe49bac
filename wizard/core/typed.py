"""What a person typed at a prompt: asked for once, however many sessions one run of the wizard opens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret

About = tuple[str | int, ...]
"""What a secret opens: the kind, and the login or the key file. Never only a name, which may come to mean another host."""


@dataclass(slots=True)
class TypedSecrets:
    """Secrets that were typed and not refused; in memory only, and gone with the process."""

    questions: int = 0
    """How often somebody was asked something."""
    _known: dict[About, Secret] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around a question to a person: one at a time, whichever sessions have one."""
        with self._lock:
            self.questions += 1
            yield

    def get(self, about: About) -> Secret | None:
        """The secret that was typed for this; None = it has to be asked for.

        Args:
            about: what it opens.
        """
        return self._known.get(about)

    def keep(self, about: About, secret: Secret | None) -> Secret | None:
        """It is not asked for again.

        Args:
            about: what it opens.
            secret: as typed; None = nothing was, and nothing is kept.

        Returns:
            The same.
        """
        if secret:
            self._known[about] = secret
        return secret

    def forget(self, about: About) -> None:
        """It was refused: it is asked for anew.

        Args:
            about: what it was to open.
        """
        self._known.pop(about, None)
