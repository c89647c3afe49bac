"""One unit of plan, progress, resume and log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass

if TYPE_CHECKING:
    from wizard.core.artifact import Need
    from wizard.core.context import Work


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is missing in the world and how to bring it about. Only the engine calls `do`."""

    key: str
    """Unique in the step and stable over runs: `marker:tower-a`."""
    host: str
    """The host it is done on; changes of one host keep their order. Empty = on this machine."""
    summary: str
    """Verb first: "Leave our marker on tower-a"."""
    do: Callable[[Work], str]
    """Brings it about and returns the evidence: one line that says how we know."""
    preview: str = ""
    """The command or file, secrets masked."""
    destroys: tuple[str, ...] = ()
    """What is lost by it, each named so that a person recognises it (model, serial, size)."""
    weight: float = 1.0
    """Expected seconds, for the progress bar."""
    after: tuple[str, ...] = ()
    """Keys of changes of this step that must be done first."""
    needs: tuple[Need, ...] = ()
    """Files that `do` obtains: whether they can be had is known before anything is changed."""

    @property
    def digest(self) -> str:
        """16 hex digits over what it would do, to tell on resume whether the answers behind it changed."""
        text = "\0".join((self.key, self.host, self.summary, self.preview, *self.destroys))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
