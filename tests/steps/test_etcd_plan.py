"""The changes the step finds missing, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from steps.etcd import Etcd
from steps.etcd_certificates import make_missing
from steps.etcd_programs import EtcdPrograms
from tests.steps.etcd_world import (
    GONE,
    IDS,
    LINEAGE,
    NAMES,
    NEW,
    Says,
    empty,
    entry,
    healthy,
    lonely,
    proven,
    running,
    secrets,
    set_up,
    status,
    stopped,
    wanted,
    world,
)
from wizard.core.change import Change
from wizard.core.check import When
from wizard.core.context import Context
from wizard.core.errors import HostError
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets
from wizard.core.spec.model import EtcdSpec
from wizard.core.state import ChangeRecord, ChangeStatus
from wizard.payload.certificates import Pair, make_member
from wizard.payload.etcd_config import CONFIG
from wizard.payload.etcd_unit import RUNNING_CONFIG

Said = dict[str, Says | HostError | None]

LEADER_LAST = ("etcd-b", "pi", "etcd-a")
"""The order of restarts while etcd-a leads."""


def plan(ctx: Context) -> dict[str, Change]:
    changes = list(Etcd().changes(ctx))
    assert len({change.key for change in changes}) == len(changes)
    return {change.key: change for change in changes}


def keys(ctx: Context) -> list[str]:
    return list(plan(ctx))


def test_nothing_is_missing_where_all_is_well() -> None:
    assert keys(world(healthy(secrets()))) == []


def test_a_spec_without_machines_has_nothing_to_do() -> None:
    ctx = world(healthy(secrets()))
    assert keys(replace(ctx, spec=replace(ctx.spec, machines=()))) == []


def test_the_first_plan_shows_the_whole_story_before_any_guest_is_there() -> None:
    ctx = world({"etcd-a": None, "etcd-b": None, "pi": empty("pi")}, kept=MemorySecrets(), state=NEW)
    found = plan(ctx)
    each = [f"{what}:{name}" for name in NAMES for what in ("install", "configure", "start")]
    each.remove("install:pi")
    guards = ["guard:etcd-a", "guard:etcd-b"]
    assert list(found) == ["certificates", *each, "rights", *guards, "prove"]
    assert "initial-cluster-state: new" in found["configure:pi"].preview
    (early,) = EtcdPrograms().changes(ctx)
    assert early.key == "install:pi"
    assert "etcd 3.6.14 (arm64)" in early.preview
    assert "etcd 3.6.14 (amd64)" in found["install:etcd-a"].preview
    assert not any(change.destroys for change in found.values())


def test_members_start_side_by_side_and_only_the_proof_waits_for_all() -> None:
    ctx = world({name: empty(name) for name in NAMES}, kept=MemorySecrets(), state=NEW)
    found = plan(ctx)
    assert found["install:etcd-a"].after == ()
    assert {found[f"{what}:pi"].after for what in ("configure", "start")} == {("certificates",)}
    assert set(found["prove"].after) == set(found) - {"prove"}


@pytest.mark.parametrize("may", ["everything", "root"])
def test_where_the_doctor_may_do_more_than_look_it_is_taken_from_it(may: str) -> None:
    said = healthy(secrets())
    for name, says in said.items():
        assert isinstance(says, Says)
        said[name] = replace(says, rights=may)
    found = plan(world(said))
    assert list(found) == ["rights", "prove"]
    assert found["prove"].after == ("rights",)


def test_where_no_member_can_tell_what_was_done_is_not_done_again() -> None:
    said: Said = {name: stopped(running(name, secrets())) for name in NAMES}
    assert "rights" not in keys(world(said))
    assert keys(world(said, state=NEW))[-2:] == ["rights", "prove"]


def test_the_witness_gets_its_programs_ahead_only_where_nothing_runs_that_would_be_disturbed() -> None:
    for says, ahead in ((empty("pi"), ["install:pi"]), (GONE, []), (healthy(secrets())["pi"], [])):
        ctx = world(healthy(secrets()) | {"pi": says})
        newer = replace(ctx, spec=replace(ctx.spec, etcd=EtcdSpec("3.6.15")))
        early = [change.key for change in EtcdPrograms().changes(newer)]
        assert early == ahead
        assert ("install:pi" in keys(newer)) is (isinstance(says, Says) and not ahead)


def test_before_programs_are_brought_the_witness_alone_is_looked_at() -> None:
    checks = [
        (check.id, check.host, check.when) for check in EtcdPrograms().checks(world(healthy(secrets())))
    ]
    assert checks == [
        ("etcd.version", "", When.BEFORE),
        ("etcd.disk", "pi", When.BEFORE),
        ("etcd.foreign", "pi", When.BEFORE),
    ]


def record(key: str, at: float, status_: ChangeStatus = ChangeStatus.DONE) -> ChangeRecord:
    return ChangeRecord(key, "pi", "x", status_, "d", at=at)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (NEW, ["prove"]),
        (proven(), []),
        (proven(record("start:pi", 99.0)), []),
        (proven(record("start:pi", 101.0)), ["prove"]),
        (proven(record("start:pi", 99.0, ChangeStatus.FAILED)), []),
        (proven(record("start:pi", 99.0, ChangeStatus.IN_FLIGHT)), ["prove"]),
        (proven(record("prove", 100.0, ChangeStatus.FAILED)), ["prove"]),
    ],
)
def test_the_proof_is_repeated_only_after_something_was_changed(state: object, expected: list[str]) -> None:
    assert keys(world(healthy(secrets()), state=state)) == expected  # type: ignore[arg-type]


def changed(says: Says | HostError | None, path: str, old: str, new: str) -> Says:
    assert isinstance(says, Says)
    return replace(says, texts={**says.texts, path: says.texts[path].replace(old, new)})


def test_drifted_configuration_is_written_and_the_member_restarted() -> None:
    said = healthy(secrets())
    said["pi"] = changed(said["pi"], CONFIG, "heartbeat-interval: 250", "heartbeat-interval: 100")
    found = plan(world(said))
    # The process still has the right one: there is nothing to restart it for.
    assert list(found) == ["configure:pi", "prove"]
    said["pi"] = changed(said["pi"], RUNNING_CONFIG, "heartbeat-interval: 250", "heartbeat-interval: 100")
    assert keys(world(said)) == ["configure:pi", "restart:pi", "prove"]


def test_a_run_that_was_cut_off_before_the_restart_is_finished() -> None:
    said = healthy(secrets())
    said["pi"] = changed(said["pi"], RUNNING_CONFIG, "heartbeat-interval: 250", "heartbeat-interval: 100")
    assert keys(world(said)) == ["restart:pi", "prove"]


def test_what_only_matters_before_there_is_data_is_not_compared() -> None:
    said = healthy(secrets())
    for name in NAMES:
        said[name] = changed(
            said[name], CONFIG, "initial-cluster-state: new", "initial-cluster-state: existing"
        )
    assert keys(world(said)) == []
    said = {name: set_up(name, secrets()) for name in NAMES}
    said["pi"] = changed(said["pi"], CONFIG, f"home-{LINEAGE}", "home-other")
    assert "configure:pi" in keys(world(said, state=NEW))


def test_new_timers_are_taken_up_one_member_after_the_other() -> None:
    of = wanted(etcd=EtcdSpec("3.6.14", 300, 3000))
    found = plan(world(healthy(secrets()), of=of))
    chain = [f"{what}:{name}" for name in LEADER_LAST for what in ("configure", "restart")]
    assert list(found) == [*chain, "prove"]
    assert found["configure:etcd-b"].after == ()
    assert "restart:etcd-b" in found["configure:pi"].after
    assert "restart:pi" in found["restart:etcd-a"].after


def test_another_version_goes_member_by_member() -> None:
    found = plan(world(healthy(secrets()), of=wanted(etcd=EtcdSpec("3.6.15"))))
    assert [key for key in found if key != "prove"] == [
        f"{what}:{name}" for name in LEADER_LAST for what in ("install", "restart")
    ]
    assert "restart:etcd-b" in found["install:pi"].after
    assert "in place of 3.6.14" in found["install:pi"].summary


@pytest.mark.parametrize("how", ["mode", "owner", "digest", "gone"])
def test_a_key_that_is_not_as_it_shall_be_is_brought_again(how: str) -> None:
    said = healthy(secrets())
    says = said["pi"]
    assert isinstance(says, Says)
    path = "/etc/etcd/pki/member.key"
    digest, mode, owner = says.files[path]
    other = {
        "mode": (digest, "644", owner),
        "owner": (digest, mode, "root:root"),
        "digest": ("0" * 64, mode, owner),
    }
    files = {name: value for name, value in says.files.items() if name != path}
    said["pi"] = replace(says, files=files if how == "gone" else {**files, path: other[how]})
    assert keys(world(said)) == ["configure:pi", "prove"]


def test_a_member_that_is_down_is_started_before_another_is_restarted() -> None:
    said = healthy(secrets())
    pi, other = said["pi"], said["etcd-a"]
    assert isinstance(pi, Says)
    said["pi"] = stopped(pi)
    said["etcd-a"] = changed(other, RUNNING_CONFIG, "election-timeout: 2500", "election-timeout: 1000")
    found = plan(world(said))
    assert list(found) == ["start:pi", "restart:etcd-a", "prove"]
    assert found["restart:etcd-a"].after == ("start:pi",)


def test_one_that_does_not_start_at_boot_is_enabled() -> None:
    said = healthy(secrets())
    pi = said["pi"]
    assert isinstance(pi, Says)
    said["pi"] = replace(pi, enabled=False)
    assert keys(world(said)) == ["start:pi", "prove"]


@pytest.mark.parametrize("member", [GONE, "off"])
def test_nothing_is_decided_about_a_member_that_cannot_be_asked(member: HostError | str) -> None:
    said: Said = healthy(secrets())
    off = ()
    if isinstance(member, HostError):
        said["etcd-b"] = member
    else:
        off = ("etcd-b",)  # type: ignore[assignment]
    assert keys(world(said, off=off)) == []


# --- members that come back ---------------------------------------------------------------------------------------


def test_a_rebuilt_guest_is_removed_from_the_list_and_joins_anew() -> None:
    said = healthy(secrets())
    said["etcd-b"] = empty("etcd-b")
    found = plan(world(said))
    assert list(found) == ["install:etcd-b", "configure:etcd-b", "replace:etcd-b", "guard:etcd-b", "prove"]
    assert "initial-cluster-state: existing" in found["configure:etcd-b"].preview
    assert found["replace:etcd-b"].destroys == (
        f"the entry {IDS['etcd-b']:x} of etcd-b in etcd's list of members; its own data is gone already",
    )


def test_a_guest_that_is_still_to_be_made_anew_is_shown_so_in_the_plan() -> None:
    said = healthy(secrets())
    said["etcd-b"] = None
    expected = ["install:etcd-b", "configure:etcd-b", "replace:etcd-b", "guard:etcd-b", "prove"]
    assert keys(world(said)) == expected


def listed(said: Said, *members: Mapping[str, object]) -> None:
    for name, says in said.items():
        if isinstance(says, Says) and says.status is not None:
            said[name] = replace(says, members=members)


def test_a_learner_that_was_never_started_goes_on_where_the_run_was_cut() -> None:
    said = healthy(secrets())
    pi = said["pi"]
    assert isinstance(pi, Says)
    said["pi"] = set_up("pi", secrets())
    learner = entry("pi", name="", clientURLs=[], isLearner=True)
    listed(said, entry("etcd-a"), entry("etcd-b"), learner)
    found = plan(world(said))
    # Its configuration still says that it forms the cluster.
    assert list(found) == ["configure:pi", "replace:pi", "prove"]
    assert found["replace:pi"].destroys == ()


@pytest.mark.parametrize("up", [True, False])
def test_a_learner_that_was_started_only_has_to_be_promoted(up: bool) -> None:
    said = healthy(secrets())
    pi = said["pi"]
    assert isinstance(pi, Says)
    said["pi"] = replace(pi, status=status("pi", leader=IDS["etcd-a"], isLearner=True)) if up else stopped(pi)
    listed(said, entry("etcd-a"), entry("etcd-b"), entry("pi", isLearner=True))
    assert keys(world(said)) == ["promote:pi", "prove"]


def test_data_of_before_a_removal_is_taken_aside_and_named() -> None:
    said = healthy(secrets())
    pi = said["pi"]
    assert isinstance(pi, Says)
    said["pi"] = stopped(pi)
    listed(said, entry("etcd-a"), entry("etcd-b"))
    found = plan(world(said))
    assert list(found) == ["configure:pi", "replace:pi", "prove"]
    assert found["replace:pi"].destroys == (
        "/mnt/usb/etcd/data on pi: data of before it was removed from the cluster",
    )


def test_one_that_says_it_was_removed_is_believed_though_its_name_is_listed_again() -> None:
    said = healthy(secrets())
    pi = said["pi"]
    assert isinstance(pi, Says)
    log = (
        '{"level":"warn","msg":"server error","error":"the member has been permanently removed from the cluster"}',
    )
    said["pi"] = replace(stopped(pi), active="activating", sub="auto-restart", log=log)
    listed(said, entry("etcd-a"), entry("etcd-b"), entry("pi", name="", clientURLs=[], isLearner=True))
    assert "replace:pi" in keys(world(said))


def test_the_rest_of_a_half_done_bootstrap_is_simply_started() -> None:
    """Row 72: one member has formed the cluster with two that were never started."""
    kept = secrets()
    alone = replace(
        stopped(running("etcd-a", kept)),
        active="activating",
        sub="start",
        metrics=("etcd_server_has_leader 0",),
    )
    found = plan(world({"etcd-a": alone, "etcd-b": set_up("etcd-b", kept), "pi": empty("pi")}, state=NEW))
    assert list(found) == [
        "start:etcd-a",
        "start:etcd-b",
        "configure:pi",
        "start:pi",
        "rights",
        "prove",
    ]
    assert "initial-cluster-state: new" in found["configure:pi"].preview
    assert not any(change.after for key, change in found.items() if key not in ("rights", "prove"))


def test_a_member_of_the_bootstrap_that_was_never_there_is_started_not_replaced() -> None:
    said = healthy(secrets())
    said["pi"] = set_up("pi", secrets())
    listed(said, entry("etcd-a"), entry("etcd-b"), entry("pi", clientURLs=[]))
    assert keys(world(said, state=NEW)) == ["start:pi", "prove"]


def test_with_all_stopped_those_with_data_come_first_and_the_empty_one_joins_them() -> None:
    kept = secrets()
    said: Said = {name: stopped(running(name, kept)) for name in ("etcd-a", "etcd-b")}
    said["pi"] = empty("pi")
    found = plan(world(said))
    assert list(found) == [
        "start:etcd-a",
        "start:etcd-b",
        "configure:pi",
        "replace:pi",
        "prove",
    ]
    assert "start:etcd-b" in found["replace:pi"].after
    assert "initial-cluster-state: existing" in found["configure:pi"].preview


@pytest.mark.parametrize("others", [GONE, "empty"])
def test_an_empty_member_is_never_started_without_a_quorum_of_those_with_data(
    others: HostError | str,
) -> None:
    """What was agreed on would be thrown away."""
    kept = secrets()
    other = others if isinstance(others, HostError) else empty("etcd-b")
    said: Said = {"etcd-a": lonely(running("etcd-a", kept)), "etcd-b": other, "pi": empty("pi")}
    found = keys(world(said))
    assert not {"start:pi", "replace:pi", "start:etcd-b", "replace:etcd-b"} & set(found)


# --- certificates -------------------------------------------------------------------------------------------------


def renewed(kept: MemorySecrets, name: str, *, days: int, address: str) -> None:
    key, certificate = kept.get("etcd/ca.key"), kept.get("etcd/ca.crt")
    assert key and certificate
    made = make_member(
        Pair(key, certificate.reveal()),
        name,
        (address, "127.0.0.1"),
        (name, f"{name}.home.arpa", "localhost"),
        datetime.now(UTC) - timedelta(days=1826 - days),
    )
    kept.put({f"etcd/{name}.key": made.key, f"etcd/{name}.crt": Secret(made.certificate)})


@pytest.mark.parametrize(("days", "expected"), [(90, []), (59, ["certificates", "configure:pi", "prove"])])
def test_a_certificate_near_its_end_is_replaced_on_its_member_alone(days: int, expected: list[str]) -> None:
    kept = secrets()
    renewed(kept, "pi", days=days, address="10.0.0.13")
    ctx = world(healthy(kept), kept=kept)
    assert keys(ctx) == expected
    if expected:
        assert plan(ctx)["certificates"].preview == f"pi: ends in {days - 1} days"
        assert make_missing(kept, ctx.spec) == ["pi"]
        assert make_missing(kept, ctx.spec) == []


def test_a_new_address_is_told_to_the_cluster_before_the_member_goes_there() -> None:
    kept = secrets()
    of = wanted()
    moved = replace(of, machines=(replace(of.machines[0], address="10.0.0.41"), of.machines[1]))
    found = plan(world(healthy(kept), kept=kept, of=moved))
    # The list of initial members is only read without data, so the others need nothing.
    assert list(found) == ["certificates", "address:etcd-a", "configure:etcd-a", "restart:etcd-a", "prove"]
    assert "does not name 10.0.0.41" in found["certificates"].preview
    assert "https://10.0.0.41:2380" in found["address:etcd-a"].preview


def test_secrets_stay_out_of_everything_a_plan_shows() -> None:
    kept = secrets()
    ctx = world({name: empty(name) for name in NAMES}, kept=kept, state=NEW)
    shown = "".join(f"{one.summary}{one.preview}{one.destroys}" for one in Etcd().changes(ctx))
    for name in ("ca", *NAMES, "k3s", "doctor"):
        key = kept.get(f"etcd/{name}.key")
        assert key and key.reveal().splitlines()[1] not in shown
