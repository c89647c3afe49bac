"""What was measured becomes timers and a guard of the lead; doctor tells of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from steps.etcd import Etcd
from tests.steps.etcd_world import (
    IDS,
    NEW,
    Says,
    empty,
    healthy,
    lonely,
    running,
    secrets,
    wanted,
    world,
)
from wizard.core.check import Finding, Status, When
from wizard.core.context import Context
from wizard.core.decide.speeds import to_keep
from wizard.core.decide.timers import DiskSpeed, EtcdSpeeds
from wizard.core.errors import HostError
from wizard.core.measurements import MemoryMeasurements
from wizard.core.secrets import MemorySecrets
from wizard.core.spec.model import EtcdSpec, WitnessSpec
from wizard.payload.etcd_guard import GUARD_SCRIPT, GUARD_TIMER

Said = dict[str, Says | HostError | None]
QUICK = {"etcd-a": 1.0, "etcd-b": 2.0, "pi": 3.0}
HOUR = 3600.0


def measured(ctx: Context, ms: Mapping[str, float], ago: float = 0.0) -> Context:
    """The same context some time after the disks were measured."""
    kept = MemoryMeasurements()
    disks = tuple(DiskSpeed(name, name, "/x", "sda", "fio", p99, 900) for name, p99 in ms.items())
    kept.keep(to_keep(EtcdSpeeds(disks), time.time() - ago))
    return replace(ctx, measurements=kept)


def keys(ctx: Context) -> list[str]:
    return [change.key for change in Etcd().changes(ctx)]


def one(ctx: Context, check: str, host: str = "", when: When = When.AFTER) -> Finding:
    return next(
        item.run(ctx)
        for item in Etcd().checks(ctx)
        if (item.id, item.when) == (check, when) and host in ("", item.host)
    )


def led_by(name: str) -> Said:
    return {member: running(member, secrets(), leader=name) for member in ("etcd-a", "etcd-b", "pi")}


# --- timers as drift


def test_quick_disks_bring_quicker_timers_one_member_after_the_other_and_the_guard_goes() -> None:
    ctx = measured(world(healthy(secrets())), QUICK)
    found = {change.key: change for change in Etcd().changes(ctx)}
    restarts = [f"{what}:{name}" for name in ("etcd-b", "pi", "etcd-a") for what in ("configure", "restart")]
    assert list(found) == [*restarts, "unguard:etcd-a", "unguard:etcd-b", "prove"]
    assert "heartbeat-interval: 100" in found["configure:pi"].preview
    assert "election-timeout: 1000" in found["configure:pi"].preview
    assert "heartbeat and election: 100/1000 ms because every disk" in found["configure:pi"].preview
    assert "restart:etcd-b" in found["configure:pi"].after


def test_a_slow_pi_leaves_the_timers_and_the_guard_as_they_are() -> None:
    assert keys(measured(world(healthy(secrets())), QUICK | {"pi": 31.0})) == []


def test_timers_of_the_spec_go_first() -> None:
    of = wanted(etcd=EtcdSpec("3.6.14", 250, 2500))
    assert "configure:pi" not in keys(measured(world(healthy(secrets()), of=of), QUICK))


def test_members_with_the_same_timers_are_content() -> None:
    of = wanted(etcd=EtcdSpec("3.6.14", 100, 1000))
    said: Said = {name: running(name, secrets(), of) for name in ("etcd-a", "etcd-b", "pi")}
    ctx = measured(world(said), QUICK)
    assert [key for key in keys(ctx) if "guard" not in key and key != "prove"] == []
    assert one(ctx, "etcd.timers").detail.startswith("Heartbeat and election: 100/1000 ms because every disk")


def test_doctor_names_members_with_other_timers() -> None:
    found = one(measured(world(healthy(secrets())), QUICK), "etcd.timers")
    assert found.status is Status.WARN
    assert "run with 250/2500 ms instead of 100/1000 ms" in found.detail
    assert (found.fix, "pi 250/2500 ms" in found.evidence) == ("wizard apply", True)


def test_an_override_is_shown_as_such() -> None:
    of = wanted(etcd=EtcdSpec("3.6.14", 250, 2500))
    found = one(world(healthy(secrets()), of=of), "etcd.timers")
    assert found.status is Status.PASS
    assert "as etcd.heartbeat_ms and etcd.election_ms in the spec say" in found.detail


def test_what_the_first_plan_shows_is_what_was_measured() -> None:
    said: Said = {"etcd-a": None, "etcd-b": None, "pi": empty("pi")}
    ctx = measured(world(said, kept=MemorySecrets(), state=NEW), QUICK)
    found = {change.key: change for change in Etcd().changes(ctx)}
    assert "heartbeat-interval: 100" in found["configure:pi"].preview
    assert not any("guard" in key for key in found)


# --- the lead


def test_the_leader_is_restarted_last_whoever_it_is() -> None:
    of = wanted(etcd=EtcdSpec("3.6.14", 300, 3000))
    for name in ("etcd-a", "etcd-b", "pi"):
        order = [key for key in keys(world(led_by(name), of=of)) if key.startswith("restart:")]
        assert order[-1] == f"restart:{name}"
        assert len(order) == 3


@pytest.mark.parametrize(
    ("leader", "ms", "status", "says"),
    [
        ("etcd-a", {}, Status.PASS, "etcd-a leads"),
        ("pi", {}, Status.PASS, "pi leads for the moment: the timer on etcd-a takes the lead back"),
        ("pi", {"pi": 31.0}, Status.PASS, "pi leads for the moment"),
        ("pi", QUICK, Status.PASS, "pi leads."),
    ],
)
def test_doctor_shows_who_leads(leader: str, ms: dict[str, float], status: Status, says: str) -> None:
    found = one(measured(world(led_by(leader)), ms), "etcd.leader")
    assert (found.status, says in found.detail) == (status, True), found


def test_a_slow_leader_is_a_warning_where_no_timer_takes_the_lead_back() -> None:
    said = led_by("pi")
    for name, changes in (("etcd-a", {"ActiveState": "inactive"}), ("etcd-b", {"Result": "exit-code"})):
        said[name] = guards(said[name], **changes)
    found = one(world(said), "etcd.leader")
    assert (found.status, found.detail) == (
        Status.WARN,
        "pi leads: every write goes at the pace of its disk.",
    )
    assert f"move-leader {IDS['etcd-a']:x}" in found.fix


def test_without_a_leader_nobody_leads() -> None:
    said: Said = {name: lonely(running(name, secrets())) for name in ("etcd-a", "etcd-b", "pi")}
    assert one(world(said), "etcd.leader").explained_by == "etcd.quorum"


# --- the guard


def guards(says: Says | HostError | None, **changes: object) -> Says:
    assert isinstance(says, Says)
    return replace(says, guard={**says.guard, **changes})


def test_the_guard_is_content_and_says_what_it_saw() -> None:
    found = one(world(healthy(secrets())), "etcd.guard", "etcd-b")
    assert (found.status, found.evidence) == (Status.PASS, "no witness leads")


def test_no_guard_is_asked_of_the_witness_itself() -> None:
    hosts = [item.host for item in Etcd().checks(world(healthy(secrets()))) if item.id == "etcd.guard"]
    assert hosts == ["etcd-a", "etcd-b"]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("gone", "is not there"),
        ("changed", "not as it shall be"),
        ("disabled", "does not start at boot"),
        ("stopped", "is stopped"),
    ],
)
def test_a_guard_that_is_not_there_or_not_on_is_put_right(how: str, says: str) -> None:
    said: Said = healthy(secrets())
    member = said["etcd-a"]
    assert isinstance(member, Says)
    if how == "gone":
        said["etcd-a"] = replace(member, files={k: v for k, v in member.files.items() if k != GUARD_TIMER})
    elif how == "changed":
        said["etcd-a"] = replace(member, files={**member.files, GUARD_SCRIPT: ("0" * 64, "755", "root:root")})
    elif how == "disabled":
        said["etcd-a"] = guards(member, UnitFileState="disabled")
    else:
        said["etcd-a"] = guards(member, ActiveState="inactive")
    found = one(world(said), "etcd.guard", "etcd-a")
    assert (found.status, says in found.detail, found.fix) == (Status.WARN, True, "wizard apply")
    assert keys(world(said)) == ["guard:etcd-a", "prove"]


def test_a_guard_whose_last_look_failed_is_told_with_its_own_words() -> None:
    said: Said = healthy(secrets())
    said["etcd-a"] = guards(said["etcd-a"], Result="exit-code", ExecMainStatus=1, said="deadline exceeded")
    found = one(world(said), "etcd.guard", "etcd-a")
    assert (found.status, found.cause) == (Status.WARN, "deadline exceeded")
    assert "journalctl -u wizard-etcd-leader" in found.fix


def test_a_guard_nobody_needs_any_more_is_named() -> None:
    found = one(measured(world(healthy(secrets())), QUICK), "etcd.guard", "etcd-a")
    assert (found.status, found.fix) == (Status.WARN, "wizard apply")


# --- the last measurement


@pytest.mark.parametrize(
    ("ms", "accept", "status", "says"),
    [
        ({}, False, Status.PASS, "not measured yet: `wizard witness`"),
        (QUICK, False, Status.PASS, "quick enough"),
        ({"pi": 31.0}, False, Status.WARN, "The disk of pi was measured to take 31 ms"),
        ({"pi": 90.0}, False, Status.FAIL, "too slow for etcd"),
        ({"pi": 90.0}, True, Status.PASS, "accepted"),
        ({"etcd-a": 90.0}, True, Status.FAIL, "etcd-a"),
    ],
)
def test_doctor_tells_the_last_measurement_and_its_age(
    ms: dict[str, float], accept: bool, status: Status, says: str
) -> None:
    of = wanted(witness=WitnessSpec(accept_slow=accept))
    found = one(measured(world(healthy(secrets()), of=of), ms, 3 * HOUR), "etcd.measured")
    assert (found.status, says in found.detail) == (status, True), found
    assert not ms or "3 hours ago" in found.evidence


@pytest.mark.parametrize(
    ("pi", "ms", "status"),
    [
        (empty("pi"), 90.0, Status.FAIL),
        (empty("pi"), 31.0, Status.PASS),
        (running("pi", secrets()), 90.0, Status.PASS),
    ],
)
def test_no_new_witness_begins_on_a_disk_that_is_too_slow(pi: Says, ms: float, status: Status) -> None:
    said: Said = {**healthy(secrets()), "pi": pi}
    found = one(measured(world(said), {"pi": ms}), "etcd.measured", when=When.BEFORE)
    assert found.status is status
    assert status is Status.PASS or "accept_slow" in found.fix


def test_the_bounds_are_those_of_etcds_own_metrics() -> None:
    from steps.etcd_member_checks import FSYNC_GOOD, FSYNC_SLOW
    from wizard.core.decide.witness_data import witness_data

    assert (witness_data().good_ms, witness_data().slow_ms) == (FSYNC_GOOD * 1000, FSYNC_SLOW * 1000)
