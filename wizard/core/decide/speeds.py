"""What was measured about etcd's members, as it is kept between commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from wizard.core.decide.timers import DiskSpeed, EtcdSpeeds, choose_timers, number, verdict
from wizard.core.measurements import Measured, Measurement, age_words
from wizard.core.spec.model import ClusterSpec

FSYNC, ROUND_TRIPS = "fsync", "round-trips"
"""Kinds of measurements; each is kept under the name of the member it is about."""


def kept_speeds(measured: Measured, spec: ClusterSpec) -> EtcdSpeeds:
    """The last results for every member of the spec.

    Args:
        measured: what was kept.
        spec: its members.

    Raises:
        StateError: our file of measurements cannot be read.
    """
    names = [member.name for member in spec.etcd_members()]
    found = [one for name in names if (one := measured.last(FSYNC, name))]
    trips = [one for name in names if (one := measured.last(ROUND_TRIPS, name))]
    return EtcdSpeeds(
        tuple(_disk(one) for one in found), dict(pair for one in trips for pair in _round_trips(one))
    )


def _disk(one: Measurement) -> DiskSpeed:
    data = one.data
    p99 = data.get("p99_ms")
    samples = data.get("samples")
    return DiskSpeed(
        member=one.host,
        host=_text(data, "on"),
        path=_text(data, "path"),
        device=_text(data, "device"),
        method=_text(data, "method"),
        p99_ms=float(p99) if isinstance(p99, int | float) and p99 >= 0 else None,
        samples=samples if isinstance(samples, int) else 0,
        note=_text(data, "note"),
        measured_at=one.measured_at,
        card=data.get("card") is True,
    )


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _round_trips(one: Measurement) -> Iterator[tuple[tuple[str, str], float]]:
    found = one.data.get("to")
    for name, ms in found.items() if isinstance(found, dict) else ():
        if isinstance(ms, int | float) and ms >= 0:
            yield (one.host, str(name)), float(ms)


def to_keep(speeds: EtcdSpeeds, now: float) -> list[Measurement]:
    """The results as they are kept; a disk that was not measured takes no earlier result's place.

    Args:
        speeds: just measured.
        now: our clock, seconds since the epoch.
    """
    rows = [
        Measurement(
            FSYNC,
            one.member,
            now,
            {
                "on": one.host,
                "path": one.path,
                "device": one.device,
                "method": one.method,
                "p99_ms": one.p99_ms,
                "samples": one.samples,
                "note": one.note,
                "card": one.card,
            },
        )
        for one in speeds.disks
        if one.p99_ms is not None
    ]
    return [*rows, *_trips_to_keep(speeds.round_trips, now)]


def _trips_to_keep(trips: Mapping[tuple[str, str], float], now: float) -> Iterator[Measurement]:
    for member in dict.fromkeys(one for one, _ in trips):
        to = {other: ms for (one, other), ms in trips.items() if one == member}
        yield Measurement(ROUND_TRIPS, member, now, {"to": to})


def speed_notes(spec: ClusterSpec, speeds: EtcdSpeeds, now: float) -> tuple[str, ...]:
    """The last results, their age and what follows, as sentences for those who only look.

    Args:
        spec: its members, and whether it accepts a slow witness.
        speeds: what was kept.
        now: our clock, seconds since the epoch.
    """
    known = [one for member in spec.etcd_members() if (one := speeds.disk(member.name))]
    timers = f"The timers of etcd are {choose_timers(spec, speeds).words}."
    if not known:
        return (f"How quickly the disks of etcd sync was not measured yet (`wizard witness`). {timers}",)
    told = ", ".join(
        f"{one.member} {number(one.p99_ms or 0)} ms ({verdict(one, spec)}, {age_words(now - one.measured_at)})"
        for one in known
    )
    return (f"The disks of etcd sync within: {told}. {timers}",)


def stamped(disks: Iterable[DiskSpeed], now: float) -> tuple[DiskSpeed, ...]:
    """Results with the time they were made at."""
    return tuple(replace(one, measured_at=now) if one.p99_ms is not None else one for one in disks)
