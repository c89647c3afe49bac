"""The frame every stage is drawn in. A stage says what is asked, what it means, and what keeps it from going on.

A stage of the story is a `StageScreen` with

- `STAGE` (its id in `screens.flow`), `QUESTION`, `PATHS` (the answers it is responsible for),
- `main()`: the widgets in the middle; `Field` and `Choice` from `screens.widgets` find their problems by themselves,
- `meaning()`: what stands at the right, drawn anew by `redraw()` after every answer,
- `refusal()`: why one cannot go on from here; empty = one can,
- `arrive()`: called whenever the screen is shown, with the answers as they are now.

Rail and buttons may be replaced by overriding `rail()` and `buttons()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Input, Static

from screens.button import Button
from screens.flow import STAGES, number_of
from screens.keys import KeyLine
from screens.text import MUTED, STRONG, Sign, signed, told
from screens.widgets import Answered, Choice, Field, Rail, RailItem, TitleLine, Told, TooSmall

if TYPE_CHECKING:
    from screens.app import WizardApp


HELP_KEY = "f1"


class StageScreen(Screen[None]):
    """One step of the setup."""

    STAGE: ClassVar[str] = ""
    QUESTION: ClassVar[str] = ""
    WHY: ClassVar[str] = ""
    PATHS: ClassVar[tuple[str, ...]] = ()
    NEXT: ClassVar[str] = "Next"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next", "Next", tooltip="Go on to the next step", id="stage.next"),
        Binding("escape", "back", "Back", tooltip="To the step before; answers are kept", id="stage.back"),
        Binding(
            "tab", "app.focus_next", "Next field", show=False, tooltip="To the next field", id="stage.field"
        ),
        Binding("pageup", "page(-1)", "Up", show=False, tooltip="Scroll the middle up", id="stage.up"),
        Binding("pagedown", "page(1)", "Down", show=False, tooltip="Scroll the middle down", id="stage.down"),
        Binding("f1", "app.help", "Help", tooltip="What this screen is about, and its keys", id="stage.help"),
    ]

    _drawn_at: Size | None = None
    """The terminal's size when it was drawn last; None = never."""

    @property
    def wizard(self) -> WizardApp:
        """The app, by its own type."""
        return cast("WizardApp", self.app)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """As of every screen, with help at the end of the keys: there it is looked for."""
        found = super().active_bindings
        if HELP_KEY in found:
            found[HELP_KEY] = found.pop(HELP_KEY)
        return found

    # --- what a stage says ------------------------------------------------------------------------------------

    def main(self) -> ComposeResult:
        """The widgets in the middle."""
        yield from ()

    def meaning(self) -> Content:
        """What the answers mean, at the right; empty = there is nothing to say, and no pane."""
        return Content("")

    def refusal(self) -> str:
        """Why one cannot go on; by default the first error among the stage's own answers."""
        errors = self.wizard.checked.errors(*self.PATHS) if self.PATHS else []
        if not errors:
            return ""
        rest = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
        return f"{errors[0].text} {errors[0].hint}{rest}"

    def arrive(self) -> None:
        """The screen is shown: take the answers as they are now."""

    def rail(self) -> Sequence[RailItem]:
        """The lines at the left."""
        return self.wizard.rail(self.STAGE)

    def buttons(self) -> ComposeResult:
        """Below the middle."""
        yield Button("Back", id="back", compact=True)
        yield Button(self.NEXT, id="next", variant="primary", compact=True)

    # --- the frame --------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Title, rail, middle, meaning, keys."""
        self._measure()
        yield TitleLine(id="title")
        with Horizontal(id="body"):
            yield Rail(id="rail")
            with Horizontal(id="panes"):
                with Vertical(id="centre"):
                    with VerticalScroll(id="main", can_focus=False):
                        yield Static(told((self.QUESTION, STRONG)), id="question")
                        if self.WHY:
                            yield Static(told((self.WHY, MUTED)), id="why")
                        yield from self.main()
                    yield Told(id="refusal")
                    with Horizontal(id="buttons"):
                        yield from self.buttons()
                with VerticalScroll(id="side", can_focus=False):
                    yield Told(id="meaning")
        yield TooSmall(id="small")
        yield KeyLine()

    def _measure(self) -> None:
        """Know the terminal's size before anything is styled; told by the first resize, all would be styled twice."""
        width, height = self.app.size
        for room, steps in (
            (width, self.app.HORIZONTAL_BREAKPOINTS),
            (height, self.app.VERTICAL_BREAKPOINTS),
        ):
            fitting = [name for least, name in sorted(steps or ()) if room >= least]
            self.set_class(True, *fitting[-1:], update=False)

    def on_mount(self) -> None:
        """Draw what is known."""
        self.query_one("#refusal").display = False

    def on_resize(self) -> None:
        """Another size: what is drawn to the room there is, is drawn anew once the panes have theirs."""
        if self._drawn_at not in (None, self.app.size):
            self.call_after_refresh(self._redraw_if_there)

    def _redraw_if_there(self) -> None:
        if self.children:
            self.redraw()

    def on_screen_resume(self) -> None:
        """Shown (again): the answers may have changed elsewhere."""
        self.arrive()
        self.fill()
        self.redraw()
        self.call_after_refresh(self._begin_at_the_top)

    def _begin_at_the_top(self) -> None:
        """From the top, and the terminal's own cursor where typing goes: screen readers follow it."""
        if not self.children:  # left before it was drawn again: a screen on its way out has nothing in it
            return
        self.query_one("#main").scroll_home(animate=False)
        if isinstance(self.focused, Input):
            self.app.cursor_position = self.focused.cursor_screen_offset
            self.focused.refresh()

    def fill(self) -> None:
        """Put the answers into the fields."""
        draft = self.wizard.draft
        for field in self.query(Field):
            field.aim(field.path, draft.get(field.path))
        for choice in self.query(Choice):
            choice.aim(choice.path, draft.get(choice.path))

    def fill_empty(self) -> None:
        """Put answers that came by themselves into fields nobody has typed in."""
        for field in self.query(Field):
            if field.path and not field.value:
                field.aim(field.path, self.wizard.draft.get(field.path))

    def redraw(self) -> None:
        """Title, rail and meaning as they are now."""
        self._drawn_at = self.app.size
        number, count = number_of(self.STAGE), len(STAGES)
        self.query_one(TitleLine).show(
            self.wizard.title_text(), f"step {number} of {count}" if number else ""
        )
        self.query_one(Rail).show(self.rail())
        meaning = self.meaning()
        self.query_one("#side").display = bool(meaning.plain)
        self.query_one("#meaning", Told).update(meaning)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        if self.answer_given(event.path, event.value):
            self.answered(event.path)
            self.redraw()
            self.query_one("#refusal").display = False
        for field in self.query(Field):
            if field.path == event.path and self.is_attached:
                field.tell(self.wizard.checked.at(self.place_of(field)) if field.value else ())

    def answer_given(self, path: str, value: str) -> bool:
        """Take an answer; a stage whose fields are not plain places in the spec does it its own way."""
        return self.wizard.answer(path, value)

    def place_of(self, field: Field) -> str:
        """The place in the spec that a field is about; a stage whose fields go by other names says which."""
        return field.path

    def answered(self, path: str) -> None:
        """An answer of this screen was changed; a stage may look at what depends on it."""

    @on(Button.Pressed, "#next")
    def _next_pressed(self) -> None:
        self.action_next()

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        """To the step before."""
        self.take_answers()
        self.wizard.step(-1)

    def action_page(self, by: int) -> None:
        """Scroll the middle by a page."""
        middle = self.query_one("#main", VerticalScroll)
        middle.scroll_relative(y=by * max(1, middle.size.height - 2), animate=False)

    def action_next(self) -> None:
        """To the next step, or say why not."""
        self.take_answers()
        reason = self.refusal()
        if reason:
            self.refuse(reason)
        else:
            self.wizard.step(1)

    def take_answers(self) -> None:
        """Take what stands in the fields, left or not."""
        for field in self.query(Field):
            self.answer_given(field.path, field.value)

    def refuse(self, reason: str) -> None:
        """Say why one cannot go on, and go to the field it is about."""
        said = self.query_one("#refusal", Told)
        said.update(signed(Sign.FAILED, "Not yet: ", reason))
        said.display = True
        checked = self.wizard.checked
        wrong = [field for field in self.query(Field) if checked.errors(self.place_of(field))]
        for field in wrong:
            field.tell(checked.at(self.place_of(field)))
        if wrong:
            wrong[0].focus_line()
