"""Rows 69 to 72: etcd members with data, certificates or a history that are not right."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from steps.etcd_certificates import authority
from tests.engine.story import Killed
from tests.faults.cluster_site import ClusterSite
from tests.practice.cluster import ETCD_DIR, MEMBERS
from tests.practice.test_cluster_story import disk_replaced, rebuilt
from tests.rows import assert_explained, assert_found, assert_tolerated
from wizard.core.errors import ExitCode
from wizard.core.store.secrets import FileSecrets
from wizard.payload.certificates import Pair, make_authority, make_client, make_member
from wizard.practice.machine import File

FAILED = ExitCode.FAILED
DATA = f"{ETCD_DIR}/data/member/snap/db"
PKI = "/etc/etcd/pki"


# --- 69: data of another cluster


OTHERS_MARK = File(b"lineage=0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21\nmember=pi\n")


@pytest.mark.row("F", 69)
@pytest.mark.parametrize("mark", [None, OTHERS_MARK])
def test_row_f69_data_of_another_cluster_is_never_wiped(grown: ClusterSite, mark: File | None) -> None:
    pi = grown.cluster.machines["pi"]
    pi.files[DATA] = File(b'{"cluster": 1, "member": 2}', 0o600, "etcd:etcd")
    if mark:
        pi.files[f"{ETCD_DIR}/wizard"] = mark
    kept = dict(pi.files)

    def theirs() -> dict[str, File]:
        return {path: file for path, file in pi.files.items() if path.startswith("/mnt/usb/")}

    before = {path: file for path, file in kept.items() if path.startswith("/mnt/usb/")}
    run = grown.apply()
    says = ["data of another cluster", "pi", f"{ETCD_DIR}/data"]
    assert_explained(
        run, exit_code=FAILED, says=says, do=f"mv {ETCD_DIR}/data", unchanged=theirs, before=before
    )
    assert not any("do/etcd" in line for line in grown.guests_and_etcd())


@pytest.mark.row("F", 69)
@pytest.mark.parametrize("broken", [rebuilt("etcd-a"), disk_replaced])
def test_row_f69_a_member_that_lost_its_data_joins_the_same_cluster(
    grown: ClusterSite, broken: Callable[[object], None]
) -> None:
    """Its old entry is still in the list: removed, joined as a learner, promoted; nobody else is touched."""
    grown.applied()
    etcd = grown.cluster.etcd()
    broken(grown.cluster)
    asked = grown.apply()
    assert_explained(asked, exit_code=ExitCode.BAD_SPEC, says=["--yes is not enough"], do="at a terminal")
    grown.agrees = True
    run = grown.apply()
    assert_tolerated(run, shows=["the cluster anew"])
    assert grown.cluster.etcd() is etcd
    assert {one.name for one in etcd.voters} == set(MEMBERS)
    assert len(etcd.removed) == 1
    grown.content()


# --- 70: certificates


def issued(site: ClusterSite, name: str, pair: Pair, what: str = "member") -> None:
    """A certificate that somebody put there."""
    files = site.cluster.machines[name].files
    for path, text in ((f"{PKI}/{what}.crt", pair.certificate), (f"{PKI}/{what}.key", pair.key.reveal())):
        files[path] = replace(files[path], content=text.encode())


def ours(site: ClusterSite) -> Pair:
    found = authority(FileSecrets(site.folder.secrets))
    assert found is not None
    return found


def wrong_address(site: ClusterSite) -> None:
    issued(site, "etcd-b", make_member(ours(site), "etcd-b", ["10.213.99.99"], ["etcd-b"], datetime.now(UTC)))


def expired(site: ClusterSite) -> None:
    addresses = ["10.213.99.32", "127.0.0.1"]
    begun = datetime.now(UTC) - timedelta(days=3000)
    issued(site, "etcd-b", make_member(ours(site), "etcd-b", addresses, ["etcd-b", "localhost"], begun))


def another_authority(site: ClusterSite) -> None:
    other = make_authority("somebody else", datetime.now(UTC))
    issued(
        site,
        "etcd-b",
        make_member(other, "etcd-b", ["10.213.99.32", "127.0.0.1"], ["etcd-b"], datetime.now(UTC)),
    )


def server_only(site: ClusterSite) -> None:
    issued(site, "etcd-b", make_client(ours(site), "etcd-b", datetime.now(UTC)))


def open_key(site: ClusterSite) -> None:
    files = site.cluster.machines["etcd-b"].files
    files[f"{PKI}/member.key"] = replace(files[f"{PKI}/member.key"], mode=0o644)


@pytest.mark.row("F", 70)
@pytest.mark.parametrize("harm", [wrong_address, expired, another_authority, server_only, open_key])
def test_row_f70_a_certificate_that_will_not_do(
    grown: ClusterSite, harm: Callable[[ClusterSite], None]
) -> None:
    grown.applied()
    harm(grown)
    assert_found(grown.doctor(), "etcd.certificates", says=["etcd-b"], fix="wizard apply", status="fail")
    run = grown.apply()
    assert run.exit_code == ExitCode.OK, run.stderr
    grown.content()
    assert len(grown.cluster.etcd().running) == 3


# --- 71: an alarm, a member that is away


@pytest.mark.row("F", 71)
def test_row_f71_no_space_left_in_the_database(grown: ClusterSite) -> None:
    grown.applied()
    grown.cluster.etcd().alarms.add("NOSPACE")
    run = grown.doctor()
    assert_found(run, "etcd.alarm", says=["NOSPACE"], fix="etcdctl", status="fail")
    assert "etcd.alarm" in json.loads(run.stdout)["root_causes"]


def restarts(site: ClusterSite) -> list[str]:
    return [
        name
        for name, machine in site.cluster.machines.items()
        for run in machine.ran
        if run.script == "do/etcd-start" and dict(run.args)["action"] == "restart"
    ]


@pytest.mark.row("F", 71)
def test_row_f71_no_member_is_taken_down_while_another_is_away(grown: ClusterSite) -> None:
    grown.applied()
    grown.cluster.machines["pi"].etcd.wanted = False
    grown.cluster.machines["pi"].full.add("/mnt/usb")
    grown.write(
        lambda text: text.replace(
            "etcd: {version: 3.6.14}", "etcd: {version: 3.6.14, heartbeat_ms: 500, election_ms: 5000}"
        )
    )
    run = grown.apply()
    assert_explained(
        run, exit_code=FAILED, says=["pi"], do="wizard apply", unchanged=lambda: restarts(grown), before=[]
    )
    etcd = grown.cluster.etcd()
    assert etcd.leader, "it goes on taking writes"
    assert len(etcd.running) == 2


@pytest.mark.row("F", 71)
def test_row_f71_without_a_quorum_nothing_is_changed(grown: ClusterSite) -> None:
    grown.applied()
    rebuilt("etcd-a")(grown.cluster)
    grown.cluster.hosts.faults.dead.add("pi")
    (cluster,) = (one for one in grown.cluster.world.clusters.values() if one.formed)
    run = grown.apply()
    assert_explained(
        run,
        exit_code=ExitCode.UNREACHABLE,
        says=["pi"],
        do="Is pi switched on",
        unchanged=lambda: (len(cluster.members), cluster.removed),
        before=(3, set()),
    )


# --- 72: half formed


@pytest.mark.row("F", 72)
@pytest.mark.parametrize("member", MEMBERS)
def test_row_f72_a_cluster_that_was_half_formed_is_formed_by_the_next_run(
    grown: ClusterSite, member: str
) -> None:
    """One of three was started and has data when the wizard dies: it goes on with that data, nothing is wiped."""

    def die(host: str, what: str) -> None:
        if (host, what) == (member, "after do/etcd-start") or grown.cluster.machines[member].etcd.wanted:
            raise Killed

    grown.cluster.hosts.faults.watch = die
    with pytest.raises(Killed):
        grown.apply()
    grown.cluster.restarted()
    started = [name for name in MEMBERS if grown.cluster.machines[name].etcd.wanted]
    assert member in started
    assert_tolerated(grown.apply())
    etcd = grown.cluster.etcd()
    assert (len(etcd.voters), len(etcd.running), etcd.removed) == (3, 3, set())
    assert not any(
        script in line for line in grown.guests_and_etcd() for script in ("etcd-aside", "etcd-member")
    )
    assert grown.cluster.twice() == []
    grown.content()
