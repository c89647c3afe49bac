"""What is known of disks, timers and a Pi's parts: `assets/decisions/witness.yaml` as frozen data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text

Verdict = Literal["good", "slow", "accepted", "refused", "unknown"]
"""Of a disk; `accepted` = refused, and the spec says that it shall be taken."""
Judgement = Literal["good", "warn", "refused", "unknown"]
"""Of one part of the witness."""

DATA = "decisions/witness.yaml"
"""The asset all of it comes from."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How long the 99th percentile of all syncs may take for a verdict."""

    verdict: Verdict
    up_to_ms: float
    """Milliseconds; infinite for the last one."""
    means: str
    source: str


@dataclass(frozen=True, slots=True)
class Pace:
    """Timers by the slowest disk."""

    up_to_ms: float
    """Milliseconds of its 99th percentile; infinite for the last one."""
    heartbeat_ms: int
    election_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file system or a USB bridge."""

    verdict: Judgement
    why: str
    source: str
    name: str = ""
    uas_only: bool = False
    """It is only so while the UAS driver runs it."""


@dataclass(frozen=True, slots=True)
class WitnessData:
    """The asset."""

    speeds: tuple[Speed, ...]
    """Rising."""
    paces: tuple[Pace, ...]
    """Rising."""
    unmeasured: Pace
    """While a disk was not measured."""
    round_trip_factor: float
    election_factor: int
    election_most_ms: int
    filesystems: Mapping[str, Known]
    bridges: Mapping[str, Known]
    """By `vendor:product`, as lsusb prints them."""
    sources: Mapping[str, str]

    @property
    def good_ms(self) -> float:
        """Up to here a disk is good."""
        return self.speeds[0].up_to_ms

    @property
    def slow_ms(self) -> float:
        """Up to here it will do for a witness."""
        return self.speeds[1].up_to_ms


@cache
def witness_data() -> WitnessData:
    """All of it, read once."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load(asset_text(DATA), Loader=loader)  # noqa: S506 - a safe one
    unmeasured = raw["unmeasured"]
    return WitnessData(
        speeds=tuple(Speed(one["verdict"], _bound(one), one["means"], one["source"]) for one in raw["fsync"]),
        paces=tuple(_paces(raw["timers"])),
        unmeasured=Pace(
            float("inf"), unmeasured["heartbeat_ms"], unmeasured["election_ms"], unmeasured["source"]
        ),
        round_trip_factor=raw["round_trip"]["factor"],
        election_factor=raw["election"]["factor"],
        election_most_ms=raw["election"]["most_ms"],
        filesystems={
            name: Known(one["verdict"], one["why"], one["source"]) for name, one in raw["filesystems"].items()
        },
        bridges={
            usb: Known("warn", one["why"], one["source"], one["name"], one["uas"])
            for usb, one in raw["bridges"].items()
        },
        sources=raw["sources"],
    )


def _bound(row: Mapping[str, Any]) -> float:
    return float("inf") if row["up_to_ms"] is None else float(row["up_to_ms"])


def _paces(rows: Sequence[Mapping[str, Any]]) -> list[Pace]:
    return [Pace(_bound(one), one["heartbeat_ms"], one["election_ms"], one["source"]) for one in rows]
