"""Sentences and tables fitted to the columns there are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from wizard.core.text import printable

WIDTH = 80
"""Columns of a terminal nobody has widened."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, width: int = WIDTH) -> list[str]:
    """Columns as wide as their longest cell; where the terminal is narrower, the widest columns are cut.

    Args:
        head: titles.
        rows: cells.
        width: columns of the terminal.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        return []
    wide = [max(len(row[i]) for row in (list(head), *cells)) for i in range(len(head))]
    while sum(wide) + 2 * (len(wide) - 1) > width:
        wide[wide.index(max(wide))] -= 1
    return ["  ".join(map(_cut, row, wide)).rstrip() for row in (list(head), *cells)]


def _cut(cell: str, wide: int) -> str:
    return cell.ljust(wide) if len(cell) <= wide else cell[: max(wide - 2, 1)] + ".."


def wrapped(
    text: str, width: int, first: str = "", rest: str | None = None, *, whole: bool = False
) -> list[str]:
    """A sentence in lines, safe to print.

    Args:
        text: as it is said.
        width: columns.
        first: indent of the first line.
        rest: indent of the others; two columns more where it is not given.
        whole: a word longer than a line stays whole, so that it can be copied.
    """
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=printable(first),
        subsequent_indent=f"{first}  " if rest is None else rest,
        break_on_hyphens=False,
        break_long_words=not whole,
    )


def hanging(text: str, head: str, width: int, *, whole: bool = False) -> list[str]:
    """A sentence behind its head, further lines below its beginning.

    Args:
        text: as it is said.
        head: said once; blanks are its columns below.
        width: columns.
        whole: as of `wrapped`.
    """
    return wrapped(text, width, head, " " * len(head), whole=whole)
