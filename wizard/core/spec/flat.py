"""A spec as path and value, to tell what changed between two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from wizard.core.spec.model import AddressRange, ClusterSpec
from wizard.core.spec.values import size_text

SIZES = frozenset({"memory", "disk", "data_disk", "size"})
"""Fields that hold bytes."""
NO_ANSWER = frozenset({"propose"})
"""What stands in no spec: writing down the machines that were proposed changes no answer."""


def flatten(spec: ClusterSpec) -> dict[str, str]:
    """Every value by its path; items of lists go by their name, so that reordering them changes nothing.

    Args:
        spec: a sound one.
    """
    return dict(_walk("", spec))


def _walk(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, AddressRange):
        yield path, str(value)
    elif is_dataclass(value):
        for field in fields(value):
            if field.name in NO_ANSWER:
                continue
            key = "class" if field.name == "storage_class" else field.name
            yield from _walk(f"{path}.{key}".removeprefix("."), getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(f"{path}.{key}", item)
    elif isinstance(value, tuple):
        yield from _walk_tuple(path, value)
    elif value is not None and value != "":
        yield path, _value_text(path, value)


def _walk_tuple(path: str, items: tuple[object, ...]) -> Iterator[tuple[str, str]]:
    named = [(getattr(item, "name", "") or getattr(item, "check", ""), item) for item in items]
    if items and not all(name for name, _ in named):
        yield path, ", ".join(str(item) for item in items)
        return
    for name, item in named:
        yield from _walk(f"{path}.{name}", item)


def _value_text(path: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and path.rpartition(".")[2] in SIZES:
        return size_text(value)
    return str(value)
