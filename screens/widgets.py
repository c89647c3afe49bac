"""What the screens are made of besides Textual's own: fields with their problem beside them, choices, the rail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Blur
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Label, OptionList, Static

from screens.text import MUTED, STYLES, Sign, signed, told, wrapped
from wizard.core.dataclass import dataclass

if TYPE_CHECKING:
    from wizard.core.spec.model import Problem


@dataclass()
class Answered(Message):
    """A field or choice was answered: it was left, or changed by a key.

    Attributes:
        path: the place in the spec.
        value: what it says now; empty = no answer.
    """

    path: str
    value: str


class Told(Widget):
    """Lines of text; those with a label or sign in front are wrapped beside it.

    Args:
        content: what it says first.
    """

    def __init__(
        self,
        content: Content | None = None,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._content = content or Content("")

    def update(self, content: Content) -> None:
        """Say something else."""
        if not content.is_same(self._content):
            self._content = content
            self.refresh(layout=True)

    @property
    def plain(self) -> str:
        """What it says, without styles."""
        return self._content.plain

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it takes."""
        return len(wrapped(self._content, width)) if self._content.plain else 0

    def render(self) -> Content:
        """The lines, wrapped."""
        return Content("\n").join(wrapped(self._content, self.content_size.width))


class Problems(Told):
    """What is wrong with the answer above, or nothing at all."""

    def tell(self, problems: Sequence[Problem], *, empty: bool, wanted: str) -> None:
        """Show the first problem.

        Args:
            problems: of one answer.
            empty: nothing was answered yet: say what is wanted instead of which key is missing.
            wanted: an example of an answer.
        """
        first = next(iter(problems), None)
        self.display = first is not None
        if first is None:
            return
        sign = Sign.FAILED if first.level == "error" else Sign.NEEDS
        text = f"{first.text} {first.hint}"
        if empty and first.level == "error":
            text = f"Needed, such as {wanted}." if wanted else "Needed."
        self.update(signed(sign, text))


class Field(Vertical):
    """A label, a line to type in, and below it what is wrong with it.

    Args:
        path: the place in the spec; may be changed later (`aim`).
        label: in front of the line.
        example: shown where nothing is typed.
        long: where there is little room, the line stands below its label and has all of it.
    """

    def __init__(
        self,
        path: str,
        label: str,
        *,
        example: str = "",
        long: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id, classes="-long" if long else None)
        self.path, self._label, self.example = path, label, example
        self._put = ""
        """What was put into the line last, by us."""

    def compose(self) -> ComposeResult:
        """Label and line beside each other, the problem below."""
        with Horizontal():
            yield Label(told(self._label), classes="field-label")
            line = Input(placeholder=self.example, compact=True, select_on_focus=False)
            line.cursor_blink = False  # a cursor that blinks is a screen that is drawn for nothing
            yield line
        yield Problems(classes="field-problem")

    def on_mount(self) -> None:
        """Nothing is wrong until it was looked at."""
        self.query_one(Problems).display = False

    @property
    def value(self) -> str:
        """What is typed."""
        return self.query_one(Input).value.strip()

    @value.setter
    def value(self, text: str) -> None:
        line = self.query_one(Input)
        self._put = text
        if line.value != text:
            line.value = text

    @property
    def _being_typed(self) -> bool:
        line = self.query_one(Input)
        return line.has_focus and line.value != self._put

    def aim(self, path: str, value: str, example: str | None = None) -> None:
        """Be about another place of the spec, or show what is answered now; what is being typed stays."""
        if path != self.path or not self._being_typed:
            self.path, self.value = path, value
        if example is not None:
            self.query_one(Input).placeholder = self.example = example

    def focus_line(self) -> None:
        """Type here next."""
        self.query_one(Input).focus()

    def tell(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong."""
        self.query_one(Problems).tell(problems, empty=not self.value, wanted=self.example)

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        event.stop()
        self.post_message(Answered(self.path, self.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()


class Choice(Static, can_focus=True):
    """One of a few words, changed with left, right or space.

    Args:
        path: the place in the spec.
        label: in front of it.
        options: (value, word); an empty value takes the answer away.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", "Before", show=False, tooltip="The choice before", id="choice.before"),
        Binding(
            "right,l,space",
            "turn(1)",
            "Other",
            tooltip="The next choice",
            id="choice.next",
            key_display="space",
        ),
        Binding(
            "enter",
            "screen.focus_next",
            "Next field",
            show=False,
            tooltip="The next field",
            id="choice.leave",
        ),
    ]
    value: reactive[str] = reactive("", init=False)

    def __init__(
        self,
        path: str,
        label: str,
        options: Iterable[tuple[str, str]],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self.path, self._label, self._options = path, label, list(options)

    def aim(self, path: str, value: str) -> None:
        """Be about another place of the spec."""
        self.path = path
        self.set_reactive(Choice.value, value)
        self.refresh(layout=True)

    def render(self) -> Content:
        """Label and word, with arrows that say how it is changed."""
        word = next((word for value, word in self._options if value == self.value), self.value)
        return told(
            f"{self._label:<{LABEL - 1}} ", (f"< {word} >", "bold reverse" if self.has_focus else "on $panel")
        )

    def watch_has_focus(self, _focus: bool) -> None:
        """Redraw: the focus is shown by the word itself."""
        super().watch_has_focus(_focus)
        self.refresh()

    def action_turn(self, by: int) -> None:
        """Take the next word."""
        values = [value for value, _ in self._options]
        place = values.index(self.value) if self.value in values else 0
        self.value = values[(place + by) % len(values)]
        self.post_message(Answered(self.path, self.value))

    def on_blur(self, _event: Blur) -> None:
        """Redraw without the focus."""
        self.refresh()


class Lines(OptionList):
    """A list of lines, gone through with the arrows or j and k."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, tooltip="The next line", id="lines.down"),
        Binding("k", "cursor_up", "Up", show=False, tooltip="The line before", id="lines.up"),
    ]


LABEL = 12
"""Columns of a label in front of a field."""


@dataclass(frozen=True, slots=True)
class RailItem:
    """One line of the rail."""

    sign: Sign
    title: str


class Rail(Static):
    """The steps of the story with how each stands."""

    shown: tuple[RailItem, ...] = ()

    def show(self, items: Sequence[RailItem]) -> None:
        """Draw them anew, if any stands differently."""
        if self.shown == tuple(items):
            return
        self.shown = tuple(items)
        rows = [told((f"{item.sign} {item.title}", STYLES[item.sign])) for item in items]
        self.update(Content("\n").join(rows))


class TitleLine(Widget):
    """The name at the left, the step at the right."""

    shown: tuple[str, str] = ("", "")

    def show(self, name: str, step: str) -> None:
        """Draw them anew, if they say something else."""
        if self.shown != (name, step):
            self.shown = (name, step)
            self.refresh()

    def render(self) -> Content:
        """Both on one line; the name is cut where there is no room for it."""
        name, step = (told(text) for text in self.shown)
        room = max(self.content_size.width - step.cell_length, 0)
        return name.truncate(room, ellipsis=True, pad=True).stylize("bold") + step.stylize(MUTED)


class TooSmall(Widget):
    """What is shown where a terminal has no room; everything goes on behind it."""

    def render(self) -> Content:
        """The notice."""
        size = self.app.size
        return told(
            f"This terminal has {size.width}x{size.height}; 60x15 at least are needed. "
            "Make it larger. Everything goes on."
        )
