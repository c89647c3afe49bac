"""Words on the screen: plain text with theme styles, never markup."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from textual.content import Content

from wizard.core.errors import WizardError
from wizard.core.text import printable

Part = str | tuple[str, str] | Content
"""Plain text, text with a style, or content made before."""


class Sign(StrEnum):
    """How something stands; each is read without its colour."""

    DONE = "ok"
    HERE = ">>"
    RUNS = ".."
    NEEDS = "!!"
    LATER = "--"
    FAILED = "xx"
    UNKNOWN = "??"


STYLES = {
    Sign.DONE: "$text-success",
    Sign.HERE: "bold $text-accent",
    Sign.RUNS: "$text-accent",
    Sign.NEEDS: "bold $text-warning",
    Sign.LATER: "$foreground-muted",
    Sign.FAILED: "bold $text-error",
    Sign.UNKNOWN: "bold $text-warning",
}
MUTED = "$foreground-muted"
STRONG = "bold"


def told(*parts: Part) -> Content:
    """The parts one after another; what could move the cursor or hide something is replaced."""
    return Content.assemble(*(_safe(part) for part in parts))


def lines(rows: Iterable[Content | str]) -> Content:
    """Rows below each other."""
    return Content("\n").join([row if isinstance(row, Content) else told(row) for row in rows])


HANG = "\t"
"""Between the head of a line and what is wrapped beside it; text from elsewhere never has one (`printable`)."""


def labelled(label: str, *parts: Part, width: int = 9) -> Content:
    """A line behind a muted label; what does not fit goes on below the first word, not below the label.

    Args:
        label: said once.
        *parts: what it is about.
        width: columns of the label.
    """
    return Content.assemble((f"{label:<{width}}{HANG}", MUTED), told(*parts))


def signed(sign: Sign, *parts: Part) -> Content:
    """A line behind its sign, wrapped beside it."""
    return Content.assemble((f"{sign}{HANG}", STYLES[sign]), told(*parts))


def wrapped(content: Content, width: int) -> list[Content]:
    """The lines of a content as they are drawn.

    Args:
        content: lines, some with a head (`HANG`).
        width: columns.
    """
    found: list[Content] = []
    for line in content.split("\n", allow_blank=True):
        head, mark, _ = line.plain.partition(HANG)
        if not mark:
            found += line.wrap(max(width, 1)) if line.plain else [line]
            continue
        first, rest = line[: len(head)], line[len(head) + 1 :]
        body = rest.wrap(max(width - len(head) - 1, 1)) or [Content("")]
        found.append(Content.assemble(first, " ", body[0]))
        found += [one.pad_left(len(head) + 1) for one in body[1:]]
    return found


def error_content(error: WizardError) -> Content:
    """All five parts of an error."""
    rows: list[Content] = [told((error.what, STRONG)), told("")]
    labels = [("where", error.where), ("why", error.why)]
    labels += [("do" if number == 0 else "", item) for number, item in enumerate(error.do)]
    rows += [labelled(label, text, width=6) for label, text in (*labels, ("again", error.again))]
    return lines(rows)


def _safe(part: Part) -> str | tuple[str, str] | Content:
    if isinstance(part, Content):
        return part
    if isinstance(part, tuple):
        return printable(part[0], keep_newlines=True), part[1]
    return printable(part, keep_newlines=True)
