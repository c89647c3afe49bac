"""Text with a tone to each part of it; how a tone looks is the front end's business."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from wizard.core.dataclass import dataclass
from wizard.core.text import printable


class Tone(StrEnum):
    """What a piece of text means. Every tone but `PLAIN` and `DIM` comes with a symbol or a word that says the same."""

    PLAIN = ""
    DIM = "dim"
    STRONG = "strong"
    ACCENT = "accent"
    OK = "ok"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
"""One line of the screen, left to right."""


def line(*parts: str | tuple[str, Tone]) -> Line:
    """A line of plain texts and (text, tone) pairs, made printable.

    Args:
        parts: left to right.
    """
    pairs = [(part, Tone.PLAIN) if isinstance(part, str) else part for part in parts]
    return tuple(Span(printable(text), tone) for text, tone in pairs)


def wide(one: Line) -> int:
    """Columns a line takes."""
    return sum(len(span.text) for span in one)


def padded(one: Line, width: int) -> Line:
    """The line filled with blanks, or cut, to a width.

    Args:
        one: the line.
        width: columns.
    """
    missing = width - wide(one)
    if missing >= 0:
        return (*one, Span(" " * missing)) if missing else one
    return cut(one, width)


def cut(one: Line, width: int) -> Line:
    """The line, ending in `..` where it is longer than a width.

    Args:
        one: the line.
        width: columns.
    """
    if wide(one) <= width:
        return one
    kept: list[Span] = []
    room = max(width - 2, 0)
    for span in one:
        kept.append(Span(span.text[:room], span.tone))
        room -= len(kept[-1].text)
        if room <= 0:
            break
    return (*kept, Span(".."[:width]))


def beside(blocks: Sequence[Sequence[Line]], widths: Sequence[int], gap: int = 2) -> list[Line]:
    """Blocks of lines side by side.

    Args:
        blocks: left to right; shorter ones are filled.
        widths: columns of each.
        gap: columns between two.
    """
    height = max((len(block) for block in blocks), default=0)
    rows: list[Line] = []
    for index in range(height):
        parts: list[Span] = []
        for number, (block, width) in enumerate(zip(blocks, widths, strict=True)):
            parts += [Span(" " * gap)] if number else []
            parts += padded(block[index] if index < len(block) else (), width)
        rows.append(tuple(parts))
    return rows


def plain(lines: Iterable[Line]) -> str:
    """The lines without their tones.

    Args:
        lines: top to bottom.
    """
    return "\n".join("".join(span.text for span in one).rstrip() for one in lines)
