"""The transport's questions, put as dialogs by whichever thread has one."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App
from textual.screen import ModalScreen

if TYPE_CHECKING:
    from wizard.core.prompt import HostKeyQuestion, SecretQuestion
    from wizard.core.secret import Secret

T = TypeVar("T")


class DialogPrompter:
    """Shows a dialog and waits in the asking thread for the answer; one question at a time.

    Args:
        app: where the dialogs are shown.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._guard = Lock()
        self._open: set[Future[Any]] = set()
        self._closed = False

    def trust(self, question: HostKeyQuestion) -> bool:
        """Whether the person confirms the key."""
        from screens.dialogs import HostKeyDialog

        return self.ask(HostKeyDialog(question)) is True

    def secret(self, question: SecretQuestion) -> Secret | None:
        """The secret typed, or None."""
        from screens.dialogs import SecretDialog

        return self.ask(SecretDialog(question))

    def ask(self, dialog: ModalScreen[T]) -> T | None:
        """Show a dialog; from a thread that works, never from the one that draws.

        Returns:
            The answer; None where the wizard is being left.
        """
        with self._guard:
            if self._closed:
                return None
            answer: Future[T | None] = Future()
            self._open.add(answer)
            self._app.call_later(self._app.push_screen, dialog, partial(_settle, answer))
            try:
                return answer.result()
            finally:
                self._open.discard(answer)

    def close(self) -> None:
        """Answer what is still open with nothing: the wizard is being left."""
        self._closed = True
        for answer in list(self._open):
            _settle(answer, None)


def _settle(answer: Future[T], value: T) -> None:
    if not answer.done():
        answer.set_result(value)
