"""What `wizard witness` prints: the Pi's parts, every disk, the timers for people, one JSON document for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from wizard.core.decide.prove_rules import waiver_line
from wizard.core.decide.timers import DiskSpeed, is_witness, number, verdict
from wizard.core.decide.witness import Trait
from wizard.core.decide.witness_data import witness_data
from wizard.core.decide.witness_report import WitnessReport
from wizard.core.text import printable
from wizard.core.view.columns import WIDTH, table, wrapped

WITNESS_SCHEMA = 1
"""Version of the JSON document."""
SIGNS = {"good": "ok", "warn": " !", "refused": "!!", "unknown": " ?"}
"""Before each part of the witness."""


def witness_json(cluster: str, report: WitnessReport) -> dict[str, object]:
    """The one document of `wizard witness --json`.

    Args:
        cluster: its name.
        report: as found.
    """
    return {
        "schema": WITNESS_SCHEMA,
        "cluster": cluster,
        "measured_at": _instant(report.measured_at),
        "members": [_member_json(report, one) for one in report.speeds.disks],
        "round_trips": [
            {"from": one, "to": other, "ms": ms} for (one, other), ms in report.speeds.round_trips.items()
        ],
        "heartbeat_ms": report.timers.heartbeat_ms,
        "election_ms": report.timers.election_ms,
        "reason": report.timers.reason,
        "override": report.timers.override or None,
        "leader": report.leader or None,
        "witness": {name: [_trait_json(one) for one in traits] for name, traits in report.traits.items()},
    }


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _member_json(report: WitnessReport, one: DiskSpeed) -> dict[str, object]:
    return {
        "name": one.member,
        "host": one.host,
        "path": one.path,
        "device": one.device,
        "method": one.method or None,
        "p99_ms": one.p99_ms,
        "samples": one.samples,
        "verdict": verdict(one, report.spec),
        "note": one.note,
    }


def _trait_json(one: Trait) -> dict[str, object]:
    return {"part": one.id, "verdict": one.verdict, "found": one.found, "why": one.why, "source": one.source}


def witness_text(cluster: str, report: WitnessReport, *, width: int = WIDTH) -> str:
    """The same as a person wants to read it.

    Args:
        cluster: its name.
        report: as found.
        width: columns of the terminal.
    """
    blocks = [
        *(list(_parts(name, cluster, traits, width)) for name, traits in report.traits.items()),
        ["How long the disks of etcd take to sync, 99 of 100 times:", "", *_disks(report)],
        list(_remarks(report, width)),
        list(_distances(report, width)),
        wrapped(f"Timers of etcd, the same on all members: {report.timers.words}.", width),
        wrapped(f"Leader: {report.leader or 'nobody, or nobody tells'}.", width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _parts(name: str, cluster: str, traits: tuple[Trait, ...], width: int) -> Iterator[str]:
    yield f"The witness {printable(name)} of {printable(cluster)}"
    yield ""
    for one in traits:
        text = f"{SIGNS[one.verdict]} {one.id:<10} {one.found}" + (f": {one.why}" if one.why else "")
        yield from wrapped(text, width, "", " " * 14)
        if one.verdict in ("warn", "refused") and one.source:
            yield from wrapped(f"({one.source})", width, " " * 14, " " * 14)


def _disks(report: WitnessReport) -> list[str]:
    rows = [
        (
            one.member,
            f"{one.host}:{one.path}" if one.path else one.host,
            one.device or "?",
            one.method or "-",
            "-" if one.p99_ms is None else f"{number(one.p99_ms)} ms",
            verdict(one, report.spec),
        )
        for one in report.speeds.disks
    ]
    return table(("member", "measured in", "on", "method", "p99", "verdict"), rows)


def _remarks(report: WitnessReport, width: int) -> Iterator[str]:
    for one in report.speeds.disks:
        if one.note:
            yield from wrapped(f"{one.member}: {one.note}.", width)
    for one in report.speeds.disks:
        if text := disk_remark(report, one):
            yield from wrapped(text, width, " ! ", "   ")


def disk_remark(report: WitnessReport, one: DiskSpeed) -> str:
    """What the verdict on a disk means, and its source; empty where it is good or unknown.

    Args:
        report: the spec is in it.
        one: the disk.
    """
    found = verdict(one, report.spec)
    if found in ("good", "unknown"):
        return ""
    kind = "refused" if found == "accepted" else found
    known = next(speed for speed in witness_data().speeds if speed.verdict == kind)
    if found == "accepted":
        return f"{one.member}: {known.means}; witness.accept_slow takes it ({known.source})."
    way = ""
    if found == "refused" and not is_witness(report.spec, one.member):
        way = f" Put it on an SSD (etcd_dir of {one.host}), or accept it for a while: {waiver_line('etcd.measured')}"
    return f"{one.member}: {known.means} ({known.source}).{way}"


def _distances(report: WitnessReport, width: int) -> Iterator[str]:
    trips = report.speeds.round_trips
    if trips:
        told = ", ".join(f"{one} to {other} {number(ms)} ms" for (one, other), ms in trips.items())
        yield from wrapped(f"Round trips: {told}.", width)
