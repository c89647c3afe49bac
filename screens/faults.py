"""What can be made to go wrong, searched and switched by keyboard. Only a desk that offers it has this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Input
from textual.widgets.option_list import Option

from screens.button import Button
from screens.dialogs import Dialog
from screens.keys import KeyLine
from screens.text import MUTED, STYLES, Sign, lines, told
from screens.widgets import Lines, Told
from wizard.core.desk import FaultChoice, FaultMenu, Switch
from wizard.core.errors import WizardError
from wizard.core.spec.model import ClusterSpec

WORDS = {Switch.OFF: "--", Switch.ON: "on", Switch.NEXT: "next"}
STATE, NAME = 6, 26
"""Columns of the words in front."""


@dataclass
class Switched(Message):
    """A fault was switched, or could not be.

    Attributes:
        choices: how all of them stand now.
        error: what kept it from being switched.
    """

    choices: tuple[FaultChoice, ...]
    error: WizardError | None = None


class FaultLines(Lines):
    """The faults; Enter switches the one that is pointed at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "On or off", tooltip="From now on; again: off", id="faults.on"),
    ]


class FaultsDialog(Dialog[None]):
    """All faults; those whose name, text or machine has the words that were typed.

    Args:
        menu: what can be made to go wrong.
        spec: which machines there are.
    """

    AUTO_FOCUS = "#fault-list"
    TITLE_TEXT = "Let something go wrong"
    STAGE = "faults"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "turn('next')", "Next change", tooltip="From the next change on", id="faults.next"),
        Binding("x", "turn('off')", "Off", tooltip="As if it had never been", id="faults.off"),
        Binding("slash", "search", "Search", tooltip="Find one by its words", id="faults.search"),
        Binding("down", "list", "List", show=False, tooltip="From the words to the list", id="faults.list"),
        Binding(
            "f1", "app.help", "Help", tooltip="What this screen is about, and its keys", id="faults.help"
        ),
    ]

    def __init__(self, menu: FaultMenu, spec: ClusterSpec) -> None:
        super().__init__()
        self._menu, self._spec = menu, spec
        self._choices: tuple[FaultChoice, ...] = ()
        self._shown: list[FaultChoice] = []

    def compose(self) -> ComposeResult:
        """The box, and its keys below."""
        yield from super().compose()
        yield KeyLine()

    def on_resize(self, event: Resize) -> None:
        """The list takes all the room there is."""

    def body(self) -> Content:
        """What switching one on means."""
        return told(("It holds until it is mended or switched off.", MUTED))

    def extra(self) -> ComposeResult:
        """The words, the list, and what the one that is pointed at does."""
        yield Input(placeholder="Search: disk, pi, clock ...", id="fault-words", compact=True)
        yield FaultLines(id="fault-list", compact=True)
        yield Told(id="fault-text")

    def buttons(self) -> ComposeResult:
        """One way out."""
        yield Button("Close", id="close", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Ask what there is."""
        self.run_worker(self._ask, thread=True, exit_on_error=False)

    # --- in a thread: a fault may have to wait for a host that is at work ---------------------------------------

    def _ask(self) -> None:
        self.post_message(Switched(self._menu.choices(self._spec)))

    def _switch(self, name: str, switch: Switch) -> None:
        error = None
        try:
            self._menu.turn(name, switch)
        except WizardError as found:
            error = found
        self.post_message(Switched(self._menu.choices(self._spec), error))

    # --- what is shown ------------------------------------------------------------------------------------------

    def on_switched(self, message: Switched) -> None:
        """Draw how they stand."""
        self._choices = message.choices
        self._fill()
        if message.error is not None:
            self.notify(f"{message.error.what} {message.error.why}", severity="error", markup=False)

    @on(Input.Changed, "#fault-words")
    def _typed(self) -> None:
        self._fill()

    def _fill(self) -> None:
        """The list as it is wanted, the same one pointed at where it still can be."""
        pointed = self.pointed
        self._shown = matching(self._choices, self.query_one("#fault-words", Input).value)
        listed = self.query_one("#fault-list", Lines)
        listed.clear_options()
        listed.add_options(Option(_row(one)) for one in self._shown)
        names = [one.name for one in self._shown]
        if names:
            listed.highlighted = names.index(pointed.name) if pointed and pointed.name in names else 0
        self._tell()

    @property
    def pointed(self) -> FaultChoice | None:
        """The one that is pointed at."""
        index = self.query_one("#fault-list", Lines).highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    @on(Lines.OptionHighlighted, "#fault-list")
    def _tell(self) -> None:
        one = self.pointed
        text = lines([told((f"{one.where}: ", "bold"), one.text)]) if one else told("Nothing of that name.")
        self.query_one("#fault-text", Told).update(text)

    # --- keys ---------------------------------------------------------------------------------------------------

    @on(Lines.OptionSelected, "#fault-list")
    def _chosen(self) -> None:
        self.action_turn("on")

    @on(Input.Submitted, "#fault-words")
    def action_list(self) -> None:
        """From the words to the list."""
        self.query_one("#fault-list", Lines).focus()

    def action_search(self) -> None:
        """To the words."""
        self.query_one("#fault-words", Input).focus()

    def action_turn(self, word: str) -> None:
        """Switch the one that is pointed at.

        Args:
            word: of a `Switch`; one that is on already is switched off.
        """
        one, switch = self.pointed, Switch(word)
        if one is None:
            return
        wanted = Switch.OFF if switch is one.switch else switch
        self.run_worker(partial(self._switch, one.name, wanted), thread=True, exit_on_error=False)

    @on(Button.Pressed)
    def action_safe(self) -> None:
        """Close."""
        self.dismiss(None)


def matching(choices: Sequence[FaultChoice], words: str) -> list[FaultChoice]:
    """The faults that have all of the words, in name, text or machine.

    Args:
        choices: all of them.
        words: as typed.
    """
    wanted = words.lower().split()
    return [
        one for one in choices if all(word in f"{one.name} {one.text} {one.where}".lower() for word in wanted)
    ]


def _row(one: FaultChoice) -> Content:
    style = STYLES[Sign.LATER if one.switch is Switch.OFF else Sign.NEEDS]
    return told((f"{WORDS[one.switch]:<{STATE}}", style), f"{one.name:<{NAME}}", (one.where, MUTED))
