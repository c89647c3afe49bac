"""Single values out of text nobody vouches for: what is not understood is unknown, never an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from wizard.core.text import printable

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,12})?")
_YES = {"1", "yes", "true", "enable", "enabled", "on"}
_NO = {"0", "no", "false", "disable", "disabled", "off"}


def number(text: object) -> int | None:
    """A whole number out of a text or a JSON value."""
    if isinstance(text, bool):
        return None
    if isinstance(text, int):
        return text if abs(text) < 10**19 else None
    found = _INTEGER.fullmatch(text.strip()) if isinstance(text, str) else None
    return int(found[0]) if found else None


def positive(text: object) -> int | None:
    """A whole number above zero; zero and less stand for unknown (a NIC's speed of -1)."""
    value = number(text)
    return value if value is not None and value > 0 else None


def decimal(text: str) -> float | None:
    """A decimal number of sane length."""
    found = _DECIMAL.fullmatch(text.strip())
    value = float(found[0]) if found else math.nan
    return value if math.isfinite(value) else None


def truth(value: object) -> bool | None:
    """Yes or no, in the spellings of lsblk, ini files and flags."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _YES else False if word in _NO else None


def pairs(lines: Iterable[str], separator: str = "=") -> dict[str, str]:
    """`key=value` lines, quotes around the value removed; the first of two equal keys counts."""
    found: dict[str, str] = {}
    for line in lines:
        key, sign, value = line.partition(separator)
        if sign:
            found.setdefault(key.strip(), unquoted(value))
    return found


def unquoted(text: str) -> str:
    """The text without blanks and one pair of quotes around it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def first_json(text: str) -> object:
    """The first JSON object in a text, whatever stands before and after it; None where there is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found: object = json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None
    return found


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> Sequence[object]:
    """The value if it is a JSON list, else an empty one."""
    return value if isinstance(value, list) else ()


def word(value: object) -> str:
    """A JSON value as printable text; null is empty."""
    return printable(value).strip() if isinstance(value, str) else ""
