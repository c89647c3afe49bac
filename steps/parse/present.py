"""The answer of `read/present`: what lives on a host, in its own words."""

from __future__ import annotations

from types import MappingProxyType

from steps.parse.sections import split_sections
from wizard.core.decide.present_data import Occupant


def parse_present(text: str) -> dict[str, Occupant]:
    """Who is there, by kind; whatever a line holds is only ever text.

    Args:
        text: what the script printed.
    """
    sections = split_sections(text)
    return {name: _occupant(name, sections.lines(name)) for name in sections.heads() if name != "end"}


def _occupant(kind: str, lines: tuple[str, ...]) -> Occupant:
    told: dict[str, tuple[str, ...]] = {}
    for line in lines:
        key, sign, value = line.partition("=")
        if sign and value.strip():
            told[key] = (*told.get(key, ()), value.strip())
    return Occupant(kind, MappingProxyType(told))
