"""The names of the faults that can be had on request: one list for practice and lab."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from wizard.core.resources import asset_text

Place = Literal["practice", "lab"]


@cache
def fault_texts(place: Place) -> Mapping[str, str]:
    """What each fault of a place does, by name, in the order in which they are told.

    Args:
        place: where it is had.
    """
    return {name: told[place] for name, told in _told().items() if place in told}


@cache
def fault_sites() -> Mapping[str, tuple[str, ...]]:
    """Where each fault of practice happens, by name, in the words of `assets/faults.yaml`."""
    at = {name: told.get("at", ()) for name, told in _told().items() if "practice" in told}
    return {name: (sites,) if isinstance(sites, str) else tuple(sites) for name, sites in at.items()}


@cache
def _told() -> dict[str, dict[str, Any]]:
    import yaml

    told: dict[str, dict[str, Any]] = yaml.safe_load(asset_text("faults.yaml"))
    return told
