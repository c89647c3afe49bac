"""Questions on a real terminal: menus to move in, with the same words as the numbered lines."""

from __future__ import annotations

import questionary

from wizard.core.text import printable
from wizard.front.questions.asking import BACK, HELP, Question
from wizard.front.terminal import say


class Menus:
    """Arrow keys and Enter; `?` and `back` are entries of every menu."""

    @property
    def person(self) -> bool:
        """Menus are only shown to one."""
        return True

    def say(self, text: str) -> None:
        """Above the menu."""
        say(text)

    def ask(self, question: Question) -> str:
        """Show one question; Ctrl-C and Ctrl-D leave as everywhere."""
        if not question.choices:
            self.say(printable(question.text))
        if question.means:
            self.say(f"  {printable(question.means)}")
        asked = self._menu(question) if question.choices else self._line(question)
        return str(asked.unsafe_ask()).strip()

    def _menu(self, question: Question) -> questionary.Question:
        entries = [
            questionary.Choice(text, value=str(number))
            for number, text in enumerate(question.option_lines(), 1)
        ]
        entries.append(questionary.Choice(f"{HELP} (explain)", value=HELP))
        entries.append(questionary.Choice(f"{BACK} (the question before)", value=BACK))
        values = [one.value for one in question.choices]
        at = values.index(question.recommended) if question.recommended in values else 0
        return questionary.select(printable(question.text), entries, default=str(at + 1))

    def _line(self, question: Question) -> questionary.Question:
        return questionary.text(question.prompt().rstrip(": "))
