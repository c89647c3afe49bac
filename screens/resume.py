"""Coming back: what an earlier run left, held against the world, and the ways on from there."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from screens.base import StageScreen
from screens.button import Button
from screens.dialogs import QuestionDialog
from screens.drawn import Picture, Reader
from screens.text import MUTED, STRONG, Sign, labelled, lines, signed, told
from screens.work import Look
from wizard.core.engine.plan import Plan
from wizard.core.engine.resume import Standing
from wizard.core.session import Session
from wizard.core.state import RunState
from wizard.core.view.columns import wrapped
from wizard.core.view.resume import last_touched, remembered, standing_lines
from wizard.core.view.review import sum_text
from wizard.core.view.styled import Line, Tone, line

LABEL = 12
"""Columns of the words in front of what is said beside."""


def read_standing(session: Session) -> tuple[Plan, Standing]:
    """How the earlier run stands; only reads.

    Args:
        session: on the hosts of the spec.
    """
    return session.plan()


class ResumeScreen(StageScreen):
    """Where an earlier run was left."""

    STAGE = "resume"
    QUESTION = "Something is half done"
    NEXT = "Continue"
    AUTO_FOCUS = "#next"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+n", "next", "Continue", tooltip="Go on with the run where it was left", id="resume.next"
        ),
        Binding("v", "review", "Review", tooltip="The whole plan first", id="resume.review"),
        Binding("d", "doctor", "Doctor", tooltip="What is wrong, root cause first", id="resume.doctor"),
        Binding(
            "o",
            "over",
            "Start over",
            tooltip="Begin a new spec; nothing that was built is deleted",
            id="resume.over",
        ),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="To the next button", id="resume.field"),
        Binding("escape", "app.leave", "Quit", tooltip="Leave the wizard", id="resume.quit"),
        Binding(
            "f1", "app.help", "Help", tooltip="What this screen is about, and its keys", id="resume.help"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._look: Look[tuple[Plan, Standing]] | None = None

    @property
    def state(self) -> RunState | None:
        """What the wizard remembers."""
        return self.wizard.left

    def main(self) -> ComposeResult:
        """What is known."""
        with Reader(id="read"):
            yield Picture(self._drawn, id="left")

    def buttons(self) -> ComposeResult:
        """The four ways on."""
        yield Button("Continue", id="next", variant="primary", compact=True)
        yield Button("Review", id="review", compact=True)
        yield Button("Doctor", id="doctor", compact=True)
        yield Button("Start over", id="over", compact=True)

    def arrive(self) -> None:
        """Hold what is remembered against the world."""
        if self._look is None and self.wizard.checked.sound:
            self._look = self.wizard.look(read_standing, self._came)

    def _came(self) -> None:
        if self.is_attached:
            self.redraw()

    def redraw(self) -> None:
        """Everything."""
        super().redraw()
        self.query_one("#left", Picture).redraw()

    def _drawn(self, width: int, _height: int) -> list[Line]:
        rows: list[Line] = []
        look, state = self._look, self.state
        if look is not None and look.result is not None:
            rows += standing_lines(look.result[1], width) or [
                line(("--", Tone.DIM), " No change was begun yet.")
            ]
        elif look is not None and look.error is not None:
            said = [look.error.what, f"why: {look.error.why}", *(f"do: {one}" for one in look.error.do)]
            rows += [line((part, Tone.BAD)) for text in said for part in wrapped(text, width, "", "  ")]
        elif look is not None:
            rows.append(line((".. Asking your hosts what became of it", Tone.BUSY)))
        if state is not None and (look is None or look.result is None):
            rows += [line(""), line(("As it was left", Tone.STRONG)), *remembered(state)]
        return rows or [line("")]

    def meaning(self) -> Content:
        """When it was left, and what is still to do."""
        rows: list[Content] = []
        if self.state is not None:
            rows += [labelled("Last run", last_touched(self.state) or "begun, nothing saved", width=LABEL)]
        if self._look is not None and self._look.result is not None:
            plan = self._look.result[0]
            rows += [labelled("Still to do", (sum_text(plan), STRONG), width=LABEL)]
            rows += [signed(Sign.FAILED, error.what) for error in plan.errors]
        rows += [told("")]
        rows += [
            told(
                (
                    "Going on is safe: what is done is not repeated, what was half done is looked at first.",
                    MUTED,
                )
            )
        ]
        return lines(rows)

    # --- ways on ----------------------------------------------------------------------------------------------

    def refusal(self) -> str:
        """It can only go on with sound answers."""
        errors = self.wizard.checked.errors()
        return f"{errors[0].text} {errors[0].hint}" if errors else ""

    def action_next(self) -> None:
        """Go on; what would be destroyed is asked about before anything is begun."""
        if self.refusal():
            self.refuse(self.refusal())
        else:
            self.wizard.build(frozenset())

    def action_review(self) -> None:
        """The whole plan first."""
        self.wizard.go("review")

    def action_doctor(self) -> None:
        """What is wrong."""
        self.wizard.doctor()

    def action_over(self) -> None:
        """Begin a new spec, after a question."""
        name = self.wizard.desk.spec.name
        text = (
            f"The questions begin anew. {name} is kept under another name. "
            "Nothing that was built is deleted, and no host is touched."
        )
        dialog = QuestionDialog("Start over?", text, yes="Start over", no="Keep it")
        self.app.push_screen(dialog, lambda yes: self.wizard.start_over() if yes else None)

    @on(Button.Pressed, "#review")
    def _review_pressed(self) -> None:
        self.action_review()

    @on(Button.Pressed, "#doctor")
    def _doctor_pressed(self) -> None:
        self.action_doctor()

    @on(Button.Pressed, "#over")
    def _over_pressed(self) -> None:
        self.action_over()
