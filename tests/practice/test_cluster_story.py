"""Guests and etcd with the real steps on the practice homelab: made, nothing left to do, and what doctor finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.practice.cluster import (
    ETCD_DIR,
    GUESTS,
    MEMBERS,
    SERVERS,
    VM_DIRS,
    Cluster,
    bad,
    built,
    parsed,
    without_proxy,
    yes,
)
from wizard.core.check import Finding, Status
from wizard.core.events import ChangeFinished
from wizard.core.secret import Secret
from wizard.core.session import DoctorReport
from wizard.practice.boot import stop
from wizard.practice.etcd_process import settle
from wizard.practice.machine import Domain, File

Break = Callable[[Cluster], None]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster.fresh(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Everything was made."""
    return built(Cluster.fresh(tmp_path_factory.mktemp("made")))


@pytest.fixture
def done(made: Cluster) -> Cluster:
    """The same, for one test alone."""
    return made.clone()


def keys(cluster: Cluster) -> list[str]:
    plan, _ = cluster.session().plan()
    assert not plan.errors, plan.errors
    return [change.key for step in plan.steps for change in step.changes]


def failed(report: DoctorReport, check: str) -> dict[str, Finding]:
    return {item.host: item for item in report.findings if item.check == check and item.status is Status.FAIL}


# --- the story


def test_the_first_plan_shows_the_whole_story(cluster: Cluster) -> None:
    before = cluster.picture()
    found = keys(cluster)
    assert {f"image:{host}" for host in VM_DIRS} <= set(found)
    for guest in GUESTS:
        assert found.index(f"create:{guest}") < found.index(f"boot:{guest}")
    for member in MEMBERS:
        assert (
            found.index(f"install:{member}")
            < found.index(f"configure:{member}")
            < found.index(f"start:{member}")
        )
    packages = [f"packages:{guest}" for guest in GUESTS]
    proven = found.index("prove")
    following = [*packages[2:], *(f"install:{server}" for server in SERVERS), *packages[:2], "tokens"]
    assert found[proven + 1 : proven + 1 + len(following)] == following
    assert found.index("start:server-a") < found.index("configure:server-b")
    assert cluster.picture() == before
    assert cluster.states == []


@pytest.mark.parametrize("guests", ["qemu", "lxc"])
def test_apply_then_nothing_to_do_and_doctor_content(tmp_path: Path, guests: str) -> None:
    cluster = Cluster.fresh(tmp_path, guests=guests)
    result = cluster.session().apply(yes)
    assert result.status == "done", bad(result.findings)
    assert keys(cluster) == []
    report = cluster.session().doctor()
    assert (report.verdict, report.root_causes) == ("ok", []), bad(report.findings)
    etcd = cluster.etcd()
    assert {one.name for one in etcd.voters} == set(MEMBERS)
    assert len(etcd.running) == 3
    assert (etcd.writes, etcd.keys) == (3, {}), "the proof wrote through every member and left nothing"


def test_apply_again_runs_nothing_and_asks_everybody_little(done: Cluster) -> None:
    ran = {name: len(machine.ran) for name, machine in done.machines.items()}
    for machine in done.machines.values():
        machine.requests = 0
    saved = len(done.states)
    result = done.session().apply(yes)
    assert (result.status, result.changes) == ("done", 0)
    # Servers are asked about one thing more: the address that moves.
    most = {name: 4 if name in SERVERS else 3 for name in done.machines}
    assert {name: one.requests for name, one in done.machines.items() if one.requests > most[name]} == {}
    assert {name: len(machine.ran) for name, machine in done.machines.items()} == ran
    assert len(done.states) == saved


def test_the_base_image_crosses_each_link_once(cluster: Cluster) -> None:
    put: list[str] = []
    cluster.hosts.faults.watch = lambda host, what: put.append(host) if what == "put" else None
    cluster.session().apply(yes)
    assert sorted(put) == sorted([*VM_DIRS, *MEMBERS, *GUESTS, *SERVERS, *SERVERS]), (
        "one image a hypervisor, one etcd a member, one archive of packages a guest, K3s and its images a server"
    )


def test_plan_and_doctor_write_nothing(done: Cluster) -> None:
    before, saved = done.picture(), len(done.states)
    keys(done)
    done.session().doctor()
    assert done.picture() == before
    assert len(done.states) == saved


# --- doctor, layer by layer


def member_stopped(name: str) -> Break:
    def do(cluster: Cluster) -> None:
        cluster.machines[name].etcd.wanted = False

    return do


def guest_off(name: str) -> Break:
    def do(cluster: Cluster) -> None:
        host = cluster.machines[cluster.machines[name].carrier]
        stop(host, host.domains[name], "destroyed")

    return do


def no_power(name: str) -> Break:
    return lambda cluster: cluster.hosts.faults.dead.add(name)


def silent(name: str) -> Break:
    def do(cluster: Cluster) -> None:
        cluster.machines[name].up = False

    return do


@pytest.mark.parametrize(
    ("broken", "root", "host"),
    [
        *((member_stopped(name), "etcd.running", name) for name in MEMBERS),
        *((guest_off(name), "machines.running", name) for name in ("etcd-a", "etcd-b")),
        *((silent(name), "machines.answers", name) for name in ("etcd-a", "etcd-b")),
        *((no_power(name), "hosts.reach", name) for name in ("tower-a", "tower-b", "pi")),
    ],
)
def test_one_member_lost_is_one_root_cause_by_name(
    done: Cluster, broken: Break, root: str, host: str
) -> None:
    broken(done)
    report = done.session().doctor()
    assert report.verdict == "fail"
    assert report.root_causes[0] == root, (report.root_causes, bad(report.findings))
    assert host in failed(report, root)
    assert len(report.root_causes) == 1, (report.root_causes, bad(report.findings))
    etcd = done.etcd()
    assert etcd.leader, "with one member lost the others go on"
    assert len(etcd.running) == 2


@pytest.mark.parametrize("broken", [member_stopped("etcd-a"), guest_off("etcd-b"), member_stopped("pi")])
def test_what_was_lost_is_brought_back_by_the_next_apply(done: Cluster, broken: Break) -> None:
    before = done.picture()
    broken(done)
    result = done.session().apply(yes)
    assert result.status == "done", [error.what for error in result.errors] + bad(result.findings)
    assert done.picture() == before
    assert done.session().doctor().verdict == "ok"


def test_an_apply_beside_a_silent_guest_gets_as_far_as_that_guest_and_says_so(done: Cluster) -> None:
    silent("etcd-a")(done)
    result = done.session().apply(yes)
    assert result.status == "failed"
    assert "discover" not in result.failed
    assert any("etcd-a" in error.what for error in (*result.errors, *result.unmet))


def test_a_guest_paused_on_a_full_disk_is_told_with_the_remedy(done: Cluster) -> None:
    domain = done.machines["tower-b"].domains["etcd-b"]
    domain.state, domain.reason = "paused", "I/O error"
    report = done.session().doctor()
    assert report.root_causes == ["machines.running"]
    found = failed(report, "machines.running")["etcd-b"]
    assert "no room left" in found.detail
    assert "virsh -c qemu:///system resume etcd-b" in found.fix
    assert f"df -h {VM_DIRS['tower-b']}" in found.fix


def test_a_guest_that_does_not_start_with_its_host_is_found_and_mended(done: Cluster) -> None:
    done.machines["tower-a"].domains["etcd-a"].autostart = False
    report = done.session().doctor()
    assert report.root_causes == ["machines.autostart"]
    assert keys(done) == ["autostart:etcd-a"]
    assert done.session().apply(yes).status == "done"
    assert done.machines["tower-a"].domains["etcd-a"].autostart


@pytest.mark.parametrize("host", ["tower-a", "tower-b"])
def test_a_hypervisor_that_was_restarted_comes_back_by_itself(done: Cluster, host: str) -> None:
    done.world.restart(host)
    assert keys(done) == []
    assert done.session().doctor().verdict == "ok"
    assert len(done.etcd().running) == 3


def test_after_a_power_cut_of_everything_it_all_comes_back(done: Cluster) -> None:
    before = done.picture()
    for name in ("pi", "tower-b", "tower-a"):
        done.world.restart(name)
    assert done.picture() == before
    assert keys(done) == []
    assert done.session().doctor().verdict == "ok"


def test_nospace_is_told_and_the_members_are_not_disturbed(done: Cluster) -> None:
    done.etcd().alarms.add("NOSPACE")
    report = done.session().doctor()
    assert any(
        "NOSPACE" in f"{item.detail} {item.evidence}"
        for item in report.findings
        if item.status is Status.FAIL
    )
    assert not any(key.startswith(("restart:", "replace:")) for key in keys(done))


def test_a_slow_disk_is_told_by_its_own_numbers(done: Cluster) -> None:
    done.machines["pi"].etcd.fsync = (("0.008", 200), ("0.016", 4200), ("0.032", 4280), ("+Inf", 4280))
    report = done.session().doctor()
    found = [item for item in report.findings if item.check == "etcd.fsync" and item.host == "pi"]
    assert [item.status for item in found] == [Status.WARN]
    assert report.verdict == "warn"


# --- what is not ours


def test_a_foreign_guest_of_a_machines_name_is_never_touched(cluster: Cluster) -> None:
    theirs = Domain(
        "etcd-b", "qemu", "<domain type='kvm'>\n <name>etcd-b</name>\n</domain>", "running", "booted"
    )
    cluster.machines["tower-b"].domains["etcd-b"] = theirs
    kept = replace(theirs)
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    assert any(item.startswith("machines.foreign tower-b") for item in bad(result.findings))
    assert cluster.machines["tower-b"].domains == {"etcd-b": kept}
    assert not any(run.script.startswith("do/guest") for one in cluster.machines.values() for run in one.ran)


def test_a_foreign_folder_of_a_machines_name_is_never_touched(cluster: Cluster) -> None:
    path = f"{VM_DIRS['tower-a']}/etcd-a/vdisk1.img"
    cluster.machines["tower-a"].files[path] = File(b"holiday pictures")
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    assert any(item.startswith("machines.foreign tower-a") for item in bad(result.findings))
    below = f"{VM_DIRS['tower-a']}/etcd-a/"
    assert {name for name in cluster.machines["tower-a"].files if name.startswith(below)} == {path}


def test_guests_beside_ours_are_left_alone(cluster: Cluster) -> None:
    beside = Domain(
        "windows", "qemu", "<domain type='kvm'>\n <name>windows</name>\n</domain>", "running", "booted", True
    )
    cluster.machines["tower-a"].domains["windows"] = beside
    kept = replace(beside)
    assert cluster.session().apply(yes).status == "done"
    assert keys(cluster) == []
    assert cluster.machines["tower-a"].domains["windows"] == kept


def test_data_of_another_cluster_is_never_wiped(cluster: Cluster) -> None:
    pi = cluster.machines["pi"]
    other = {
        f"{ETCD_DIR}/data/member/snap/db": File(b'{"cluster": 1, "member": 2}', 0o600, "etcd:etcd"),
        f"{ETCD_DIR}/wizard": File(b"lineage=0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21\nmember=pi\n"),
    }
    pi.files.update(other)
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    assert any(item.startswith("etcd.foreign pi") for item in bad(result.findings)), bad(result.findings)
    assert {path: pi.files[path] for path in other} == other
    assert not any(run.script.startswith("do/etcd") for one in cluster.machines.values() for run in one.ran)


# --- members that come back empty


def rebuilt(name: str) -> Break:
    """Somebody removed the guest with its disks."""

    def do(cluster: Cluster) -> None:
        cluster.lose_guest(name)

    return do


def disk_replaced(cluster: Cluster) -> None:
    """The Pi got a new disk."""
    pi = cluster.machines["pi"]
    for path in [path for path in pi.files if path.startswith("/mnt/usb/")]:
        del pi.files[path]


@pytest.mark.parametrize(
    ("name", "broken"), [("etcd-a", rebuilt("etcd-a")), ("etcd-b", rebuilt("etcd-b")), ("pi", disk_replaced)]
)
def test_a_member_without_data_joins_anew_as_a_learner(done: Cluster, name: str, broken: Break) -> None:
    before, picture = done.etcd(), done.picture()
    old = next(one.id for one in before.members.values() if one.name == name)
    broken(done)
    plan, _ = done.session().plan()
    found = {change.key: change for step in plan.steps for change in step.changes}
    assert f"replace:{name}" in found
    result = done.session().apply(yes)
    assert result.status == "done", [error.why for error in result.errors] + bad(result.findings)
    after = done.etcd()
    assert after is before, "the cluster is the same one"
    assert {one.name for one in after.voters} == set(MEMBERS)
    assert old in after.removed
    assert keys(done) == []
    assert done.session().doctor().verdict == "ok"
    assert done.picture()["etcd"] == picture["etcd"]
    started = [run.script for run in done.machines[name].ran]
    assert "do/etcd-start" in started


@pytest.mark.parametrize("other", ["etcd-b", "pi"])
def test_with_no_quorum_left_nothing_is_replaced_nor_changed(done: Cluster, other: str) -> None:
    """A member lost its data, and another is not there: to take out the first would leave one of three."""
    rebuilt("etcd-a")(done)
    no_power("tower-b" if other == "etcd-b" else "pi")(done)
    listed = sorted(done.etcd().members)
    result = done.session().apply(yes)
    assert result.status == "failed"
    cluster = next(one for one in done.world.clusters.values() if one.formed)
    assert sorted(cluster.members) == listed, "the list of members was changed without a quorum"
    assert cluster.removed == set()


def test_members_that_run_are_not_disturbed_while_another_is_away(done: Cluster) -> None:
    """New timers want a restart of every member; with one of them down no other one is taken down for it."""
    spec = replace(done.spec, etcd=replace(done.spec.etcd, heartbeat_ms=500, election_ms=5000))
    no_power("pi")(done)
    settle(done.world)
    before = {name: list(done.machines[name].ran) for name in ("etcd-a", "etcd-b")}
    result = done.session(spec).apply(yes)
    assert result.status == "failed"
    for name in before:
        new = done.machines[name].ran[len(before[name]) :]
        assert not any(run.script == "do/etcd-start" and dict(run.args)["action"] == "restart" for run in new)
    assert done.etcd().leader


def test_new_timers_go_round_one_member_at_a_time(done: Cluster) -> None:
    spec = replace(done.spec, etcd=replace(done.spec.etcd, heartbeat_ms=500, election_ms=5000))
    done.events.clear()
    low: list[int] = []

    def watch(_host: str, _what: str) -> None:
        low.append(len(done.etcd().running))

    done.hosts.faults.watch = watch
    result = done.session(spec).apply(yes)
    assert result.status == "done", bad(result.findings)
    assert min(low) >= 2
    ends = [
        event.change
        for event in done.events
        if isinstance(event, ChangeFinished) and event.change.startswith("restart:")
    ]
    assert sorted(ends) == sorted(f"restart:{name}" for name in MEMBERS)
    assert done.session(spec).plan()[0].changes == 0


# --- clocks, certificates


def test_with_the_pis_clock_in_the_past_no_certificate_isbuilt(cluster: Cluster) -> None:
    cluster.machines["pi"].skew = -3 * 365 * 86400.0
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    assert cluster.secrets.get("etcd/ca.key") is None
    assert cluster.secrets.get("etcd/pi.crt") is None
    assert not any(run.script.startswith("do/etcd") for one in cluster.machines.values() for run in one.ran)
    cluster.machines["pi"].skew = 0.0
    assert cluster.session().apply(yes).status == "done"


def test_a_key_that_others_can_read_is_put_right(done: Cluster) -> None:
    path = "/etc/etcd/pki/member.key"
    done.machines["pi"].files[path] = replace(done.machines["pi"].files[path], mode=0o644)
    assert "configure:pi" in keys(done)
    assert done.session().apply(yes).status == "done"
    assert done.machines["pi"].files[path].mode == 0o600
    assert keys(done) == []


def test_secrets_that_were_lost_are_not_made_anew_beside_those_in_use(done: Cluster) -> None:
    """Another authority on one member would cut it off from the others."""
    held = {name: file.content for name, file in done.machines["etcd-a"].files.items() if "/pki/" in name}
    done.secrets.put({"etcd/etcd-a.crt": Secret("not a certificate")})
    result = done.session().apply(yes)
    assert result.status == "done", bad(result.findings)
    assert done.machines["etcd-a"].files["/etc/etcd/pki/ca.crt"].content == held["/etc/etcd/pki/ca.crt"]
    assert len(done.etcd().running) == 3


# --- what the spec no longer has


def test_a_machine_that_left_the_spec_goes_only_by_name(done: Cluster) -> None:
    text = [line for line in _spec_lines(done) if "server-a" not in line]
    spec = parsed("\n".join(text))
    plan, _ = done.session(spec).plan()
    change, address, node, dns = [change for step in plan.steps for change in step.changes]
    assert (change.key, address.key) == ("remove:server-a", "address:server-b"), "the address has a peer less"
    assert node.summary.startswith("Remove server-a from the cluster")
    assert dns.summary == "Run CoreDNS once"
    assert any("server-a" in one for one in change.destroys)
    assert done.session(spec).apply(lambda *_: False).stopped
    assert "server-a" in done.machines["tower-a"].domains
    assert done.session(spec).apply(yes).status == "done"
    assert "server-a" not in done.machines["tower-a"].domains
    assert not any("/server-a/" in path for path in done.machines["tower-a"].files)


def _spec_lines(cluster: Cluster) -> list[str]:
    from tests.practice.cluster import cluster_text

    return cluster_text(cluster.folder / "key").splitlines()


def test_a_larger_machine_is_given_its_size_and_keeps_its_data(done: Cluster) -> None:
    before = done.etcd()
    spec = parsed(
        "\n".join(_spec_lines(done)).replace(
            "memory: 1GiB, disk: 8GiB, data_disk: 2GiB", "memory: 2GiB, disk: 8GiB, data_disk: 2GiB"
        )
    )
    result = done.session(spec).apply(yes)
    assert result.status == "done", bad(result.findings)
    assert done.session(spec).plan()[0].changes == 0
    assert done.etcd() is before
    assert before.removed == set()
