"""Everything that happened, line by line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Label, Log

from screens.keys import KeyLine
from screens.text import STRONG, told

if TYPE_CHECKING:
    from wizard.core.events import Event

MOST_LINES = 5_000
"""Lines kept in memory; all of them are in the cluster's events.jsonl."""


class RunLog:
    """The last lines of what happened; bounded."""

    def __init__(self) -> None:
        self.kept: deque[str] = deque(maxlen=MOST_LINES)
        self.watcher: Callable[[list[str]], None] | None = None
        """Given new lines as they come, while somebody looks."""

    def take(self, batch: Sequence[Event]) -> None:
        """Add a line for each event."""
        from wizard.core.view.feed import log_line

        self.add([line for event in batch if (line := log_line(event))])

    def add(self, fresh: Sequence[str]) -> None:
        """Add lines that were made already."""
        self.kept.extend(fresh)
        if self.watcher is not None and fresh:
            self.watcher(list(fresh))


class LogScreen(ModalScreen[None]):
    """The log over whatever was shown; it follows until it is scrolled.

    Args:
        log: what happened so far.
    """

    AUTO_FOCUS = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,f2",
            "dismiss",
            "Close",
            tooltip="Back to the screen below",
            id="log.close",
            key_display="esc",
        ),
        Binding("end,G", "end", "Latest", tooltip="Follow what happens", id="log.end", key_display="end"),
        Binding("home,g", "home", "First", tooltip="The oldest line kept", id="log.home", key_display="home"),
    ]

    def __init__(self, log: RunLog) -> None:
        super().__init__()
        self._log_kept = log

    def compose(self) -> ComposeResult:
        """A title, the lines, the keys."""
        yield Label(told((f"Log, the last {MOST_LINES} lines", STRONG)), id="log-title")
        yield Log(max_lines=MOST_LINES, id="log-lines")
        yield KeyLine()

    def on_mount(self) -> None:
        """Show what is there and follow."""
        self._lines.write_lines(list(self._log_kept.kept) or ["Nothing happened yet."])
        self._log_kept.watcher = self._more

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._log_kept.watcher = None

    @property
    def _lines(self) -> Log:
        return self.query_one("#log-lines", Log)

    def _more(self, fresh: list[str]) -> None:
        self._lines.write_lines(fresh)

    def action_end(self) -> None:
        """To the newest line."""
        self._lines.scroll_end(animate=False)

    def action_home(self) -> None:
        """To the oldest line."""
        self._lines.scroll_home(animate=False)
