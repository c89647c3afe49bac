"""A finding mended by the part of its step's own plan that is about it; and what is refused, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from steps import STEPS
from tests.practice.cluster import MACHINES, Cluster, built, without_proxy, yes
from tests.practice.test_cluster_story import guest_off, member_stopped, no_power, rebuilt
from wizard.core.check import Finding, Status
from wizard.core.engine.repair import find_repair
from wizard.core.errors import RefusedError
from wizard.core.spec import ClusterSpec
from wizard.core.state import ChangeStatus
from wizard.practice.etcd_process import PKI

Break = Callable[[Cluster], None]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Everything was made."""
    return built(Cluster.fresh(tmp_path_factory.mktemp("made")))


@pytest.fixture
def storing(tmp_path: Path) -> Cluster:
    """With a guest on each hypervisor that holds copies of volumes."""
    more = MACHINES.replace("name: server-a", "name: storage-a").replace("name: server-b", "name: storage-b")
    more = more.replace("role: server", "role: storage")
    cluster = Cluster.fresh(tmp_path, machines=more)
    assert cluster.session().apply(yes).status == "done"
    return cluster


@pytest.fixture
def done(made: Cluster) -> Cluster:
    """The same, for one test alone."""
    return made.clone()


def found(cluster: Cluster, check: str, host: str = "") -> list[Finding]:
    """What doctor says of a check."""
    report = cluster.session().doctor()
    hits = [
        one
        for one in report.findings
        if one.check == check and one.host == host and one.status in (Status.FAIL, Status.WARN)
    ]
    told = [f"{one.check} {one.host}: {one.detail}" for one in report.findings if one.status is Status.FAIL]
    assert hits, told
    return hits


def holding(cluster: Cluster, check: str) -> Finding:
    """A finding of a check that holds."""
    (one,) = (one for one in cluster.session().doctor().findings if one.check == check)
    assert one.status is Status.PASS
    return one


def refused(cluster: Cluster, findings: list[Finding], spec: ClusterSpec | None = None) -> RefusedError:
    """Why it is not mended; nothing is asked and nothing is done."""
    ran = {name: len(one.ran) for name, one in cluster.machines.items()}
    with pytest.raises(RefusedError) as error:
        cluster.session(spec).repair(findings, lambda *_: pytest.fail("it was asked for"))
    assert {name: len(one.ran) for name, one in cluster.machines.items()} == ran
    assert "safe" in error.value.again
    return error.value


def file_gone(name: str, path: str) -> Break:
    def do(cluster: Cluster) -> None:
        del cluster.machines[name].files[path]

    return do


def readable(cluster: Cluster) -> None:
    files = cluster.machines["etcd-b"].files
    files[f"{PKI}/member.key"] = replace(files[f"{PKI}/member.key"], mode=0o644)


def unguarded(cluster: Cluster) -> None:
    cluster.machines["etcd-b"].timers.clear()


def not_at_boot(cluster: Cluster) -> None:
    cluster.machines["etcd-a"].etcd.enabled = False


def no_autostart(cluster: Cluster) -> None:
    cluster.machines["tower-a"].domains["etcd-a"].autostart = False


def marker_gone(name: str) -> Break:
    def do(cluster: Cluster) -> None:
        del cluster.machines[name].files[cluster.machines[name].marker_path]

    return do


MENDED: dict[str, tuple[Break, str, str, set[str]]] = {
    "a guest is off": (guest_off("etcd-b"), "machines.running", "etcd-b", {"start:etcd-b", "boot:etcd-b"}),
    "a guest is gone": (rebuilt("etcd-a"), "machines.running", "etcd-a", {"create:etcd-a", "boot:etcd-a"}),
    "a guest does not start with its host": (
        no_autostart,
        "machines.autostart",
        "etcd-a",
        {"autostart:etcd-a"},
    ),
    "etcd on a guest was stopped": (member_stopped("etcd-b"), "etcd.running", "etcd-b", {"start:etcd-b"}),
    "etcd on the Pi was stopped": (member_stopped("pi"), "etcd.running", "pi", {"start:pi"}),
    "etcd does not start at boot": (not_at_boot, "etcd.boot", "etcd-a", {"start:etcd-a"}),
    "a key can be read by others": (readable, "etcd.certificates", "etcd-b", {"configure:etcd-b"}),
    "a certificate is gone": (
        file_gone("pi", f"{PKI}/member.crt"),
        "etcd.running",
        "pi",
        {"configure:pi"},
    ),
    "etcd's programs are gone": (
        file_gone("etcd-a", "/usr/local/bin/etcd"),
        "etcd.running",
        "etcd-a",
        {"install:etcd-a"},
    ),
    "a hypervisor has lost its marker": (
        marker_gone("tower-b"),
        "hosts.marker",
        "tower-b",
        {"marker:tower-b"},
    ),
    "the Pi has lost its marker": (marker_gone("pi"), "hosts.marker", "pi", {"marker:pi"}),
    "nobody takes the lead back": (unguarded, "etcd.guard", "etcd-b", {"guard:etcd-b"}),
}
"""How it came, the finding and its machine, and the changes that mend it."""


@pytest.mark.parametrize("name", MENDED)
def test_a_finding_is_mended_by_what_its_step_has_for_it(done: Cluster, name: str) -> None:
    broken, check, host, wanted = MENDED[name]
    broken(done)
    no_autostart_elsewhere = done.machines["tower-b"].domains["server-b"]
    no_autostart_elsewhere.autostart = False
    findings = found(done, check, host)
    shown: set[str] = set()

    def agree(plan: object, _left: object) -> bool:
        shown.update(change.key for step in plan.steps for change in step.changes)  # type: ignore[attr-defined]
        return True

    result = done.session().repair(findings, agree)
    assert wanted <= shown, shown
    assert "autostart:server-b" not in shown, "what is not asked for stays as it is"
    assert not no_autostart_elsewhere.autostart
    assert result.errors == []
    after = [one for one in done.session().doctor().findings if (one.check, one.host) == (check, host)]
    assert [one.status for one in after] == [Status.PASS], [one.detail for one in after]
    assert done.session().apply(yes).status == "done"
    assert done.session().doctor().verdict == "ok"
    assert done.twice() == []


def test_no_is_no(done: Cluster) -> None:
    member_stopped("pi")(done)
    findings = found(done, "etcd.running", "pi")
    states = len(done.states)
    assert done.session().repair(findings, lambda *_: False).stopped
    assert len(done.states) == states, "nothing was begun"


def test_a_member_that_holds_the_quorum_is_not_taken_away(done: Cluster) -> None:
    """New timers want a restart of every member; with the Pi's away each of the others is needed."""
    spec = replace(done.spec, etcd=replace(done.spec.etcd, heartbeat_ms=500, election_ms=5000))
    member_stopped("pi")(done)
    asked = replace(holding(done, "etcd.quorum"), check="etcd.timers", status=Status.FAIL, fix="wizard apply")
    error = refused(done, [asked], spec)
    assert error.why.startswith(("etcd-a", "etcd-b"))
    assert "is one of the 2 members that hold etcd's quorum (2 of 3)" in error.why
    assert "Mend pi first" in error.why
    done.session().repair(found(done, "etcd.running", "pi"), yes)
    assert done.session(spec).repair([asked], yes).status == "done"
    assert done.session(spec).doctor().verdict == "ok"


@pytest.mark.parametrize("up", [1, 2])
def test_the_last_machine_with_copies_is_not_taken_away(storing: Cluster, up: int) -> None:
    """A guest that hangs on another bridge than the spec's is shut down for it."""
    spec = storing.spec
    hosts = tuple(replace(one, bridge="br9") if one.name == "tower-a" else one for one in spec.hosts)
    if up == 1:
        guest_off("storage-b")(storing)
    asked = replace(
        holding(storing, "etcd.quorum"), check="machines.running", step="machines", host="storage-a"
    )
    ctx = storing.session(replace(spec, hosts=hosts)).settled()
    repair = find_repair(STEPS, ctx, [replace(asked, status=Status.FAIL)])
    assert {"redefine:storage-a"} <= {one.key for one in repair.changes} or up == 1
    why = repair.refused.why if repair.refused else ""
    assert ("storage-a is the only machine with copies of your volumes that runs" in why) == (up == 1)


def test_what_comes_of_something_else_is_not_mended_before_it(done: Cluster) -> None:
    no_power("tower-b")(done)
    report = done.session().doctor()
    blind = [one for one in report.findings if one.explained_by == "hosts.reach"]
    assert blind
    failing = [replace(blind[0], status=Status.FAIL)]
    error = refused(done, failing)
    assert "hosts.reach" in error.why
    assert error.do == ("wizard doctor hosts.reach",)


def test_what_the_wizard_cannot_mend_is_told_with_the_command_that_does(done: Cluster) -> None:
    done.etcd().alarms.add("NOSPACE")
    findings = found(done, "etcd.alarm")
    error = refused(done, findings)
    assert error.what == "The wizard has no change that mends this."
    assert "alarm disarm" in "\n".join(error.do)


def test_a_check_that_holds_needs_no_mending(done: Cluster) -> None:
    assert "The check holds" in refused(done, [holding(done, "etcd.quorum")]).why


def test_a_run_that_was_left_goes_on_first(done: Cluster) -> None:
    member_stopped("pi")(done)
    findings = found(done, "etcd.running", "pi")
    state = done.states[-1]
    step = state.step("etcd")
    record = replace(next(iter(step.changes.values())), status=ChangeStatus.IN_FLIGHT)
    done.states.append(state.with_change("etcd", record))
    error = refused(done, findings)
    assert error.do == ("wizard apply",)
    assert "left in the middle" in error.why


def test_a_replacement_says_what_it_destroys(done: Cluster) -> None:
    pi = done.machines["pi"]
    for path in [path for path in pi.files if path.startswith("/mnt/usb/etcd/data")]:
        del pi.files[path]
    pi.etcd.wanted = False
    repair = done.session().find_repair(found(done, "etcd.running", "pi"))
    assert "replace:pi" in {one.key for one in repair.changes}, repair
    assert repair.plan.destroys == 1
    (lost,) = (loss for one in repair.changes for loss in one.destroys)
    assert "of pi in etcd's list of members" in lost
