"""A question, and the two ways to put it: numbered lines anywhere, menus on a real terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from wizard.core.dataclass import dataclass
from wizard.core.text import printable
from wizard.front.terminal import at_terminal, say

if TYPE_CHECKING:
    from wizard.front.questions.talk import Talk

HELP, BACK, EMPTY = "?", "back", "-"
"""What may be typed instead of an answer: explain, the question before, leave it empty."""
YES, NO = "yes", "no"
ONE_LINE = 100_000
"""Columns: whatever is told is one line, however long, so that it is read out in one go."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers that can be given."""

    value: str
    label: str
    means: str = ""


YES_OR_NO = (Choice(YES, YES), Choice(NO, NO))

Take = Callable[["Talk", str], bool]
"""Takes an answer; True = what stands at this place in the stage now is asked next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question, as it stands now.

    Args:
        path: place of the answer in the spec; of what is no answer of the spec, a name of its own.
        text: what is asked.
        recommended: taken by Enter and by `--auto`.
        means: what the recommended answer, or any, means.
        choices: the answers there are; none = any text.
        example: of an answer, where nothing can be recommended.
        optional: it may stay empty.
        gate: asks what to do, not for an answer of the spec.
        take: what is done with the answer; without it, it is put at the path.
    """

    path: str
    text: str
    recommended: str = ""
    means: str = ""
    choices: tuple[Choice, ...] = ()
    example: str = ""
    optional: bool = False
    gate: bool = False
    take: Take | None = None

    @property
    def answers_itself(self) -> bool:
        """There is something that can be taken without asking."""
        return bool(self.recommended) or self.optional

    def value_of(self, word: str) -> str | None:
        """The answer that was meant; None = none of those there are.

        Args:
            word: as typed.
        """
        if not word:
            return self.recommended if self.answers_itself else None
        if not self.choices:
            return "" if word == EMPTY and self.optional else word
        if word.isascii() and word.isdecimal() and 0 < int(word) <= len(self.choices):
            return self.choices[int(word) - 1].value
        named = [one.value for one in self.choices if word.lower() in (one.value, one.label.lower())]
        return named[0] if named else None

    def shown(self, value: str) -> str:
        """An answer as it is told.

        Args:
            value: of this question.
        """
        label = next((one.label for one in self.choices if one.value == value), value)
        return printable(label) or "(empty)"

    def refusal(self) -> str:
        """What to type instead of what was not understood."""
        if self.choices:
            return f"Type a number from 1 to {len(self.choices)}, {HELP} for help, or {BACK}."
        return f"Type an answer, {HELP} for help, or {BACK}."

    def prompt(self) -> str:
        """What stands before the answer: what Enter takes, or an example."""
        if self.choices:
            number = next((n for n, one in enumerate(self.choices, 1) if one.value == self.recommended), 0)
            return f"Number [{number}]: " if number and self.answers_itself else "Number: "
        if self.recommended:
            empty = f", {EMPTY} for none" if self.optional else ""
            return f"Answer [{printable(self.recommended)}{empty}]: "
        if self.optional:
            return "Answer [none]: "
        return f"Answer, for example {self.example}: " if self.example else "Answer: "

    def option_lines(self) -> Iterator[str]:
        """Each choice with what it means, without its number."""
        for one in self.choices:
            means = f": {one.means}" if one.means else ""
            mark = " (recommended)" if self.answers_itself and one.value == self.recommended else ""
            yield printable(f"{one.label}{mark}{means}")


class Voice(Protocol):
    """Puts questions to somebody."""

    @property
    def person(self) -> bool:
        """Somebody sits at a terminal; otherwise lines come from a file or a program, or from nobody."""

    def say(self, text: str) -> None:
        """Tell something, line by line."""

    def ask(self, question: Question) -> str:
        """What was answered, as typed.

        Raises:
            EOFError: there is nothing more to be read.
        """


class NumberedLines:
    """Lines only, and nothing ever moves: for pipes, dumb terminals and whoever listens to a screen."""

    @property
    def person(self) -> bool:
        """As the streams are."""
        return at_terminal()

    def say(self, text: str) -> None:
        """On stderr: it is talk."""
        say(text)

    def ask(self, question: Question) -> str:
        """The question, its choices by number, and a line is read."""
        self.say(printable(question.text))
        if question.means:
            self.say(f"  {printable(question.means)}")
        for number, text in enumerate(question.option_lines(), 1):
            self.say(f"  {number}. {text}")
        print(question.prompt(), end="", file=sys.stderr, flush=True)  # noqa: T201 - the answer stands behind it
        line = sys.stdin.readline()
        if not line.endswith("\n"):
            self.say("")
        if not line:
            raise EOFError
        return line.strip()
