"""What is already on a host, as text: each thing with its evidence, the answer, why, and the commands in order."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wizard.core.text import printable

if TYPE_CHECKING:
    from wizard.core.decide.present_data import Present

ANSWERS = {
    "keep": "stays as it is",
    "refuse": "in the way: nothing is built beside it",
    "migrate": "stays for now, moved by you",
    "resume": "ours: the next apply goes on with it",
}
"""The answers in words."""


def present_lines(there: Sequence[Present], width: int) -> Iterator[str]:
    """The section `already there` of one host; nothing where nothing is there.

    Args:
        there: what is on it.
        width: columns of the terminal. Commands stay whole, so that they can be copied.
    """
    if there:
        yield "  already there"
    for one in there:
        yield from _sentence(one.what, "    ", width)
        for line in one.evidence:
            yield from _sentence(line, "      seen    ", width)
        yield from _sentence(f"{ANSWERS[one.reply]}. {one.why}", "      answer  ", width)
        for number, command in enumerate(one.steps):
            yield f"{'      do      ' if number == 0 else ' ' * 14}{printable(command)}"
        if one.source:
            yield from _sentence(one.source, "      source  ", width)


def _sentence(text: str, head: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(text),
        max(width, 40),
        initial_indent=head,
        subsequent_indent=" " * max(len(head), 6),
        break_on_hyphens=False,
        break_long_words=False,
    )
