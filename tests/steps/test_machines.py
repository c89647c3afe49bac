"""What the step finds missing: `{spec, facts} -> changes | nothing`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.guests import Guests
from steps.machine_plan import look
from steps.machines import Machines
from tests.steps.guests import ETCD_A, ETCD_B, LINEAGE, MACHINES, STATE, STRANGER, WORKER_A, Said, context
from wizard.core.change import Change
from wizard.core.context import Context
from wizard.core.facts import GIB
from wizard.core.spec.model import MachineSpec
from wizard.core.state import ChangeRecord, ChangeStatus, RunState, StepRecord, new_state
from wizard.payload.guests import GuestPlan

BOTH = (WORKER_A, ETCD_A)


def plan_of(name: str, machines: tuple[MachineSpec, ...] = MACHINES) -> GuestPlan:
    ctx = context({}, machines=machines)
    place = look(ctx, ctx.spec.machine(name).host)
    return next(plan for plan in place.plans if plan.name == name)


def standing() -> dict[str, Said]:
    """Both guests are there as the spec wants them."""
    return {"tower-a": Said().has(plan_of("etcd-a")), "tower-b": Said().has(plan_of("etcd-b"))}


def changes(ctx: Context) -> dict[str, Change]:
    found = list(Machines().changes(ctx))
    assert len({change.key for change in found}) == len(found)
    return {change.key: change for change in found}


def test_a_spec_without_machines_has_nothing_to_do() -> None:
    assert not changes(context({}, machines=()))


def test_nothing_is_done_where_everything_is_as_it_shall_be() -> None:
    assert not changes(context(standing()))


def test_everything_is_made_where_nothing_is() -> None:
    found = changes(context({}))
    assert list(found) == [
        "image:tower-a",
        "create:etcd-a",
        "boot:etcd-a",
        "image:tower-b",
        "create:etcd-b",
        "boot:etcd-b",
    ]
    assert found["create:etcd-a"].after == ("image:tower-a",)
    assert found["boot:etcd-a"].host == "etcd-a"
    assert found["boot:etcd-a"].after == ("create:etcd-a",)
    assert not any(change.destroys for change in found.values())


def others(ctx: Context) -> list[str]:
    return [change.key for change in Guests().changes(ctx)]


def test_etcds_guests_are_made_first_and_the_others_boots_hold_nothing_up() -> None:
    ctx = context({}, machines=BOTH)
    assert list(changes(ctx)) == ["image:tower-a", "create:etcd-a", "boot:etcd-a", "create:worker-a"]
    assert others(ctx) == ["boot:worker-a"]


def test_a_first_boot_that_was_not_seen_to_its_end_is_waited_for_once() -> None:
    said = {
        "tower-a": Said().has(plan_of("etcd-a"), booted=False).has(plan_of("worker-a", BOTH), booted=False)
    }
    ctx = context(said, machines=BOTH)
    assert (list(changes(ctx)), others(ctx)) == (["boot:etcd-a"], ["boot:worker-a"])


def test_a_guest_that_stood_still_is_waited_for_where_it_is_started() -> None:
    said = {
        "tower-a": Said().has(plan_of("etcd-a")).has(plan_of("worker-a", BOTH), state="shut off (shutdown)")
    }
    ctx = context(said, machines=BOTH)
    assert (list(changes(ctx)), others(ctx)) == (["start:worker-a", "boot:worker-a"], [])


def test_where_a_guest_is_resized_every_boot_is_waited_for_before() -> None:
    said = {"tower-a": Said().has(plan_of("etcd-a")).has(plan_of("worker-a", BOTH), booted=False)}
    ctx = context(said, machines=(WORKER_A, replace(ETCD_A, cpus=4)))
    found = changes(ctx)
    assert (list(found), others(ctx)) == (["boot:worker-a", "resize:etcd-a", "boot:etcd-a"], [])
    assert found["resize:etcd-a"].after == ("boot:worker-a",)


def test_the_guests_of_etcd_are_checked_before_etcd_is_begun_and_the_others_beside_it() -> None:
    ctx = context({}, machines=BOTH)
    here = {check.host for check in Machines().checks(ctx) if check.id == "machines.running"}
    there = {check.host for check in Guests().checks(ctx)}
    assert (here, there) == ({"etcd-a"}, {"worker-a"})


def test_an_image_that_is_there_is_not_copied_again() -> None:
    said = Said()
    said.host["base"] = 150_000_000
    found = changes(context({"tower-a": said}))
    assert "image:tower-a" not in found
    assert found["create:etcd-a"].after == ()


def test_the_first_plan_shows_nothing_that_only_the_lineage_will_tell() -> None:
    """Two plans before the first apply each have a lineage of their own, which is not kept."""
    first, second = (changes(context({}, state=new_state("home", "test"))) for _ in range(2))
    assert {key: change.digest for key, change in first.items()} == {
        key: change.digest for key, change in second.items()
    }


def test_a_boot_that_was_not_seen_to_its_end_is_waited_for_again() -> None:
    said = standing() | {"tower-a": Said().has(plan_of("etcd-a"), booted=False)}
    assert list(changes(context(said))) == ["boot:etcd-a"]


@pytest.mark.parametrize("state", ["shut off (shutdown)", "crashed (panicked)", "shut off (destroyed)"])
def test_a_guest_that_stands_still_is_started_and_waited_for(state: str) -> None:
    said = standing() | {"tower-a": Said().has(plan_of("etcd-a"), state=state)}
    found = changes(context(said))
    assert list(found) == ["start:etcd-a", "boot:etcd-a"]
    assert found["boot:etcd-a"].after == ("start:etcd-a",)


def test_a_paused_guest_is_somebodys_decision_or_a_full_disk() -> None:
    said = standing() | {"tower-a": Said().has(plan_of("etcd-a"), state="paused (I/O error)")}
    assert not changes(context(said))


def test_autostart_is_switched_on_again() -> None:
    said = standing() | {"tower-a": Said().has(plan_of("etcd-a"), autostart=False)}
    assert list(changes(context(said))) == ["autostart:etcd-a"]


@pytest.mark.parametrize(
    ("machine", "text"),
    [
        (replace(ETCD_A, cpus=4), "cpus 2 -> 4"),
        (replace(ETCD_A, memory=4 * GIB), "memory 2.0 GiB -> 4.0 GiB"),
        (replace(ETCD_A, disk=30 * GIB), "disk 20.0 GiB -> 30.0 GiB"),
        (replace(ETCD_A, data_disk=9 * GIB), "data 8.0 GiB -> 9.0 GiB"),
    ],
)
def test_another_size_in_the_spec_is_a_resize(machine: MachineSpec, text: str) -> None:
    found = changes(context(standing(), machines=(machine, ETCD_B)))
    assert list(found) == ["resize:etcd-a", "boot:etcd-a"]
    assert text in found["resize:etcd-a"].summary
    assert not found["resize:etcd-a"].destroys


def test_another_bridge_is_a_redefinition() -> None:
    found = changes(context(standing(), hosts={"tower-a": {"bridge": "br7"}}))
    assert list(found) == ["redefine:etcd-a", "boot:etcd-a"]
    assert "network br0 -> br7" in found["redefine:etcd-a"].summary


def test_never_are_guests_of_both_hypervisors_away_at_a_time() -> None:
    machines = (replace(ETCD_A, cpus=4), replace(ETCD_B, cpus=4))
    found = changes(context(standing(), machines=machines))
    assert found["resize:etcd-b"].after == ("boot:etcd-a",)


def test_a_restart_waits_until_what_stood_still_is_up() -> None:
    said = standing() | {"tower-a": Said().has(plan_of("etcd-a"), state="shut off (shutdown)")}
    found = changes(context(said, machines=(ETCD_A, replace(ETCD_B, cpus=4))))
    assert found["resize:etcd-b"].after == ("boot:etcd-a",)


def test_smaller_disks_are_not_made() -> None:
    machines = (replace(ETCD_A, disk=10 * GIB, data_disk=4 * GIB), ETCD_B)
    assert not changes(context(standing(), machines=machines))


@pytest.mark.parametrize(
    "machine",
    [replace(ETCD_A, address="10.0.0.99"), replace(ETCD_A, role="storage"), replace(ETCD_A, data_disk=None)],
)
def test_what_a_guest_cannot_become_is_not_begun(machine: MachineSpec) -> None:
    assert not changes(context(standing(), machines=(machine, ETCD_B)))


def test_a_guest_the_spec_no_longer_has_is_removed_and_its_disks_are_named_with_their_sizes() -> None:
    worker = plan_of("worker-a", (ETCD_A, WORKER_A))
    said = standing()
    said["tower-a"].has(worker)
    found = changes(context(said))
    assert list(found) == ["remove:worker-a"]
    change = found["remove:worker-a"]
    assert "no longer in the spec" in change.summary
    assert change.destroys == (
        "worker-a: disk system.qcow2 on tower-a, 1.0 GiB of 40.0 GiB used",
        "worker-a: disk data.raw on tower-a, 2.0 GiB of 8.0 GiB used",
    )


def test_a_renamed_machine_is_removed_first_and_told_so() -> None:
    renamed = replace(ETCD_A, name="voter-a")
    found = changes(context(standing(), machines=(renamed, ETCD_B)))
    assert list(found) == ["remove:etcd-a", "image:tower-a", "create:voter-a", "boot:voter-a"]
    assert "the spec has voter-a at its address now" in found["remove:etcd-a"].summary
    assert "remove:etcd-a" in found["create:voter-a"].after


def served() -> RunState:
    """The cluster took writes once, as far as we remember."""
    done = ChangeRecord("prove", "etcd-a", "Prove", ChangeStatus.DONE, "")
    return STATE.with_step(StepRecord("etcd", changes={"prove": done}))


def test_a_member_leaves_the_list_before_its_machine_is_removed() -> None:
    renamed = replace(ETCD_A, name="voter-a", address="10.0.0.99")
    found = changes(context(standing(), machines=(renamed, ETCD_B), state=served()))
    assert found["remove:etcd-a"].preview.startswith("on etcd-b: etcdctl member remove etcd-a\n")


def test_of_a_cluster_that_never_was_nothing_is_asked() -> None:
    renamed = replace(ETCD_A, name="voter-a", address="10.0.0.99")
    found = changes(context(standing(), machines=(renamed, ETCD_B)))
    assert "etcdctl" not in found["remove:etcd-a"].preview


def test_a_worker_was_no_member() -> None:
    said = standing()
    said["tower-a"].has(plan_of("worker-a", (ETCD_A, WORKER_A)))
    assert "etcdctl" not in changes(context(said, state=served()))["remove:worker-a"].preview


def test_a_machine_that_moves_is_made_anew_on_the_other_host() -> None:
    moved = replace(ETCD_A, host="tower-b")
    found = changes(context(standing(), machines=(moved, ETCD_B)))
    assert found["remove:etcd-a"].host == "tower-a"
    assert "the spec has it on tower-b now" in found["remove:etcd-a"].summary
    assert found["create:etcd-a"].host == "tower-b"
    assert "remove:etcd-a" in found["create:etcd-a"].after


def test_what_a_cut_off_removal_left_is_taken_up_again() -> None:
    said = standing()
    said["tower-a"].folders["worker-a"] = [f"lineage={LINEAGE}", f"file=data.raw {GIB} 0"]
    assert list(changes(context(said))) == ["remove:worker-a"]


def foreign_domain() -> Said:
    said = Said().has(plan_of("etcd-a"), owner=STRANGER)
    state, xml = said.domains["etcd-a"]
    said.domains["etcd-a"] = (state, xml.replace(LINEAGE, STRANGER))
    return said


def unmarked_domain() -> Said:
    said = Said()
    said.domains["etcd-a"] = ("shut off (shutdown)", "<domain><name>etcd-a</name></domain>")
    return said


def foreign_folder() -> Said:
    said = Said()
    said.folders["etcd-a"] = [f"lineage={STRANGER}", f"file=data.raw {GIB} {GIB}"]
    return said


def unmarked_folder() -> Said:
    said = Said()
    said.folders["etcd-a"] = [f"file=vdisk1.img {GIB} {GIB}"]
    return said


FOREIGN = [foreign_domain, unmarked_domain, foreign_folder, unmarked_folder]


@pytest.mark.parametrize("make", FOREIGN)
def test_nothing_foreign_is_ever_touched(make: object) -> None:
    assert callable(make)
    said = standing() | {"tower-a": make()}
    assert not [key for key in changes(context(said)) if "etcd-a" in key]
    gone = replace(WORKER_A, name="other-a")
    assert not [key for key in changes(context(said, machines=(gone, ETCD_B))) if "etcd-a" in key]


def test_what_is_ours_under_another_driver_is_not_deleted_behind_it() -> None:
    """An LXC guest of ours runs from the folder: switching the driver must not take the folder away."""
    from tests.steps.guests import tower

    lxc = context({}, hosts={"tower-a": {"guests": "lxc"}})
    plan = next(iter(look(lxc, "tower-a").plans))
    seen = Said().has(plan)
    known = {"tower-a": tower("tower-a", seen)}
    now = Said(folders=seen.folders)
    for machines in ((ETCD_A, ETCD_B), (WORKER_A, ETCD_B)):
        found = changes(context({"tower-a": now}, machines=machines, known=known))
        assert not [key for key in found if "etcd-a" in key]


def test_a_hypervisor_whose_libvirt_is_silent_is_left_alone() -> None:
    said = standing() | {"tower-a": Said(code=1)}
    assert not [key for key in changes(context(said)) if key.endswith("-a")]
