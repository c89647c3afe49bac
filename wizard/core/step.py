"""One stage of the setup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from wizard.core.change import Change
from wizard.core.check import Check
from wizard.core.context import Context
from wizard.core.spec import ClusterSpec
from wizard.core.state import RunState


class Step:
    """A stage of the story: what must hold before, what is missing, what must hold after.

    A subclass states `id`, `title`, `summary`, `needs`, `beside` and overrides what it has; the engine knows nothing
    else of it.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    beside: ClassVar[tuple[str, ...]] = ()
    """Steps before it that it need not wait for: it begins once their checks before have held.

    Only for steps that change no host in common: of each, changes keep their order.
    """

    def concerns(self, spec: ClusterSpec, state: RunState) -> bool:
        """Whether the stage belongs to this homelab at all; one that does not is nowhere told of.

        Args:
            spec: what is wanted.
            state: what was done before: what is not wanted any more may still have to be taken away.
        """
        return True

    def checks(self, ctx: Context) -> Iterator[Check]:
        """The assertions of this stage, before and after; doctor runs the ones after."""
        yield from ()

    def risks(self, ctx: Context, changes: Sequence[Change]) -> Iterator[str]:
        """Why some of the stage's own changes must not be carried out now, found by reading; asked before a repair.

        Args:
            ctx: this pass.
            changes: those that are meant to be carried out, and no others.
        """
        yield from ()

    def changes(self, ctx: Context) -> Iterator[Change]:
        """What is missing, found by reading; nothing yielded means nothing to do."""
        yield from ()
