"""What the Kubernetes API does to an object that is written: merge patches, and server-side apply as far as it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any
"""A value of JSON."""


def merged(target: Json, patch: Json) -> Json:
    """A JSON merge patch (RFC 7386): null removes a key, anything but an object replaces.

    Args:
        target: as it is; it stays as it is.
        patch: what shall be otherwise.
    """
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def applied(target: Json, wanted: Json, before: Json) -> Json:
    """Server-side apply of one manager: what it says holds, and what it no longer says and had said is gone.

    Lists are replaced as a whole. The real one merges some of them by keys: none that we apply.

    Args:
        target: as it is; it stays as it is.
        wanted: what the manager applies now.
        before: what it applied the last time.
    """
    if not isinstance(wanted, Mapping):
        return wanted
    found = dict(target) if isinstance(target, Mapping) else {}
    known = before if isinstance(before, Mapping) else {}
    for key in known.keys() - wanted.keys():
        rest = _without(found.get(key), known[key])
        if rest is None:
            found.pop(key, None)
        else:
            found[key] = rest
    for key, value in wanted.items():
        found[key] = applied(found.get(key), value, known.get(key))
    return found


def _without(target: Json, given: Json) -> Json:
    """What is left of a value when what one manager gave to it is taken away; None = nothing."""
    if not isinstance(target, Mapping) or not isinstance(given, Mapping):
        return None
    parts = {key: _without(value, given[key]) if key in given else value for key, value in target.items()}
    left = {key: value for key, value in parts.items() if value is not None}
    return left or None
