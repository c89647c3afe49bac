"""What is already on a host, as text: each thing with its evidence, the answer, why, and the commands in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wizard.core.decide.present_data import ANSWERS
from wizard.core.text import printable
from wizard.core.view.columns import hanging, wrapped

if TYPE_CHECKING:
    from wizard.core.decide.present_data import Present

LEAST = 40
"""Columns that are used even where there are fewer."""


def present_lines(there: Sequence[Present], width: int) -> Iterator[str]:
    """The section `already there` of one host; nothing where nothing is there.

    Args:
        there: what is on it.
        width: columns of the terminal. Commands stay whole, so that they can be copied.
    """
    width = max(width, LEAST)
    if there:
        yield "  already there"
    for one in there:
        yield from wrapped(one.what, width, "    ", whole=True)
        for line in one.evidence:
            yield from hanging(line, "      seen    ", width, whole=True)
        yield from hanging(f"{ANSWERS[one.reply]}. {one.why}", "      answer  ", width, whole=True)
        for number, command in enumerate(one.steps):
            yield f"{'      do      ' if number == 0 else ' ' * 14}{printable(command)}"
        if one.source:
            yield from hanging(one.source, "      source  ", width, whole=True)
