"""After the run: what was built, where it answers, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from screens.button import Button
from screens.drawn import Picture, Reader, content_of
from screens.flow import STAGES
from screens.text import Sign
from screens.topology import TopologyScreen
from screens.widgets import RailItem
from wizard.core.home import shortened
from wizard.core.spec.model import ClusterSpec
from wizard.core.view.done import built_lines, kubernetes_line, next_steps, nothing_missing
from wizard.core.view.progress import RunView
from wizard.core.view.styled import Line, line
from wizard.core.view.topology import Topology, topology_lines

ROOMY, BESIDE = 108, 32
"""Columns of a terminal that has room for the picture beside the table, and of the picture."""


class DoneScreen(TopologyScreen):
    """What there is now."""

    STAGE = "done"
    TELLS = "built-text"
    NEXT = "Doctor"
    AUTO_FOCUS = "#next"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "next", "Doctor", tooltip="Is everything well?", id="done.doctor"),
        Binding("ctrl+n", "next", "Doctor", show=False, tooltip="Is everything well?", id="done.next"),
        Binding("t", "topology", "Topology", tooltip="What runs where", id="done.topology"),
        Binding("l", "app.log", "Log", tooltip="Everything that happened", id="done.log"),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="To the next pane", id="done.field"),
        Binding("escape", "back", "Plan", tooltip="To the plan; answers can be changed", id="done.back"),
        Binding("ctrl+q", "app.leave", "Quit", tooltip="Leave the wizard", id="done.quit"),
        Binding("f1", "app.help", "Help", tooltip="What this screen is about, and its keys", id="done.help"),
    ]

    @property
    def spec(self) -> ClusterSpec:
        """What was built."""
        return self.wizard.wanted()

    @property
    def view(self) -> RunView:
        """The run that built it, or that nothing had to be done."""
        return self.wizard.install.feed.view if self.wizard.install else nothing_missing(self.spec)

    def main(self) -> ComposeResult:
        """Machines and addresses, then what comes next."""
        with Reader(id="built"):
            yield Picture(self._built, id="built-text")
            yield self.topology_picture()

    def buttons(self) -> ComposeResult:
        """Doctor, or leave."""
        yield Button("Quit", id="quit", compact=True, action="app.leave")
        yield Button(self.NEXT, id="next", variant="primary", compact=True)

    def on_mount(self) -> None:
        """The first line says it all: no question is asked here."""
        super().on_mount()
        self.query_one("#question").display = False

    def _built(self, width: int, _height: int) -> list[Line]:
        home = self.wizard.desk.home(self.spec.name)
        health, told = self.topology().quorum
        return [
            *built_lines(self.spec, self.view, width),
            line("etcd  ", (f"{health.symbol} {told}", health.tone)),
            *([kubernetes_line(self.spec)] if self.spec.nodes() else []),
            line(""),
            *next_steps(self.spec, shortened(home.folder), width, self.wizard.desk.program),
        ]

    def meaning(self) -> Content:
        """What runs where."""
        if self.app.size.width < ROOMY or self.topology_shown:
            return Content("")
        width = self.query_one("#side").scrollable_content_region.width or BESIDE
        return content_of(topology_lines(self.topology(), width))

    def topology(self) -> Topology:
        """As it was built."""
        return self.wizard.picture(self.view)

    def rail(self) -> Sequence[RailItem]:
        """The whole story, told."""
        return [*(RailItem(Sign.DONE, stage.title) for stage in STAGES), RailItem(Sign.HERE, "Done")]

    def action_next(self) -> None:
        """Ask doctor."""
        self.wizard.doctor()

    def action_back(self) -> None:
        """To the plan."""
        self.wizard.go("review")

    @on(Button.Pressed, "#next")
    def _doctor_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_next()
