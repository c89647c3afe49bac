"""What will be needed next, loaded by a thread while the person reads the first screen."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

NEXT = (
    "yaml",
    "wizard.core.spec.schema",
    "wizard.core.spec.writing",
    "screens.dialogs",
    "screens.hosts",
    "screens.help",
    "screens.discovery",
    "wizard.core.suggest",
    "wizard.core.view.feed",
    "wizard.core.decide.layout",
    "screens.storage",
    "screens.machines",
    "screens.network",
    "screens.witness",
    "screens.review",
    "screens.run",
)
"""In the order they are met. The first three are what judges an answer: 60 ms that the first key would wait for."""


def warm_up() -> None:
    """Load them. Whatever cannot be loaded is told by whoever needs it."""
    for name in NEXT:
        with suppress(ImportError):
            import_module(name)
