"""The first screen: a name for what is to be built, or the way back to where one was."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from screens.base import StageScreen
from screens.button import Button
from screens.flow import STAGES, number_of
from screens.text import MUTED, STRONG, Sign, lines, signed, told
from screens.widgets import Field, Told


class WelcomeScreen(StageScreen):
    """What this is, and where to begin."""

    STAGE = "welcome"
    QUESTION = "A homelab that stays up when one machine dies"
    PATHS = ("name",)
    NEXT = "Begin"
    AUTO_FOCUS = "Field Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next", "Begin", tooltip="Begin, or go on where you were", id="welcome.next"),
        Binding("ctrl+t", "app.change_theme", "Theme", tooltip="Another look", id="welcome.theme"),
        Binding("escape", "app.leave", "Quit", tooltip="Save and quit", id="welcome.quit"),
    ]

    def main(self) -> ComposeResult:
        """What it does, and the name."""
        yield Told(
            told(
                "Two hypervisors and a Raspberry Pi become a Kubernetes cluster that goes on working "
                "when any one of them stops. Nothing is changed on any machine before you have seen the "
                "whole plan and said yes to it."
            ),
            classes="paragraph",
        )
        yield Field("name", "Name", example="home")
        yield Told(id="state", classes="paragraph")

    def buttons(self) -> ComposeResult:
        """Begin, or quit."""
        yield Button("Begin", id="next", variant="primary", compact=True)
        yield Button("Quit", id="quit", compact=True, action="app.leave")

    def arrive(self) -> None:
        """Say where one was, if somewhere."""
        app = self.wizard
        self.query_one("#state", Told).update(self._state())
        self.query_one("#next", Button).label = "Go on" if app.begun or app.furthest else "Begin"

    def _state(self) -> Content:
        app = self.wizard
        if not (app.begun or app.furthest):
            return told((f"The answers will be kept in {app.desk.spec.name}.", MUTED))
        stage = STAGES[max(app.furthest, 1) - 1]
        rows = [signed(Sign.DONE, f"Your answers are in {app.desk.spec.name}.")]
        rows.append(
            signed(Sign.HERE, f"You were at {stage.title}, step {number_of(stage.id)} of {len(STAGES)}.")
        )
        if app.note:
            rows.append(signed(Sign.NEEDS, app.note))
        return lines(rows)

    def meaning(self) -> Content:
        """What is needed."""
        rows = [
            told(("You need", STRONG)),
            told(""),
            told("- two machines with Unraid, or with Linux and libvirt"),
            told("- a small third one, such as a Raspberry Pi with an SSD on USB"),
            told("- a way to log in to each by SSH"),
            told("- a few free addresses in your LAN"),
            told(""),
            told(("About ten minutes for the questions, and about twenty for the machines.", MUTED)),
        ]
        return lines(rows)

    def action_next(self) -> None:
        """Begin, or go on where one was."""
        self.take_answers()
        reason = self.refusal()
        if reason:
            self.refuse(reason)
        else:
            self.wizard.go(STAGES[max(self.wizard.furthest, 1) - 1].id)
