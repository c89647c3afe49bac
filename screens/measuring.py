"""Measuring the disks that etcd would write to, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread

from textual.message import Message

from wizard.core.decide.witness_report import WitnessReport
from wizard.core.desk import Desk
from wizard.core.errors import WizardError
from wizard.core.events import Note, Sink
from wizard.core.prompt import Prompter
from wizard.core.spec.model import ClusterSpec


@dataclass
class Measured(Message):
    """The measuring ended.

    Attributes:
        result: what was measured, or what kept us from it.
    """

    result: WitnessReport | WizardError


class Measurer:
    """The last measurement of this run, and whether one is going on.

    Args:
        desk: the way to the hosts.
        prompter: answers questions on the way.
        emit: where talk goes.
        post: hands a message to the drawing thread.
    """

    def __init__(self, desk: Desk, prompter: Prompter, emit: Sink, post: Callable[[Message], object]) -> None:
        self._desk, self._prompter, self._emit, self._post = desk, prompter, emit, post
        self.result: WitnessReport | WizardError | None = None
        self.running = False

    def start(self, spec: ClusterSpec) -> None:
        """Measure; the answer comes as `Measured`.

        Args:
            spec: a sound one.
        """
        if not self.running:
            self.running = True
            Thread(target=self._work, args=(spec,), daemon=True, name="measure").start()

    def take(self, message: Measured) -> None:
        """Keep what came."""
        self.running, self.result = False, message.result

    def _work(self, spec: ClusterSpec) -> None:
        try:
            report = self._desk.measure(spec, prompter=self._prompter, say=self._say)
            self._post(Measured(report))
        except WizardError as error:
            self._post(Measured(error))

    def _say(self, text: str) -> None:
        self._emit(Note(text=text))
