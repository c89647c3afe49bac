"""Text from elsewhere made safe to print: remote output, file names and spec values are never trusted."""

from __future__ import annotations

import unicodedata

_KEPT = {"\t"}
_SPOOFING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that draw nothing or redraw what stands beside them: controls, formats (bidi), surrogates."""


def printable(text: str, *, keep_newlines: bool = False) -> str:
    """The text with every character that could move the cursor, reorder or hide others replaced by U+FFFD.

    Args:
        text: anything, as decoded from a host or a file.
        keep_newlines: leave line feeds as they are (otherwise they are replaced by a blank).

    Returns:
        Text that a terminal prints as it reads.
    """
    if text.isascii() and (plain := text.replace("\t", " ")).isprintable():
        return plain
    text = text.replace("\r\n", "\n")
    return "".join(_safe(char, keep_newlines) for char in text)


def _safe(char: str, keep_newlines: bool) -> str:
    if char == "\n":
        return char if keep_newlines else " "
    if char in _KEPT:
        return " "
    return "\ufffd" if unicodedata.category(char) in _SPOOFING else char
