"""The run: what is done now, what it waits for, how long it still takes. Leaving the screen leaves the run alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from screens.button import Button
from screens.drawn import LogPane, Picture, Reader, content_of, say
from screens.text import Sign
from screens.topology import TopologyScreen
from screens.widgets import RailItem
from screens.work import Run
from wizard.core.view.columns import wrapped
from wizard.core.view.feed import KEPT_LINES, Drained
from wizard.core.view.progress import RunView
from wizard.core.view.run_text import (
    Aim,
    Leaving,
    bar,
    current_lines,
    ending_lines,
    headline,
    leaving_lines,
    step_lines,
)
from wizard.core.view.styled import Line, Tone, line
from wizard.core.view.topology import Topology, topology_lines, topology_rows

SIGNS = {
    "not-begun": Sign.LATER,
    "running": Sign.RUNS,
    "done": Sign.DONE,
    "failed": Sign.FAILED,
    "blocked": Sign.LATER,
    "stopped": Sign.NEEDS,
}


ROOMY, BESIDE = 108, 22
"""Columns of a terminal that has room for the log and the picture, and of the picture where there is little."""


RAIL = 13
"""Columns of a step's name in the rail."""


CLOCK_SECONDS = 0.9
"""Time after which the steps tell other times; a little less than between two rings of the app's clock."""


class RunScreen(TopologyScreen):
    """How the run is going."""

    STAGE = "run"
    TELLS = "run-steps"
    AUTO_FOCUS = "#run-main"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "c",
            "stop",
            "Stop after this",
            tooltip="Begin nothing more, and end after the current changes",
            id="run.stop",
        ),
        Binding(
            "c",
            "let_go",
            "Let go now",
            tooltip="Wait for nothing; what runs on a host goes on there",
            id="run.let-go",
        ),
        Binding("l", "log", "Log", tooltip="Every line, live", id="run.log"),
        Binding("t", "topology", "Topology", tooltip="What runs where, live", id="run.topology"),
        Binding("d", "doctor", "Doctor", tooltip="What is wrong, root cause first", id="run.doctor"),
        Binding("ctrl+n", "next", "Go on", show=False, tooltip="Go on from here", id="run.next"),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="To the next field", id="run.field"),
        Binding("escape", "back", "Back", show=False, tooltip="To the plan; the run goes on", id="run.back"),
        Binding("f1", "app.help", "Help", tooltip="What this screen is about, and its keys", id="run.help"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._told_at = 0.0
        self._keys_for = (False, Leaving.NO)
        """Whether the run goes on and was asked to end, as the footer has it."""

    @property
    def install(self) -> Run | None:
        """The run that is shown."""
        return self.wizard.install

    @property
    def view(self) -> RunView:
        """How it stands."""
        return self.install.feed.view if self.install else RunView()

    @property
    def aim(self) -> Aim:
        """What it is for: to build, or to mend what doctor found."""
        return Aim.MEND if self.install is not None and self.install.mends else Aim.BUILD

    @property
    def leaving(self) -> Leaving:
        """Whether it was asked to end."""
        return self.install.leaving if self.install is not None else Leaving.NO

    def main(self) -> ComposeResult:
        """The steps, or the topology, and the log below them when it is asked for."""
        with Reader(id="run-main"):
            yield Picture(self._steps, id="run-steps", classes="-fill")
            yield self.topology_picture()
        yield LogPane(KEPT_LINES, id="run-log")

    def buttons(self) -> ComposeResult:
        """What can be done now."""
        yield Button("Stop after this", id="stop", compact=True)
        yield Button("Doctor", id="doctor", compact=True)
        yield Button("Go on", id="next", variant="primary", compact=True)

    def on_mount(self) -> None:
        """The steps first; the log when it is asked for."""
        super().on_mount()
        self.query_one("#question").display = False
        self.query_one("#run-log").display = False

    def arrive(self) -> None:
        """The log has what came meanwhile."""
        pane = self.query_one("#run-log", LogPane)
        pane.clear()
        if self.install:
            pane.add(self.install.feed.log)

    # --- while it goes on -------------------------------------------------------------------------------------

    def progressed(self, drained: Drained) -> None:
        """Something came, or a second went by.

        Args:
            drained: what came; no lines and no change where only time went by.
        """
        if drained.lines:
            self.query_one("#run-log", LogPane).add(drained.lines)
        now = time.monotonic()
        if drained.changed:
            self.redraw()
        elif now - self._told_at >= CLOCK_SECONDS:
            self._redraw_times()
        else:
            return
        self._told_at = now

    def _redraw_times(self) -> None:
        """Only the steps tell how long something has taken."""
        for steps in self.query("#run-steps").results(Picture):
            if steps.display:
                steps.redraw()

    def redraw(self) -> None:
        """Everything but the log."""
        super().redraw()
        # A run that goes on shows what fits; what is said of one that has ended is read to its end.
        self.query_one("#run-steps").set_class(self.view.status == "running", "-fill")
        self._show_buttons()

    def _show_buttons(self) -> None:
        run = self.install
        active = run is not None and run.active
        stop = self.query_one("#stop", Button)
        stop.display = active and self.leaving is not Leaving.NOW
        say(stop, "Stop after this" if self.leaving is Leaving.NO else "Let go now")
        if self._keys_for[0] and not active:  # nothing keeps one from going on any more
            self.query_one("#refusal").display = False
        if self._keys_for != (active, self.leaving):
            self._keys_for = (active, self.leaving)
            self.refresh_bindings()
        going = self.query_one("#next", Button)
        going.display = not active
        say(going, "What was built" if self.view.status == "done" else "Try again")

    def rail(self) -> Sequence[RailItem]:
        """The steps of the run."""
        steps = [RailItem(SIGNS[one.status], _short(one.title)) for one in self.view.steps]
        return steps or super().rail()

    def meaning(self) -> Content:
        """What runs where; at the narrowest only the quorum."""
        log = self.query_one("#run-log").display and self.app.size.width < ROOMY
        if self.topology_shown or log:
            return Content("")
        width = self.query_one("#side").scrollable_content_region.width or BESIDE
        draw = topology_lines if self.app.size.width >= ROOMY else topology_rows
        return content_of(draw(self.topology(), width))

    def _steps(self, width: int, height: int) -> list[Line]:
        now, view = time.time(), self.view
        error = self.install.error if self.install else None
        top = [headline(view, now, self.leaving, self.aim), bar(view, now, min(width, 72)), line("")]
        came_to = self.install.result if self.install else None
        errors = [*came_to.errors, *came_to.unmet] if came_to else []
        ending = ending_lines(view, width, errors) if view.status in ("failed", "stopped") else []
        if error is not None and not (self.install and self.install.active):
            said = [error.what, f"why: {error.why}", *(f"do: {one}" for one in error.do)]
            ending = [line((part, Tone.BAD)) for text in said for part in wrapped(text, width, "", "  ")]
        room = max((height or 20) - len(top), 3)
        if view.status == "running" and self.leaving is not Leaving.NO:
            return [*top, *leaving_lines(view, now, width, room, self.leaving)]
        if view.status == "running":
            return [*top, *current_lines(view, now, width, room)]
        return [*top, *ending, *([line("")] if ending else []), *step_lines(view, width)]

    def topology(self) -> Topology:
        """As the run has brought it about so far."""
        return self.wizard.picture(self.view)

    # --- keys -------------------------------------------------------------------------------------------------

    def action_log(self) -> None:
        """Show or hide the log."""
        pane = self.query_one("#run-log", LogPane)
        pane.display = not pane.display
        (pane if pane.display else self.query_one("#run-main")).focus()
        if pane.display:
            pane.scroll_end(animate=False)
        self.redraw()

    def action_doctor(self) -> None:
        """Ask doctor; the run goes on."""
        self.wizard.doctor()

    def action_stop(self) -> None:
        """Once: stop after the current changes; again: let go now."""
        if self.install is not None and self.install.active:
            self.install.stop()
            self.redraw()

    action_let_go = action_stop

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The same key stops, then lets go; nothing can be stopped where nothing runs."""
        meant = {"stop": Leaving.NO, "let_go": Leaving.AFTER_THIS}.get(action)
        if meant is None:
            return super().check_action(action, parameters)
        return self.install is not None and self.install.active and self.leaving is meant

    def action_back(self) -> None:
        """To the plan; the run goes on."""
        self.wizard.go("review")

    def refusal(self) -> str:
        """One can only go on from a run that has ended."""
        return "The run is not over yet." if self.install is not None and self.install.active else ""

    def action_next(self) -> None:
        """To what was built; or try again."""
        if self.refusal():
            self.refuse(self.refusal())
        elif self.view.status == "done":
            self.wizard.go("done")
        else:
            self.wizard.go("review")

    @on(Button.Pressed, "#stop")
    def _stop_pressed(self) -> None:
        self.action_stop()

    @on(Button.Pressed, "#doctor")
    def _doctor_pressed(self) -> None:
        self.action_doctor()


def _short(title: str) -> str:
    """A step's name as far as the rail has room for it."""
    return title if len(title) <= RAIL else f"{title[: RAIL - 2]}.."
