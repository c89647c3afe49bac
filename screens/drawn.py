"""Lines with tones, drawn with the theme's styles, and the panes that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.app import RenderResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Log

from screens.button import Button
from screens.text import MUTED, STRONG, STYLES, Sign
from wizard.core.view.styled import Line, Tone

TONES = {
    Tone.PLAIN: "",
    Tone.DIM: MUTED,
    Tone.STRONG: STRONG,
    Tone.ACCENT: "$text-accent",
    Tone.OK: STYLES[Sign.DONE],
    Tone.BUSY: STYLES[Sign.RUNS],
    Tone.WARN: STYLES[Sign.NEEDS],
    Tone.BAD: STYLES[Sign.FAILED],
}


def content_of(rows: Iterable[Line]) -> Content:
    """Lines below each other.

    Args:
        rows: made printable already.
    """
    drawn = [Content.assemble(*((span.text, TONES[span.tone]) for span in row)) for row in rows]
    return Content("\n").join(drawn)


class Picture(Widget):
    """Something drawn to the room there is, and drawn anew when that changes.

    Args:
        draw: makes the lines for so many columns and rows; a height of 0 = as many as are wanted.
    """

    DEFAULT_CSS = "Picture { height: auto; width: 1fr; } Picture.-fill { height: 1fr; }"

    def __init__(
        self,
        draw: Callable[[int, int], list[Line]],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self._drawn: tuple[int, int, list[Line]] = (0, 0, [])
        """Columns, rows and the lines that are shown in them."""

    def get_content_width(self, container: object, viewport: object) -> int:
        """As wide as what it stands in."""
        return getattr(container, "width", 0)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as are drawn for the width."""
        return max(1, len(self._draw(width, 0)))

    def render(self) -> RenderResult:
        """Draw it."""
        self._drawn = self._now()
        return content_of(self._drawn[2])

    def _now(self) -> tuple[int, int, list[Line]]:
        width, height = self.content_size.width, self.content_size.height if self.has_class("-fill") else 0
        return width, height, self._draw(width, height)

    def on_resize(self) -> None:
        """Another width, as when a scrollbar comes: Textual would show what was drawn for the one before."""
        self.refresh()

    def redraw(self) -> None:
        """What it shows may have changed: it is drawn if it has, and only another height moves what is below."""
        if not self.content_size.width:  # never laid out: nothing is shown that could stay
            self.refresh(layout=True)
            return
        now = self._now()
        if now != self._drawn:
            self.refresh(layout=not self.has_class("-fill") and len(now[2]) != len(self._drawn[2]))


class Reader(VerticalScroll, can_focus=True):
    """A pane that is read with the arrow keys."""


class LogPane(Log):
    """The lines of a run; it follows them until it is scrolled up, and again from its end on."""

    def __init__(self, kept: int, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(max_lines=kept, auto_scroll=True, id=id)

    def add(self, rows: Iterable[str]) -> None:
        """Add lines; where somebody has scrolled up, what they read stays where it is.

        Args:
            rows: made printable already.
        """
        self.write_lines(rows, scroll_end=self.is_vertical_scroll_end)


def say(button: Button, text: str) -> None:
    """Give a button another label, and the room for it.

    Args:
        button: a compact one.
        text: its label.
    """
    if str(button.label) != text:
        button.label = text
        button.styles.width = max(LEAST_BUTTON, len(text) + 4)


LEAST_BUTTON = 8
"""Columns of a button with a short label."""
