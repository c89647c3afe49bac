"""Reads typed values out of parsed JSON and says the path of the one that is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TypeVar

from wizard.core.dataclass import dataclass

Choice = TypeVar("Choice", bound=StrEnum)

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LARGEST = 2**63 - 1


class FieldError(Exception):
    """A value of the file is not what belongs there.

    Args:
        path: `steps.hosts.at`.
        text: what is wrong with it, continuing "PATH ...".
    """

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path} {text}")
        self.path = path
        self.text = text


@dataclass(frozen=True, slots=True)
class Node:
    """One JSON object and where it stands in the file."""

    value: dict[str, object]
    path: str = ""

    def at(self, key: str) -> str:
        """The path of a key: plain keys with a dot, others in brackets as JSON writes them."""
        if not _PLAIN.fullmatch(key):
            return f"{self.path}[{json.dumps(key)}]"
        return f"{self.path}.{key}" if self.path else key

    def text(self, key: str) -> str:
        """A string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def number(self, key: str) -> float:
        """A finite number: JSON cannot say NaN, and 1e400 is read as infinity."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        try:
            finite = math.isfinite(float(value))
        except OverflowError:
            finite = False
        if not finite:
            raise FieldError(self.at(key), "is not a finite number")
        return float(value)

    def whole(self, key: str) -> int:
        """A whole number from 0 to 2^63-1."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        if not 0 <= value <= _LARGEST:
            raise FieldError(self.at(key), "is out of range (0 to 2^63-1)")
        return value

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        """One of the values of an enumeration."""
        value = self.text(key)
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(repr(str(item)) for item in kind)
            raise FieldError(self.at(key), f"is {value[:40]!r}, which is none of {known}") from None

    def child(self, key: str) -> Node:
        """An object."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return Node(value, self.at(key))

    def children(self, key: str) -> Iterator[tuple[str, Node]]:
        """The objects of an object."""
        table = self.child(key)
        return ((name, table.child(name)) for name in table.value)

    def texts(self, key: str) -> dict[str, str]:
        """An object of strings."""
        table = self.child(key)
        return {name: table.text(name) for name in table.value}

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that this version does not know: saving would lose them without a word."""
        for key in self.value.keys() - set(known):
            raise FieldError(self.at(key), "is a key that this version does not know")

    def _get(self, key: str) -> object:
        if key not in self.value:
            raise FieldError(self.at(key), "is missing")
        return self.value[key]

    def _wrong(self, key: str, wanted: str) -> FieldError:
        return FieldError(self.at(key), f"should be {wanted}, and is {json_kind(self.value[key])}")


def json_kind(value: object) -> str:
    """What JSON calls a value, for messages.

    Args:
        value: as `json.loads` gave it.
    """
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
