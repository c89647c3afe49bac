"""The few questions there are. In each of them Escape, and Enter alone, do what is safe."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from screens.button import Button
from screens.text import MUTED, STRONG, error_content, lines, told
from screens.widgets import Told
from wizard.core.errors import WizardError
from wizard.core.prompt import HostKeyQuestion, SecretQuestion
from wizard.core.secret import Secret

T = TypeVar("T")

AROUND = 7
"""Rows of a box besides its text: border, padding, title, buttons."""


class Dialog(ModalScreen[T]):
    """A box over the screen: a title, what it is about, buttons. Escape leaves it by the safe way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "safe", "Back", tooltip="Leave this question by the safe way", id="dialog.safe"),
        Binding(
            "left", "app.focus_previous", "Left", show=False, tooltip="The button before", id="dialog.left"
        ),
        Binding("right", "app.focus_next", "Right", show=False, tooltip="The next button", id="dialog.right"),
        Binding("pageup,up", "page(-1)", "Up", show=False, tooltip="Scroll the text up", id="dialog.up"),
        Binding(
            "pagedown,down", "page(1)", "Down", show=False, tooltip="Scroll the text down", id="dialog.down"
        ),
    ]
    TITLE_TEXT: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        """Title, body, buttons."""
        with Vertical(classes="dialog"):
            yield Label(told((self.title_text(), STRONG)), classes="dialog-title")
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield Told(self.body(), classes="dialog-text")
                yield from self.extra()
            with Horizontal(classes="dialog-buttons"):
                yield from self.buttons()

    def on_resize(self, event: Resize) -> None:
        """The text leaves room for the buttons, and is scrolled where it is longer."""
        self.query_one(".dialog-body").styles.max_height = max(3, event.size.height * 92 // 100 - AROUND)

    def title_text(self) -> str:
        """What stands above."""
        return self.TITLE_TEXT

    def body(self) -> Content:
        """What it is about."""
        raise NotImplementedError

    def extra(self) -> ComposeResult:
        """What is asked besides; nothing unless a dialog says otherwise."""
        yield from ()

    def buttons(self) -> ComposeResult:
        """The safe one first."""
        raise NotImplementedError

    def action_safe(self) -> None:
        """Leave by the safe way."""
        raise NotImplementedError

    def action_page(self, by: int) -> None:
        """Scroll the text by half of what is seen.

        Args:
            by: -1 or 1.
        """
        body = self.query_one(".dialog-body", VerticalScroll)
        body.scroll_relative(y=by * max(1, body.size.height // 2), animate=False)


class QuestionDialog(Dialog[bool]):
    """Yes or no; no has the focus.

    Args:
        title: the question in a few words.
        body: what a yes means.
        yes: the verb of the yes button.
        no: the verb of the safe one.
    """

    AUTO_FOCUS = "#no"

    def __init__(self, title: str, body: Content | str, *, yes: str, no: str = "Cancel") -> None:
        super().__init__()
        self._title, self._body, self._yes, self._no = title, body, yes, no

    def title_text(self) -> str:
        """The question."""
        return self._title

    def body(self) -> Content:
        """What a yes means."""
        return told(self._body)

    def buttons(self) -> ComposeResult:
        """No, then yes."""
        yield Button(self._no, id="no", variant="primary", compact=True)
        yield Button(self._yes, id="yes", compact=True)

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_safe(self) -> None:
        """No."""
        self.dismiss(False)


class ErrorDialog(Dialog[None]):
    """Something a person has to know: what, where, why, what to do.

    Args:
        error: to be told.
    """

    AUTO_FOCUS = "#close"
    TITLE_TEXT = "This did not work"

    def __init__(self, error: WizardError) -> None:
        super().__init__()
        self.error = error

    def body(self) -> Content:
        """All parts of the error."""
        return error_content(self.error)

    def buttons(self) -> ComposeResult:
        """One way out."""
        yield Button("Close", id="close", variant="primary", compact=True)

    @on(Button.Pressed)
    def action_safe(self) -> None:
        """Close."""
        self.dismiss(None)


class HostKeyDialog(Dialog[bool]):
    """A host shows a key nobody has confirmed yet.

    Args:
        question: whose key it is and what it looks like.
    """

    AUTO_FOCUS = "#no"

    def __init__(self, question: HostKeyQuestion) -> None:
        super().__init__()
        self.question = question

    def title_text(self) -> str:
        """Who asks to be trusted."""
        return f"Is this {self.question.host}?"

    def body(self) -> Content:
        """The fingerprint and how to compare it."""
        asked = self.question
        rows = [
            told(f"{asked.host} ({asked.address}) is not known here yet. It shows this host key:"),
            told(""),
            told("  ", (asked.fingerprint, STRONG)),
            told("  ", (asked.key_type, MUTED)),
            told(""),
            told(f"Compare it with what {asked.host}'s own console says:"),
            told("  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"),
        ]
        if asked.same_as:
            others = ", ".join(asked.same_as)
            rows += [
                told(""),
                told((f"!! {others} showed the same key: cloned, or one machine twice.", "bold")),
            ]
        return lines(rows)

    def buttons(self) -> ComposeResult:
        """No, then yes."""
        yield Button("Not now", id="no", variant="primary", compact=True)
        yield Button("It is the same: trust it", id="yes", compact=True)

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_safe(self) -> None:
        """Do not trust it."""
        self.dismiss(False)


class SecretDialog(Dialog[Secret | None]):
    """A password or passphrase: never shown, and gone from the field before the dialog closes.

    Args:
        question: what is asked for.
    """

    AUTO_FOCUS = "#secret"
    TITLES: ClassVar[dict[str, str]] = {
        "password": "Password",
        "passphrase": "Passphrase of the key",
        "sudo": "Password for sudo",
        "keyboard-interactive": "The host asks",
    }

    def __init__(self, question: SecretQuestion) -> None:
        super().__init__()
        self.question = question

    def title_text(self) -> str:
        """What is asked for, and by whom."""
        return f"{self.TITLES[self.question.kind]}: {self.question.host}"

    def body(self) -> Content:
        """The question, and what becomes of the answer."""
        asked = self.question.prompt.rstrip(": ") or f"{self.question.kind} for {self.question.host}"
        return lines([told(f"{asked}:"), told(("Used for this run only; written nowhere.", MUTED))])

    def extra(self) -> ComposeResult:
        """Where it is typed."""
        yield Input(password=True, id="secret", compact=True)

    def buttons(self) -> ComposeResult:
        """Cancel, then use."""
        yield Button("Cancel", id="no", compact=True)
        yield Button("Use it", id="yes", variant="primary", compact=True)

    @on(Input.Submitted)
    def _typed(self) -> None:
        self._give()

    @on(Button.Pressed, "#yes")
    def _pressed(self) -> None:
        self._give()

    @on(Button.Pressed, "#no")
    def action_safe(self) -> None:
        """Say nothing."""
        self._take()
        self.dismiss(None)

    def _give(self) -> None:
        self.dismiss(self._take() or None)

    def _take(self) -> Secret:
        """What was typed; the field is empty afterwards."""
        field = self.query_one("#secret", Input)
        secret = Secret(field.value)
        field.value = ""
        return secret


class TypedDialog(Dialog[bool]):
    """Something will be destroyed: yes needs a word typed exactly, such as the serial of the disk.

    Args:
        title: what is about to happen.
        body: everything that would be lost, with model, serial and size.
        word: what must be typed.
        yes: the verb.
    """

    AUTO_FOCUS = "#no"

    def __init__(self, title: str, body: Content | str, *, word: str, yes: str) -> None:
        super().__init__()
        self._title, self._body, self.word, self._yes = title, body, word, yes

    def title_text(self) -> str:
        """What is about to happen."""
        return self._title

    def body(self) -> Content:
        """What would be lost, and the word."""
        return lines([told(self._body), told(""), told("To go on, type ", (self.word, STRONG), " here:")])

    def extra(self) -> ComposeResult:
        """Where the word is typed."""
        yield Input(id="word", compact=True)

    def buttons(self) -> ComposeResult:
        """The safe one, then the other one, which cannot be pressed yet."""
        yield Button("Keep it", id="no", variant="primary", compact=True)
        yield Button(self._yes, id="yes", variant="error", disabled=True, compact=True)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value.strip() != self.word

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one("#no", Button).focus()

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_safe(self) -> None:
        """Keep it."""
        self.dismiss(False)
