"""The buttons below what is asked: one line each, and no more styles than they have looks."""

from __future__ import annotations

from typing import ClassVar

from textual import widgets


class Button(widgets.Button, inherit_css=False):
    """As Textual's, in the one shape that is used here; of its own styles most are for other shapes and colours."""

    DEFAULT_CSS: ClassVar[str] = """
    Button { width: auto; height: auto; line-pad: 1; text-align: center; content-align: center middle; }
    Button { text-style: bold; pointer: pointer; }
    Button:focus { background-tint: $foreground 5%; }
    Button.-active { tint: $background 30%; }
    Button:disabled { text-opacity: 0.6; pointer: not-allowed; }
    """
