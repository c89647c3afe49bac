"""What each way to keep data needs and how its project is doing: `assets/decisions/storage.yaml` as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text

Level = Literal["must", "should", "info"]
"""Not met: `must` rejects, `should` is a condition, `info` decides nothing."""
Outcome = Literal["fits", "conditions", "rejected"]

DATA = "decisions/storage.yaml"
"""The asset all of it comes from."""

_NO_NUMBERS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing a candidate needs."""

    id: str
    rule: str
    """The function that looks at the hosts."""
    text: str
    """What is required; names in braces stand for the numbers."""
    level: Level
    source: str
    numbers: Mapping[str, float] = field(default_factory=lambda: _NO_NUMBERS)

    @property
    def sentence(self) -> str:
        """The text with its numbers in it."""
        return self.text.format_map({name: f"{value:g}" for name, value in self.numbers.items()})


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One thing known of a project, when and from where."""

    what: str
    """`foundation`, `last release`, `driver` or `deprecated`."""
    text: str
    date: str
    """ISO, the day or the month: of the event, else of the day it was read."""
    source: str


@dataclass(frozen=True, slots=True)
class Health:
    """How a project and its Kubernetes driver are doing."""

    project: bool | None = None
    """It is maintained, as its sources tell; None = not known."""
    driver: bool | None = None
    rows: tuple[HealthRow, ...] = ()

    def told(self, what: str) -> str:
        """What is known of one thing, in one line."""
        return "; ".join(row.text for row in self.rows if row.what == what)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to keep data."""

    kind: str
    title: str
    what: str
    """How it keeps data, half a sentence."""
    verdicts: Mapping[Outcome, str]
    """The verdict in a sentence."""
    requirements: tuple[Requirement, ...]
    health: Health = Health()


@dataclass(frozen=True, slots=True)
class Measure:
    """What is done against a known failure, and the check that will prove it."""

    check: str
    text: str
    how: str
    source: str


@dataclass(frozen=True, slots=True)
class Story:
    """A failure that happened to others, why, and what is done against it."""

    title: str
    paragraphs: tuple[str, ...]
    source: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class StorageData:
    """Everything the verdicts rest on beside the homelab itself."""

    as_of: str
    """ISO date: when it was put together."""
    candidates: tuple[Candidate, ...]
    story: Story


@cache
def storage_data() -> StorageData:
    """The data that comes with the wizard."""
    import yaml

    return parse_storage_data(yaml.safe_load(asset_text(DATA)))


def parse_storage_data(data: Mapping[str, Any]) -> StorageData:
    """The file's content as data.

    Args:
        data: as yaml loads it.

    Raises:
        KeyError: a key is missing; the file is part of the program, so this is a defect.
    """
    health = {kind: _health(entry) for kind, entry in data["health"].items()}
    return StorageData(
        as_of=str(data["as_of"]),
        candidates=tuple(_candidate(entry, health) for entry in data["candidates"]),
        story=_story(data["story"]),
    )


def _candidate(entry: Mapping[str, Any], health: Mapping[str, Health]) -> Candidate:
    return Candidate(
        kind=entry["kind"],
        title=entry["title"],
        what=entry["what"],
        verdicts=MappingProxyType(dict(entry["verdicts"])),
        requirements=tuple(_requirement(one) for one in entry["requirements"]),
        health=health.get(entry["kind"], Health()),
    )


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    numbers: Mapping[str, float] = MappingProxyType(dict(entry.get("numbers", {})))
    names = ("id", "rule", "text", "level", "source")
    return Requirement(**{name: entry[name] for name in names}, numbers=numbers)


def _health(entry: Mapping[str, Any]) -> Health:
    rows = tuple(
        HealthRow(row["what"], row["text"], str(row["date"]), row["source"]) for row in entry["rows"]
    )
    return Health(entry["maintained"]["project"], entry["maintained"]["driver"], rows)


def _story(entry: Mapping[str, Any]) -> Story:
    measures = tuple(Measure(**one) for one in entry["measures"])
    return Story(entry["title"], tuple(entry["paragraphs"]), entry["source"], measures)
