"""Longer questions to the hosts, each in a thread of its own: measuring disks, asking the wire."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, Generic, TypeVar

from textual.message import Message

from wizard.core.dataclass import dataclass
from wizard.core.errors import WizardError

T = TypeVar("T")


@dataclass()
class JobDone(Message):
    """A job ended.

    Attributes:
        job: which one.
        result: what came of it, or what kept us from it.
    """

    job: Job[Any]
    result: Any


class Job(Generic[T]):
    """One kind of question: the last answer of this run, and whether it is being asked.

    Args:
        name: of its thread.
        post: hands a message to the drawing thread.
    """

    def __init__(self, name: str, post: Callable[[Message], object]) -> None:
        self._name, self._post = name, post
        self.result: T | WizardError | None = None
        self.running = False
        self.about: object = None
        """What the last question was about: an answer about something else is stale."""

    def start(self, ask: Callable[[], T], about: object = None) -> None:
        """Ask, unless it is being asked; the answer comes as `JobDone`.

        Args:
            ask: made in the thread.
            about: what it is about.
        """
        if not self.running:
            self.running, self.about = True, about
            Thread(target=self._work, args=(ask,), daemon=True, name=self._name).start()

    def take(self, message: JobDone) -> None:
        """Keep what came."""
        self.running, self.result = False, message.result

    def _work(self, ask: Callable[[], T]) -> None:
        try:
            self._post(JobDone(self, ask()))
        except WizardError as error:
            self._post(JobDone(self, error))
