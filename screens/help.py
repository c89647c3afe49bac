"""Help: what the screen below is about, and every key that works on it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Markdown, Static

from screens.flow import AnyScreen
from screens.keys import KeyLine
from screens.text import MUTED, STRONG, lines, told
from wizard.core.resources import asset_text

GENERAL = "general"
"""The help of screens that have none of their own."""


class HelpScreen(ModalScreen[None]):
    """The help text of a screen and its keys.

    Args:
        below: the screen it was called on; its `STAGE` names the text.
    """

    AUTO_FOCUS = "#help-text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,f1",
            "dismiss",
            "Close",
            tooltip="Back to the screen below",
            id="help.close",
            key_display="esc",
        ),
    ]

    def __init__(self, below: AnyScreen) -> None:
        super().__init__()
        self._topic = getattr(below, "STAGE", "") or GENERAL
        self._keys = [
            (one.binding.key_display or self._shown(one.binding.key), one.binding.description, one.tooltip)
            for one in below.active_bindings.values()
            if one.binding.description and one.tooltip
        ]

    @staticmethod
    def _shown(key: str) -> str:
        return {"escape": "esc", "ctrl+n": "^n", "ctrl+p": "^p", "ctrl+q": "^q", "ctrl+s": "^s"}.get(key, key)

    def compose(self) -> ComposeResult:
        """The text, then the keys."""
        with VerticalScroll(id="help-text"):
            yield Markdown(help_text(self._topic))
            yield Static(
                lines(
                    [
                        told(("Keys on this screen", STRONG)),
                        told(""),
                        *(told(f"{key:<8} {name:<12} ", (tip, MUTED)) for key, name, tip in self._keys),
                    ]
                ),
                id="help-keys",
            )
        yield KeyLine()


def help_text(topic: str) -> str:
    """The help of a screen, or the general one.

    Args:
        topic: the screen's stage.
    """
    try:
        return asset_text(f"help/{topic}.md")
    except FileNotFoundError:
        return asset_text(f"help/{GENERAL}.md")
