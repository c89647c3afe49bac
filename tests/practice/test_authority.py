"""The authority of etcd gives way to a successor: three stages, a quorum at every moment, wherever it is cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steps import etcd_authority
from steps.etcd_authority import DROP_DAYS, SIGN_DAYS, TRUST_DAYS
from steps.etcd_certificates import AUTHORITY, authority, make_missing, named, pending, retiring
from tests.engine.story import KillAt, Killed
from tests.engine.test_cluster_crash import THOROUGH
from tests.practice.cluster import MEMBERS, Cluster, yes
from wizard.core.check import Finding
from wizard.core.secrets import MemorySecrets
from wizard.payload.certificates import AUTHORITY_DAYS, bundled, make_authority, signed_by
from wizard.payload.etcd_config import AUTHORITY as TRUSTED
from wizard.payload.etcd_config import PKI


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def ending(folder: Path, days: int) -> Cluster:
    """A cluster that was installed with an authority that has so many days left."""
    folder.mkdir()
    cluster = Cluster.fresh(folder)
    assert isinstance(cluster.secrets, MemorySecrets)
    begun = datetime.now(UTC) - timedelta(days=AUTHORITY_DAYS - days, hours=-1)
    cluster.secrets.put(named(AUTHORITY, make_authority("loop etcd", begun)))
    make_missing(cluster.secrets, cluster.spec)
    with pytest.MonkeyPatch.context() as years_ago:
        years_ago.setattr(etcd_authority, "TRUST_DAYS", -AUTHORITY_DAYS)
        assert cluster.session().apply(yes).status == "done"
    return cluster


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """All three stages are due, and none was done."""
    return ending(tmp_path_factory.mktemp("late") / "home", DROP_DAYS - 10)


def files(cluster: Cluster, name: str) -> list[str]:
    return [cluster.machines[member].files[f"{PKI}/{name}"].content.decode() for member in MEMBERS]


def planned(cluster: Cluster) -> list[str]:
    plan, _ = cluster.session().plan()
    return [change.key for step in plan.steps for change in step.changes]


def finding(cluster: Cluster) -> Finding:
    (found,) = [one for one in cluster.session().doctor().findings if one.check == "etcd.renewal"]
    return found


def leader_last(cluster: Cluster) -> list[str]:
    """The order in which members are disturbed."""
    etcd = cluster.etcd()
    return sorted(MEMBERS, key=lambda name: name == etcd.members[etcd.leader].name)


def chain(cluster: Cluster, *, restarts: bool) -> list[str]:
    words = ("configure", "restart") if restarts else ("configure",)
    return [f"{word}:{member}" for member in leader_last(cluster) for word in words]


def test_long_before_its_end_nothing_is_done(tmp_path: Path) -> None:
    cluster = ending(tmp_path / "home", TRUST_DAYS + 10)
    assert planned(cluster) == []
    assert finding(cluster).status == "pass"


@pytest.mark.parametrize(("days", "then"), [(TRUST_DAYS - 10, []), (SIGN_DAYS - 10, ["hand-over"])])
def test_a_stage_waits_for_its_day_and_then_nothing_is_left_to_do(
    tmp_path: Path, days: int, then: list[str]
) -> None:
    """The successor is made; what follows only once its day has come."""
    cluster = ending(tmp_path / "home", days)
    assert planned(cluster) == ["successor", *chain(cluster, restarts=True), "prove"]
    assert finding(cluster).status == "warn"
    assert cluster.session().apply(yes).status == "done"
    assert planned(cluster)[:1] == then
    assert pending(cluster.secrets) is not None
    assert finding(cluster).status == ("warn" if then else "pass")
    assert all(len(bundled(text)) == 2 for text in files(cluster, "ca.crt"))


def quorum_kept(cluster: Cluster) -> Callable[[str, str], None]:
    """At every thing a host does, two members or more agree on a leader."""

    def watch(_host: str, _what: str) -> None:
        assert len(cluster.etcd().running) >= 2, "the members were parted"
        assert cluster.etcd().leader

    return watch


def test_the_three_stages_one_apply_each_never_part_the_members(late: Cluster) -> None:
    cluster = late.clone()
    old = authority(cluster.secrets)
    assert old is not None
    cluster.hosts.faults.watch = quorum_kept(cluster)
    for stage, restarts in (("successor", True), ("hand-over", False), ("retire", True)):
        assert planned(cluster) == [stage, *chain(cluster, restarts=restarts), "prove"]
        result = cluster.session().apply(yes)
        assert result.status == "done", [error.why for error in result.errors]
    assert planned(cluster) == []
    new = authority(cluster.secrets)
    assert new is not None
    assert new.certificate != old.certificate
    assert files(cluster, "ca.crt") == [new.certificate] * 3
    for name in ("member.crt", "doctor.crt"):
        assert all(signed_by(text, new.certificate) for text in files(cluster, name))
    assert (pending(cluster.secrets), retiring(cluster.secrets)) == (None, "")
    assert cluster.session().doctor().verdict == "ok"
    assert {TRUSTED} <= set(cluster.machines["pi"].files)


def test_the_next_stage_waits_for_a_member_that_is_away(late: Cluster) -> None:
    cluster = late.clone()
    assert cluster.session().apply(yes).status == "done"
    cluster.machines["pi"].etcd.wanted = False
    assert planned(cluster) == ["start:pi", "prove"]
    found = finding(cluster)
    assert (found.status, "cannot go on" in found.detail) == ("warn", True)


def test_a_member_that_missed_a_stage_is_brought_to_it_first(late: Cluster) -> None:
    cluster = late.clone()
    last = leader_last(cluster)[-1]

    def cut(host: str, what: str) -> None:
        if (host, what) == (last, "do/etcd-configure"):
            raise Killed

    cluster.hosts.faults.watch = cut
    with pytest.raises(Killed):
        cluster.session().apply(yes)
    cluster.restarted()
    servers = [f"{verb}:server-{one}" for one in "ab" for verb in ("configure", "restart")]
    assert planned(cluster) == [f"configure:{last}", f"restart:{last}", "prove", *servers]
    assert cluster.session().apply(yes).status == "done"
    assert planned(cluster)[0] == "hand-over"


@pytest.mark.parametrize("stage", range(3))
def test_killed_at_any_moment_it_goes_on_where_it_was(late: Cluster, stage: int) -> None:
    before = late.clone()
    for _ in range(stage):
        assert before.session().apply(yes).status == "done"
    goal = before.clone()
    count = goal.hosts.faults.watch = KillAt(10**9)
    assert goal.session().apply(yes).status == "done"
    assert isinstance(before.secrets, MemorySecrets)
    for number in range(1, count.seen + 1, 3 if THOROUGH else 15):
        cluster = before.clone()
        cluster.hosts.faults.watch = KillAt(number)
        with pytest.raises(Killed):
            cluster.session().apply(yes)
        cluster.restarted()
        cluster.hosts.faults.watch = quorum_kept(cluster)
        result = cluster.session().apply(yes)
        assert result.status == "done", [error.why for error in result.errors]
        again = stage_of(cluster)
        assert again >= stage_of(goal), f"killed at {number}"
        while planned(cluster):
            assert cluster.session().apply(yes).status == "done"
        assert stage_of(cluster) == 3
        assert len(bundled(files(cluster, "ca.crt")[0])) == 1
        assert cluster.session().doctor().verdict == "ok"


@pytest.mark.parametrize("stage", range(3))
def test_killed_before_any_save_it_goes_on_where_it_was(late: Cluster, stage: int) -> None:
    before = late.clone()
    for _ in range(stage):
        assert before.session().apply(yes).status == "done"
    goal = before.clone()
    began = len(goal.states)
    assert goal.session().apply(yes).status == "done"
    for number in range(began, len(goal.states), 1 if THOROUGH else 6):
        cluster = before.clone()
        cluster.fail_at, cluster.error = number, Killed()
        with pytest.raises(Killed):
            cluster.session().apply(yes)
        cluster.error = None
        cluster.restarted()
        cluster.hosts.faults.watch = quorum_kept(cluster)
        while planned(cluster):
            assert cluster.session().apply(yes).status == "done"
        assert stage_of(cluster) == 3


def stage_of(cluster: Cluster) -> int:
    """How many stages are behind it, as our secrets have it."""
    secrets = cluster.secrets
    if retiring(secrets):
        return 2
    if pending(secrets):
        return 1
    return 3 if secrets.get("etcd/ca-last.crt") else 0
