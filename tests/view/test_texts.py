"""Doctor's causes, the review's losses and what an earlier run left: the same words on every front end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.practice.cluster import cluster_text, parsed
from wizard.core.change import Change
from wizard.core.check import Finding, Status
from wizard.core.context import Work
from wizard.core.engine.plan import Plan, PlannedStep
from wizard.core.engine.resume import Standing
from wizard.core.session import DoctorReport
from wizard.core.state import ChangeRecord, ChangeStatus, StepRecord, StepStatus, new_state
from wizard.core.step import Step
from wizard.core.view.done import kubernetes_line, next_steps
from wizard.core.view.findings import cause_lines, doctor_view
from wizard.core.view.resume import groups, half_done, last_touched, remembered, standing_lines
from wizard.core.view.review import confirmation, confirmed, losses, plan_lines, sum_text
from wizard.core.view.styled import beside, cut, line, padded, plain, wide
from wizard.front.doctor import doctor_text

DISK = "Samsung SSD 980, serial S649NX0R123456, 1.0 TB, ext4 `photos`"


class Made(Step):
    id, title, summary = "machines", "Machines", "Guests"


def change(key: str, *destroys: str, host: str = "tower-a") -> Change:
    def never(_work: Work) -> str:
        raise AssertionError

    return Change(key, host, f"Make {key}", never, "virsh define", destroys, 100.0)


def plan(*changes: Change) -> Plan:
    return Plan((PlannedStep(Made(), changes),))


def report() -> DoctorReport:
    space = Finding(
        Status.FAIL,
        "etcd-b has no free disk space.",
        "/var/lib/etcd 100 %",
        "snapshots of an interrupted backup",
        "wizard doctor --fix etcd.space",
        check="etcd.space",
        step="etcd",
        title="Disks have room",
        host="etcd-b",
    )
    follows = replace(space, check="api.writable", explained_by="etcd.space", detail="No writes.", host="")
    warning = replace(space, status=Status.WARN, check="pi.certificate", detail="Expires soon.", host="pi")
    fine = replace(space, status=Status.PASS, check="hosts.reach", detail="Answers.", host="pi")
    return DoctorReport((fine, follows, warning, space))


def test_the_root_cause_comes_first_and_what_it_explains_is_folded_under_it() -> None:
    view = doctor_view(report())
    assert view.headline == "Something is wrong: 1 cause explains 1 more finding."
    (cause,) = view.causes
    assert (cause.finding.check, cause.explained_ids) == ("etcd.space", ("api.writable",))
    assert [one.check for one in view.warnings] == ["pi.certificate"]
    assert view.sum == "1 ok · 1 warning · 2 failed"


def test_the_plain_report_and_the_screen_tell_a_cause_in_the_same_words() -> None:
    (cause,) = doctor_view(report()).causes
    assert plain(cause_lines(cause)) in doctor_text(report())


def test_a_fix_stays_whole_however_narrow_the_screen_is() -> None:
    found = report().findings[-1]
    long = replace(
        found, fix="wizard doctor --fix etcd.space --and-a-very-long-argument-to-copy", cause="word " * 40
    )
    (cause,) = doctor_view(DoctorReport((long,))).causes
    lines = plain(cause_lines(cause, 40)).splitlines()
    assert any(long.fix in one for one in lines)
    assert all(len(one) <= 40 for one in lines if long.fix not in one)


def test_every_loss_is_listed_with_its_change_and_the_serial_has_to_be_typed() -> None:
    found = losses(plan(change("wipe", DISK), change("other")))
    (loss,) = found
    assert (loss.text, loss.summary, loss.host) == (DISK, "Make wipe", "tower-a")
    assert confirmation(found) == "S649NX0R123456"
    assert confirmed("  S649NX0R123456 ", found)
    for wrong in ("", "yes", "s649nx0r123456", "S649NX0R12345"):
        assert not confirmed(wrong, found)


def test_what_has_no_serial_is_typed_by_its_name_and_many_by_their_number() -> None:
    two = losses(plan(change("remove", "etcd-a: disk data.raw, 2 GiB", "etcd-a: its root", "etcd-b: disk x")))
    assert confirmation(two) == "etcd-a etcd-b"
    many = losses(plan(change("remove", *(f"guest-{n}: disk" for n in range(5)))))
    assert confirmation(many) == "destroy 5"
    assert not confirmed("", [])


def test_the_plan_in_one_sentence_and_by_step() -> None:
    found = plan(change("wipe", DISK), change("other"))
    assert sum_text(found) == "2 changes, about 2 min, 1 thing destroyed."
    text = plain(plan_lines(found, 60))
    assert "Machines" in text
    assert "!! destroys Samsung SSD 980, serial S649NX0R123456" in " ".join(text.split())
    assert "virsh" not in text
    assert "virsh define" in plain(plan_lines(found, 60, previews=True))
    assert all(len(one) <= 60 for one in text.splitlines())


def test_how_an_earlier_run_stands() -> None:
    left = Standing(("a", "b"), ("c drifted",), ("d half",), ("e",), ())
    assert [(one.word, one.names) for one in groups(left)] == [
        ("done and still true", ("2 changes",)),
        ("done but drifted", ("c drifted",)),
        ("half done", ("d half",)),
        ("not started", ("e",)),
    ]
    assert groups(Standing((), (), (), ("all of it",), ())) == [], "a first run left nothing"


def test_answers_that_changed_since_are_told_with_both_values_in_the_room_there_is() -> None:
    answers = (
        ("network.gateway", "192.168.10.1", "192.168.10.2"),
        ("etcd.heartbeat_ms", "", "150"),
        ("storage.backup_target", "nfs://192.168.10.9/a/rather/long/path/of/a/share", ""),
    )
    rows = plain(standing_lines(Standing(("a",), (), (), (), answers), 48)).splitlines()
    assert rows[:2] == ["ok done and still true  1 change", "!! answers that changed since"]
    assert rows[2] == "   network.gateway: 192.168.10.1 -> 192.168.10.2"
    assert rows[3] == "   etcd.heartbeat_ms: (not there) -> 150"
    assert rows[-1].endswith("-> (taken away)")
    assert len(rows) > 5
    assert all(len(row) <= 48 for row in rows)


def test_what_the_state_alone_remembers() -> None:
    fresh = new_state("home", "test")
    assert not half_done(None)
    assert not half_done(fresh)
    assert last_touched(fresh) == ""
    record = ChangeRecord("k", "tower-a", "Make k", ChangeStatus.IN_FLIGHT, "d", "op", 1_700_000_000.0)
    begun = replace(fresh, serial=1).with_step(StepRecord("machines", StepStatus.HALF_DONE, 1.0))
    begun = begun.with_change("machines", record)
    assert half_done(begun)
    assert "1 in flight" in plain(remembered(begun))
    assert last_touched(begun).startswith("2023-11-1")
    done = replace(fresh, serial=1).with_step(StepRecord("machines", StepStatus.DONE, 1.0))
    assert not half_done(done)


def test_lines_are_cut_filled_and_set_side_by_side() -> None:
    assert plain([cut(line("abcdefgh"), 5)]) == "abc.."
    assert wide(padded(line("abc"), 7)) == 7
    rows = beside([[line("a")], [line("b"), line("c")]], [3, 3])
    assert [wide(row) for row in rows] == [8, 8]
    assert plain([line("\x1b[2J")]) == "\ufffd[2J"


def test_what_comes_next_is_called_as_the_person_called_us() -> None:
    spec = parsed(cluster_text(Path("/home/anna/key")))
    practised = plain(next_steps(spec, "/home/anna/state", 72, "wizard practice --dir /tmp/try --"))
    assert "\n  wizard practice --dir /tmp/try -- doctor      is everything" in practised
    assert "\n  wizard kubeconfig  the cluster for kubectl on this machine" in plain(
        next_steps(spec, "/x", 72)
    )
    without = replace(spec, k3s=replace(spec.k3s, enabled=False))
    assert "\n  wizard doctor  is everything well?" in plain(next_steps(without, "/x", 72))
    narrow = next_steps(spec, "/x", 48, "wizard practice --dir /tmp/try --")
    assert "\n  wizard practice --dir /tmp/try -- doctor\n    is everything well? if not, why\n" in plain(
        narrow
    )
    assert max(wide(row) for row in narrow) <= 48


def test_what_is_built_of_kubernetes_is_told_with_its_address() -> None:
    spec = parsed(cluster_text(Path("/home/anna/key")))
    assert spec.nodes()
    assert plain([kubernetes_line(spec)]) == "K3s   2 nodes; the API is https://10.213.99.20:6443"
    assert not replace(spec, machines=()).nodes()
