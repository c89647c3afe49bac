"""Dataclasses of the simulated homelab as JSON values and back, by their type hints: a new field needs nothing here."""

from __future__ import annotations

import base64
import dataclasses
import types
import zlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

Decoder = Callable[[Any], Any]

KEPT = "kept"
"""Key of a field's metadata: False = it is not written."""


def encode(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """A value as JSON has it.

    Args:
        value: a dataclass, collection, text, number or bytes.

    Raises:
        TypeError: it is none of these.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    kind: Any = type(value)
    if _is_data(kind):
        return {name: encode(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, bytes):
        return _from_bytes(value)
    if isinstance(value, Mapping):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return [encode(one) for one in sorted(value)]
    if isinstance(value, list | tuple):
        return [encode(one) for one in value]
    raise TypeError(f"{type(value).__name__} cannot be kept")


def decode(kind: Any, value: Any) -> Any:  # noqa: ANN401 - the hint decides what it is
    """A value of a type out of what JSON has; a field that is not there gets its default.

    Args:
        kind: the type, as a hint says it.
        value: JSON value.

    Raises:
        TypeError, ValueError, KeyError, AttributeError: it is no such value.
    """
    return _decoder(kind)(value)


@cache
def _decoder(kind: Any) -> Decoder:  # noqa: ANN401 - mypy: a type is hashable
    """How values of a type are made: a homelab has tens of thousands of them, of a few dozen types."""
    inner = get_args(kind)
    origin: Any = get_origin(kind) or kind
    if origin in (Union, types.UnionType):
        made = _decoder(next(one for one in inner if one is not types.NoneType))
        return lambda value: None if value is None else made(value)
    if origin is bytes:
        return _to_bytes
    if _is_data(origin):
        return lambda value: _object(origin, value)
    if origin is dict:
        key_of, made = inner[0], _decoder(inner[1])
        return lambda value: {key_of(key): made(one) for key, one in value.items()}
    if origin is tuple and inner[-1] is not Ellipsis:
        parts = [_decoder(one) for one in inner]
        return lambda value: tuple(part(one) for part, one in zip(parts, value, strict=True))
    if origin in (list, tuple, set, frozenset):
        made = _decoder(inner[0])
        return lambda value: origin(map(made, value))
    if issubclass(origin, StrEnum):
        return cast("Decoder", origin)
    return _plain(origin)


def _object(kind: Any, told: Mapping[str, Any]) -> object:  # noqa: ANN401 - any dataclass
    return kind(**{name: made(told[name]) for name, made in _decoders(kind).items() if name in told})


@cache
def _decoders(kind: Any) -> dict[str, Decoder]:  # noqa: ANN401 - mypy: a type is hashable
    hints = get_type_hints(kind, localns={"World": object})
    return {name: _decoder(hints[name]) for name in _names(kind)}


def _plain(kind: type) -> Decoder:
    wanted = (int, float) if kind is float else kind

    def same(value: object) -> object:
        if not isinstance(value, wanted):
            raise TypeError(f"{value!r} is not {kind.__name__}")
        return value

    return same


def fill(target: object, told: Mapping[str, Any]) -> None:
    """Give an object of a dataclass the values that were kept of it.

    Args:
        target: the object; what was not kept stays as it is.
        told: JSON values by field.

    Raises:
        TypeError, ValueError, KeyError, AttributeError: as `decode`.
    """
    kind: Any = type(target)
    for name, made in _decoders(kind).items():
        if name in told:
            setattr(target, name, made(told[name]))


@cache
def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - mypy: a type is hashable
    return tuple(one.name for one in dataclasses.fields(kind) if one.metadata.get(KEPT, True))


@cache
def _is_data(kind: Any) -> bool:  # noqa: ANN401 - mypy: a type is hashable
    return dataclasses.is_dataclass(kind)


@lru_cache(maxsize=1024)
def _from_bytes(value: bytes) -> str:
    """Text stays readable; an image is packed, since most of it is nothing."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        return f"text:{text}"
    return "zlib:" + base64.b64encode(zlib.compress(value, 1)).decode()


@lru_cache(maxsize=1024)
def _to_bytes(value: str) -> bytes:
    form, _, rest = value.partition(":")
    if form == "text":
        return rest.encode()
    if form == "zlib":
        return zlib.decompress(base64.b64decode(rest))
    raise ValueError(f"bytes in the form {form!r}")
