"""The line of keys at the bottom: what each does here, as text that can be clicked.

Textual's own footer is a widget for each key, made anew whenever one changes, and nothing is drawn until they are there:
a fifth of what it takes to show the first screen.
"""

from __future__ import annotations

from textual.content import Content
from textual.events import Leave, MouseDown, MouseMove
from textual.screen import Screen
from textual.widget import Widget

from wizard.core.dataclass import dataclass

GAP = 3
"""Columns between two keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it stands in the line.

    Attributes:
        key: as it is pressed.
        shown: as it is written.
        does: what it does, in a word or two.
        tooltip: the same in a sentence.
        start: its first column in the line.
    """

    key: str
    shown: str
    does: str
    tooltip: str
    start: int

    @property
    def end(self) -> int:
        """The column behind it."""
        return self.start + len(self.shown) + len(self.does) + 1


class KeyLine(Widget, can_focus=False):
    """The keys of the screen it is on."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[Key, ...] = ()
        self._at: Key | None = None
        """The key that is pointed at."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys as they are drawn now."""
        return self._keys

    def on_mount(self) -> None:
        """Another widget in focus, another run: other keys."""
        self._keys = self._found()
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        if self.is_attached and self._keys != (found := self._found()):
            self._keys, self._at = found, None
            self.refresh()

    def _found(self) -> tuple[Key, ...]:
        found: list[Key] = []
        actions = set()
        for _, binding, _, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in actions:
                actions.add(binding.action)
                start = found[-1].end + GAP if found else 0
                shown = self.app.get_key_display(binding)
                found.append(Key(binding.key, shown, binding.description, tooltip, start))
        return tuple(found)

    def render(self) -> Content:
        """All keys in a line."""
        parts: list[str | Content | tuple[str, str]] = []
        for one in self._keys:
            under = " on $block-hover-background" if one is self._at else ""
            parts += [
                " " * GAP if parts else "",
                (one.shown, f"bold $footer-key-foreground{under}"),
                (f" {one.does}", f"$footer-description-foreground{under}"),
            ]
        return Content.assemble(*parts)

    # --- the mouse --------------------------------------------------------------------------------------------

    def _under(self, column: int) -> Key | None:
        inside = column - self.styles.gutter.left
        return next((one for one in self._keys if one.start <= inside < one.end), None)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Whatever is pointed at says what it does."""
        found = self._under(event.x)
        if found is not self._at:
            self._at = found
            self.tooltip = found.tooltip if found else None
            self.refresh()

    def on_leave(self, _event: Leave) -> None:
        """Nothing is pointed at."""
        if self._at is not None:
            self._at = None
            self.refresh()

    def on_mouse_down(self, event: MouseDown) -> None:
        """A click is the key."""
        found = self._under(event.x)
        if found is not None:
            self.app.simulate_key(found.key)
