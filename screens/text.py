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


def signed(sign: Sign, *parts: Part) -> Content:
    """A line behind its sign."""
    return told((f"{sign} ", STYLES[sign]), *parts)


def error_content(error: WizardError) -> Content:
    """All five parts of an error."""
    rows: list[Content] = [told((error.what, STRONG)), told("")]
    labels = [("where", error.where), ("why", error.why)]
    labels += [("do" if number == 0 else "", item) for number, item in enumerate(error.do)]
    rows += [told((f"{label:<6} ", MUTED), text) for label, text in (*labels, ("again", error.again))]
    return lines(rows)


def _safe(part: Part) -> str | tuple[str, str] | Content:
    if isinstance(part, Content):
        return part
    if isinstance(part, tuple):
        return printable(part[0], keep_newlines=True), part[1]
    return printable(part, keep_newlines=True)
