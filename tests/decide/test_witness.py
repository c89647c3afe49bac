"""The witness part by part, the verdict on each disk, and the timers: a table of cases for each, both ways."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.decide.homes import home, known, machine
from tests.facts.build import pi_facts
from wizard.core.decide.prove import prove
from wizard.core.decide.speeds import kept_speeds, speed_notes, to_keep
from wizard.core.decide.timers import (
    DiskSpeed,
    EtcdSpeeds,
    choose_timers,
    guarded,
    number,
    timed,
    verdict,
)
from wizard.core.decide.witness import DiskPath, Trait, judge_witness
from wizard.core.decide.witness_data import witness_data
from wizard.core.facts import GIB, Clock, Disk, Filesystem, HostFacts, Memory, OsFacts, Pi
from wizard.core.measurements import Measurement, MemoryMeasurements
from wizard.core.spec.model import ClusterSpec, EtcdSpec, HostSpec, WitnessSpec

USB = DiskPath(
    "/mnt/usb",
    "/mnt/usb",
    "/dev/sda1",
    "ext4",
    "sda",
    usb="04e8:4001",
    driver="uas",
    speed=5000,
    product="T7",
)
SSD = Disk("sda", "SSD 870", "S5RR", 10**12, False, "usb", mounts=("/mnt/usb",))
MOUNT = Filesystem("/mnt/usb", "/dev/sda1", "ext4", size=10**12, free=10**11, disks=("sda",))
MEMBERS = (
    machine("etcd-a", "tower-a", "etcd", 31),
    machine("etcd-b", "tower-b", "etcd", 32),
)
SPEC = home(machines=MEMBERS)


def pi(**changes: Any) -> HostFacts:  # noqa: ANN401
    """A Pi whose USB SSD is mounted."""
    plain = pi_facts()
    root = Filesystem("/", "/dev/mmcblk0p2", "ext4", size=60 * GIB, free=50 * GIB, disks=("mmcblk0",))
    usual = {"disks": (plain.disks[0], SSD), "filesystems": (root, MOUNT)}
    return pi_facts(**{**usual, **changes})


def parts(
    facts: HostFacts | None = None,
    path: DiskPath = USB,
    spec: ClusterSpec = SPEC,
    etcd_dir: str = "/mnt/usb/etcd",
) -> dict[str, Trait]:
    host = HostSpec("pi", "witness", "10.0.0.13", etcd_dir=etcd_dir)
    return {one.id: one for one in judge_witness(spec, host, facts or pi(), path)}


def test_a_sound_pi_has_nothing_against_it() -> None:
    found = parts()
    assert {one.verdict for one in found.values()} == {"good"}, found
    assert "model" in found and "cgroups" in found


@pytest.mark.parametrize(
    ("facts", "part", "judged", "says"),
    [
        (pi(bits=32), "bits", "refused", "64-bit"),
        (pi(arch="armv7l"), "bits", "refused", "64-bit"),
        (pi(bits=None), "bits", "unknown", ""),
        (pi(page_size=16384), "pages", "good", "no matter to etcd"),
        (pi(page_size=None), "pages", "unknown", ""),
        (pi(memory=Memory(GIB, GIB, 0, 0)), "memory", "warn", "2 GB"),
        (pi(memory=Memory()), "memory", "unknown", ""),
        (pi(pi=Pi("Raspberry Pi 4", 0x50005, ("under-voltage",))), "power", "warn", "power supply"),
        (pi(pi=Pi("Raspberry Pi 4", 0x40000, ("throttled",))), "power", "warn", "hot"),
        (pi(pi=Pi("Raspberry Pi 4")), "power", "unknown", ""),
        (pi(pi=None, os=OsFacts("debian", "13", "Debian 13")), "model", "good", "not a Raspberry Pi"),
        (pi(clock=Clock(0.0, 0.0, 0.1, False, "")), "clock", "warn", "in the past"),
        (pi(clock=Clock()), "clock", "unknown", ""),
        (pi(disks=(), filesystems=()), "disk", "unknown", ""),
    ],
)
def test_each_part_of_the_pi(facts: HostFacts, part: str, judged: str, says: str) -> None:
    found = parts(facts)[part]
    assert found.verdict == judged
    assert says in found.why
    assert judged not in ("warn", "refused") or found.source


@pytest.mark.parametrize(
    ("path", "part", "judged", "says"),
    [
        (replace(USB, driver="usb-storage"), "usb", "warn", "slow fallback"),
        (replace(USB, driver="usb-storage", quirks="04e8:4001:u"), "usb", "good", "told to"),
        (replace(USB, usb="152d:0578"), "usb", "warn", "usb-storage.quirks=152d:0578:u"),
        (replace(USB, usb="152d:0578", driver="usb-storage"), "usb", "warn", "JMicron"),
        (replace(USB, usb="174c:55aa"), "usb", "warn", "ASMedia"),
        (replace(USB, usb="174c:55aa", driver="usb-storage", quirks="174c:55aa:u"), "usb", "good", "told to"),
        (replace(USB, speed=480), "usb", "warn", "USB 2"),
        (replace(USB, usb=""), "usb", "good", ""),
        (DiskPath(), "usb", "unknown", ""),
        (replace(USB, filesystem="xfs"), "filesystem", "good", ""),
        (replace(USB, filesystem="btrfs"), "filesystem", "warn", "copies on every write"),
        (replace(USB, filesystem="exfat"), "filesystem", "refused", "owners"),
        (replace(USB, filesystem="tmpfs"), "filesystem", "refused", "memory"),
        (replace(USB, filesystem="novelfs"), "filesystem", "warn", "nobody has tried"),
        (DiskPath(), "filesystem", "unknown", ""),
    ],
)
def test_each_part_of_its_disk(path: DiskPath, part: str, judged: str, says: str) -> None:
    found = parts(path=path)[part]
    assert (found.verdict, says in found.why) == (judged, True), found
    assert judged not in ("warn", "refused") or found.source


def test_a_card_under_etcd_is_refused_and_under_the_system_it_may_stay() -> None:
    found = parts(etcd_dir="/var/lib/etcd")
    assert found["disk"].verdict == "refused"
    assert found["root"].verdict == "good" and "SD card" in found["root"].why
    accepted = replace(SPEC, witness=WitnessSpec(accept_slow=True))
    assert parts(etcd_dir="/var/lib/etcd", spec=accepted)["disk"].verdict == "warn"


def test_an_own_clock_is_named() -> None:
    assert "rpi-rtc" in parts(path=replace(USB, clocks=("rpi-rtc",)))["clock"].found


# --- disks


def disk(member: str = "pi", p99: float | None = 2.0, **changes: Any) -> DiskSpeed:  # noqa: ANN401
    return DiskSpeed(member, member, "/mnt/usb/etcd", "sda", "fio", p99, 5000, **changes)


ACCEPTED = replace(SPEC, witness=WitnessSpec(accept_slow=True))


@pytest.mark.parametrize(
    ("speed", "spec", "judged"),
    [
        (disk(p99=0.4), SPEC, "good"),
        (disk(p99=10.0), SPEC, "good"),
        (disk(p99=10.1), SPEC, "slow"),
        (disk(p99=40.0), SPEC, "slow"),
        (disk(p99=40.1), SPEC, "refused"),
        (disk(p99=40.1), ACCEPTED, "accepted"),
        (disk("etcd-a", 40.1), ACCEPTED, "refused"),
        (disk(p99=3.0, card=True), SPEC, "refused"),
        (disk(p99=None, card=True), SPEC, "refused"),
        (disk(p99=12.0, card=True), ACCEPTED, "accepted"),
        (disk(p99=None), SPEC, "unknown"),
    ],
)
def test_the_verdict_on_a_disk(speed: DiskSpeed, spec: ClusterSpec, judged: str) -> None:
    assert verdict(speed, spec) == judged


# --- timers


def speeds(
    a: float | None = 1.0, b: float | None = 2.0, c: float | None = 3.0, rtt: float = 0.2
) -> EtcdSpeeds:
    """All three members, and one round trip."""
    found = zip(("etcd-a", "etcd-b", "pi"), (a, b, c), strict=True)
    return EtcdSpeeds(tuple(disk(name, p99) for name, p99 in found), {("etcd-a", "pi"): rtt})


@pytest.mark.parametrize(
    ("measured", "timers", "says"),
    [
        (speeds(), (100, 1000), "every disk syncs within 10 ms (the slowest, pi: p99 3 ms)"),
        (speeds(c=10.0), (100, 1000), "every disk"),
        (speeds(c=31.0), (250, 2500), "the p99 of pi is 31 ms"),
        (speeds(a=12.5, c=5.0), (250, 2500), "the p99 of etcd-a is 12 ms"),
        (speeds(c=40.0), (250, 2500), "pi"),
        (speeds(c=41.0), (300, 3000), "pi"),
        (speeds(c=500.0), (500, 5000), "pi"),
        (EtcdSpeeds(), (250, 2500), "nothing was measured"),
        (speeds(c=None), (250, 2500), "pi was not measured"),
        (speeds(b=None, c=None), (250, 2500), "etcd-b and pi were not measured"),
        (speeds(b=None, c=90.0), (300, 3000), "the p99 of pi is 90 ms"),
        (speeds(rtt=60.0), (100, 1000), "every disk"),
        (speeds(rtt=70.0), (150, 1500), "a round trip from etcd-a to pi takes 70 ms"),
        (speeds(c=31.0, rtt=200.0), (300, 3000), "a round trip"),
        (speeds(rtt=9000.0), (5000, 50_000), "a round trip"),
    ],
)
def test_timers_follow_from_the_slowest_disk_and_the_longest_way(
    measured: EtcdSpeeds, timers: tuple[int, int], says: str
) -> None:
    found = choose_timers(SPEC, measured)
    assert (found.heartbeat_ms, found.election_ms) == timers
    assert says in found.reason
    assert found.election_ms >= 10 * found.heartbeat_ms
    assert found.override == ""


@pytest.mark.parametrize(
    ("etcd", "timers", "override"),
    [
        (EtcdSpec("3.6.14", 300, 4000), (300, 4000), "etcd.heartbeat_ms and etcd.election_ms"),
        (EtcdSpec("3.6.14", 300), (300, 3000), "etcd.heartbeat_ms"),
        (EtcdSpec("3.6.14", 50), (50, 1000), "etcd.heartbeat_ms"),
        (EtcdSpec("3.6.14", None, 6000), (100, 6000), "etcd.election_ms"),
    ],
)
def test_the_keys_of_the_spec_go_first_and_are_shown_as_such(
    etcd: EtcdSpec, timers: tuple[int, int], override: str
) -> None:
    found = choose_timers(replace(SPEC, etcd=etcd), speeds())
    assert (found.heartbeat_ms, found.election_ms, found.override) == (*timers, override)
    assert "in the spec" in found.reason and "100/1000 ms" in found.reason


def test_what_is_in_use_can_be_asked_of_the_spec() -> None:
    found = timed(SPEC, choose_timers(SPEC, speeds(c=31.0)))
    assert (found.etcd.heartbeat_ms, found.etcd.election_ms) == (250, 2500)


@pytest.mark.parametrize(
    ("measured", "watched"),
    [
        (EtcdSpeeds(), ("pi",)),
        (speeds(c=31.0), ("pi",)),
        (speeds(c=99.0), ("pi",)),
        (speeds(c=3.0), ()),
        (speeds(a=31.0), ()),
    ],
)
def test_a_witness_leads_only_where_it_was_measured_to_be_quick(
    measured: EtcdSpeeds, watched: tuple[str, ...]
) -> None:
    assert guarded(SPEC, measured) == watched


# --- kept between commands


def test_what_is_kept_is_what_was_measured() -> None:
    kept = MemoryMeasurements()
    measured = speeds(c=31.0)
    kept.keep(to_keep(measured, 1000.0))
    found = kept_speeds(kept, SPEC)
    assert choose_timers(SPEC, found).words == choose_timers(SPEC, measured).words
    assert found.round_trips == measured.round_trips
    assert {one.measured_at for one in found.disks} == {1000.0}


def test_a_disk_that_was_not_measured_this_time_keeps_its_last_result() -> None:
    kept = MemoryMeasurements()
    kept.keep(to_keep(speeds(c=31.0), 1000.0))
    kept.keep(to_keep(speeds(c=None), 2000.0))
    found = kept_speeds(kept, SPEC)
    assert [(one.member, one.p99_ms, one.measured_at) for one in found.disks][-1] == ("pi", 31.0, 1000.0)


@pytest.mark.parametrize("data", [{}, {"p99_ms": "fast", "samples": "x", "path": 3}, {"p99_ms": -1}])
def test_what_another_version_kept_is_unknown(data: dict[str, object]) -> None:
    kept = MemoryMeasurements()
    kept.keep([Measurement("fsync", "pi", 5.0, data), Measurement("round-trips", "pi", 5.0, {"to": [1]})])
    found = kept_speeds(kept, SPEC)
    assert found.disk("pi") is None and found.round_trips == {}


HOUR = 3600.0


def test_those_who_only_look_are_told_the_last_result_and_its_age() -> None:
    kept = MemoryMeasurements()
    kept.keep(to_keep(speeds(c=31.0), 1000.0))
    (note,) = speed_notes(SPEC, kept_speeds(kept, SPEC), 1000.0 + 3 * HOUR)
    assert "etcd-a 1 ms (good, 3 hours ago)" in note
    assert "pi 31 ms (slow, 3 hours ago)" in note
    assert "250/2500 ms because the p99 of pi is 31 ms" in note
    (note,) = speed_notes(SPEC, EtcdSpeeds(), 0.0)
    assert "not measured yet (`wizard witness`)" in note


@pytest.mark.parametrize(("c", "seconds"), [(3.0, 2.0), (31.0, 5.0), (90.0, 6.0)])
def test_prove_counts_with_the_timers_that_follow(c: float, seconds: float) -> None:
    kept = MemoryMeasurements()
    kept.keep(to_keep(speeds(c=c), time.time() - 3 * HOUR))
    proof = prove(SPEC, known(), "2026-11-22", kept)
    loss = next(one for one in proof.losses if one.lost == ("tower-a",))
    gap = next(one.gap_seconds for one in loss.effects if one.service == "etcd")
    assert gap == seconds
    assert any("3 hours ago" in note for note in proof.notes)


# --- data


def test_every_rule_has_a_source() -> None:
    data = witness_data()
    sources = [one.source for one in data.speeds]
    sources += [one.source for one in (*data.paces, data.unmeasured)]
    sources += [one.source for one in (*data.filesystems.values(), *data.bridges.values())]
    assert all(re.search(r"\[[SVDU]|domain\.md", source) for source in sources)
    assert all(re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", usb) for usb in data.bridges)
    assert [one.up_to_ms for one in data.speeds] == sorted(one.up_to_ms for one in data.speeds)
    assert all(one.election_ms >= 10 * one.heartbeat_ms for one in (*data.paces, data.unmeasured))


@pytest.mark.parametrize(("value", "told"), [(0.43, "0.4"), (2.0, "2"), (9.96, "10"), (31.4, "31")])
def test_milliseconds_are_told_as_they_are_read_best(value: float, told: str) -> None:
    assert number(value) == told
