"""Validators of one value each, for the schema: a scalar as written in, a checked value out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voluptuous import Invalid, MultipleInvalid, Schema

from wizard.core.spec.reading import Node, Scalar, quoted, yaml_reading
from wizard.core.spec.values import BadValueError

Validator = Callable[[Node], Any]

SANE_DIGITS = 12
"""More are out of every range here anyway."""

BLANK = Scalar("", "blank", plain=True)
"""Stands for a refused item of a list while the rest is compared; no file can write it."""


class Refused(Invalid):  # named as voluptuous names its errors
    """A value is refused, and it is known what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def scalar(node: Node, wanted: str) -> Scalar:
    """The node as a single value.

    Args:
        node: as read.
        wanted: what belongs there, for the message.

    Raises:
        Refused: it is a section, a list, or nothing.
    """
    if not isinstance(node, Scalar):
        found = "a section" if isinstance(node, dict) else "a list"
        raise Refused(f"{wanted} is wanted here, not {found}.", "Write one value behind the colon.")
    if not node.text or node.kind == "null":
        raise Refused("There is no value.", "Write one, or remove the key.")
    return node


def text(parse: Callable[[str], Any], *, also: str = "str") -> Validator:
    """A validator of text.

    Args:
        parse: one of `wizard.core.spec.values`.
        also: another kind of unquoted YAML value that is accepted as it is written.
    """

    def check(node: Node) -> Any:  # noqa: ANN401 - whatever `parse` returns
        if node is BLANK:
            return ""
        found = scalar(node, "Text")
        if found.kind not in ("str", also):
            reading = yaml_reading(found.text)
            reason = f"{quoted(found.text)} without quotes is not text: YAML reads {reading}."
            raise Refused(reason, f'If it is meant so, quote it: "{quoted(found.text)}".')
        try:
            return parse(found.text)
        except BadValueError as error:
            raise Refused(str(error), error.hint) from None

    return check


def integer(low: int, high: int) -> Validator:
    """A validator of whole numbers from `low` to `high`, written in plain digits."""

    def check(node: Node) -> int:
        found = scalar(node, "A number")
        written = found.text
        hint = f"Write a whole number from {low} to {high}."
        if not found.plain and written.isdecimal():
            raise Refused(f'"{quoted(written)}" in quotes is text, not a number.', "Remove the quotes.")
        if found.kind == "int" and written.startswith("-") and written[1:] == _digits(written[1:]):
            raise Refused(f"{quoted(written)} is out of range.", hint)
        if found.kind == "int" and written != _digits(written):
            reason = f"{quoted(written)} is read as {yaml_reading(written)} by YAML."
            raise Refused(reason, f"Write the number plainly, such as {_plainly(written, low)}.")
        if found.kind != "int":
            raise Refused(f"{quoted(written)} is not a whole number.", hint)
        if len(written) > SANE_DIGITS or not low <= int(written) <= high:
            raise Refused(f"{quoted(written)} is out of range.", hint)
        return int(written)

    return check


def _digits(written: str) -> str:
    """The canonical spelling of a decimal number; empty where it is not one."""
    if not (written.isascii() and written.isdecimal()):
        return ""
    return written if len(written) > SANE_DIGITS else str(int(written))


def _plainly(written: str, low: int) -> str:
    digits = "".join(char for char in written if char.isdigit())[:SANE_DIGITS]
    return str(int(digits)) if digits and ":" not in written else str(low)


def boolean(node: Node) -> bool:
    """A validator of true and false, in just these words."""
    found = scalar(node, "true or false")
    if found.plain and found.text in ("true", "false"):
        return found.text == "true"
    raise Refused(f"{quoted(found.text)} is neither true nor false.", "Write true or false, without quotes.")


def one_of(*words: str, hint: str = "") -> Validator:
    """A validator of a word out of a few.

    Args:
        words: the ones accepted.
        hint: said after the list of words.
    """
    listed = f"{', '.join(words[:-1])} or {words[-1]}"

    def choose(written: str) -> str:
        if written in words:
            return written
        near = next((word for word in words if word == written.strip().lower()), None)
        advice = f"Write {near}." if near else f"Write {listed}. {hint}".strip()
        raise BadValueError(f"{quoted(written)} is not known here.", advice)

    return text(choose)


class each:  # noqa: N801 - reads as a word of the schema
    """A validator of lists that tells the problems of all items, where voluptuous stops at the first.

    Args:
        item: the schema of one item.
    """

    def __init__(self, item: Any) -> None:  # noqa: ANN401 - any voluptuous schema
        self.item = item
        self._schema = Schema(item)

    def __call__(self, node: Node) -> tuple[Any, ...]:
        """The checked items."""
        if not isinstance(node, list):
            raise Refused("A list is wanted here.", "Begin each item on a line of its own with a hyphen.")
        accepted, errors = [], []
        for index, value in enumerate(node):
            try:
                accepted.append(self._schema(value))
            except MultipleInvalid as error:
                error.prepend([index])
                errors += error.errors
        if errors:
            raise MultipleInvalid(errors)
        return tuple(accepted)
