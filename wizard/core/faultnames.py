"""The names of the faults that can be had on request: one list for practice and lab."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from wizard.core.resources import asset_text

Place = Literal["practice", "lab"]


@cache
def fault_texts(place: Place) -> Mapping[str, str]:
    """What each fault of a place does, by name, in the order in which they are told.

    Args:
        place: where it is had.
    """
    import yaml

    told: dict[str, dict[str, str]] = yaml.safe_load(asset_text("faults.yaml"))
    return {name: texts[place] for name, texts in told.items() if place in texts}
