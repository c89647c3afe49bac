"""The backup of etcd on the simulated homelab: set up, made, kept, missed, mended, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from steps.backup import Backup
from tests.practice.cluster import Cluster, built, yes
from tests.practice.k3s_site import MACHINES, STORY
from wizard.core.check import Finding, Status
from wizard.core.events import event_json
from wizard.core.secrets import MemorySecrets
from wizard.core.spec.model import BackupSpec
from wizard.core.step import Step
from wizard.payload.etcd_backup import KEY, NAME, RECEIVER, RECEIVER_UNRAID, SERVICE, TOKEN
from wizard.practice.machine import File
from wizard.practice.world import BACKUPS

FOLDER = f"{BACKUPS}/etcd-loop"
KEYS = {"tower-a": "/root/.ssh/authorized_keys", "tower-b": "/boot/config/ssh/root/authorized_keys"}
OTHER = {"etcd-a": "tower-b", "etcd-b": "tower-a"}
SOMEBODY = b"ssh-ed25519 AAAA anna@laptop"


class Alone(Backup):
    """The step by itself: what it needs is there."""

    needs = ()


ALL: tuple[Step, ...] = (*STORY, Backup())
ONLY: tuple[Step, ...] = (Alone(),)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A homelab with K3s; its spec wants backups from now on, and somebody logs in on the hypervisors."""
    cluster = built(Cluster.fresh(tmp_path_factory.mktemp("backup"), machines=MACHINES), steps=STORY)
    cluster.spec = replace(cluster.spec, backup=BackupSpec(BACKUPS, "30 3 * * *", 3))
    for host, path in KEYS.items():
        cluster.machines[host].files[path] = File(SOMEBODY, 0o600)
    return cluster


@pytest.fixture
def blank(nodes: Cluster) -> Cluster:
    """The same, for one test alone."""
    return nodes.clone()


@pytest.fixture(scope="module")
def backed(nodes: Cluster) -> Cluster:
    """With backups."""
    return built(nodes.clone(), steps=ONLY)


@pytest.fixture
def done(backed: Cluster) -> Cluster:
    """The same, for one test alone."""
    return backed.clone()


def planned(cluster: Cluster, steps: Sequence[Step] = ONLY) -> list[str]:
    plan, _ = cluster.session(steps=steps).plan()
    assert not plan.errors, plan.errors
    return [change.key for step in plan.steps for change in step.changes]


def asked(cluster: Cluster, steps: Sequence[Step]) -> int:
    """How many requests a plan takes."""
    before = sum(one.requests for one in cluster.machines.values())
    planned(cluster, steps)
    return sum(one.requests for one in cluster.machines.values()) - before


def findings(cluster: Cluster, steps: Sequence[Step] = ONLY) -> dict[tuple[str, str], Finding]:
    report = cluster.session(steps=steps).doctor()
    return {(one.check, one.host): one for one in report.findings if one.check.startswith("backup.")}


def bad(cluster: Cluster) -> dict[tuple[str, str], tuple[Status, str]]:
    """What is not as it should be, and what explains it."""
    return {
        at: (one.status, one.explained_by)
        for at, one in findings(cluster).items()
        if one.status is not Status.PASS
    }


def kept(cluster: Cluster, host: str) -> list[str]:
    return sorted(path for path in cluster.machines[host].files if path.startswith(f"{FOLDER}/"))


def make(cluster: Cluster, member: str, times: int = 1) -> None:
    """As the timer does, a minute apart."""
    for number in range(times):
        op = f"by-hand-{len(cluster.machines[member].ran)}-{number}"
        cluster.hosts[member].do("do/backup-run", op=op, timeout=1)


def back_date(cluster: Cluster, member: str, hours: float) -> None:
    """Its backups were made so long ago, and it knows of none."""
    host = cluster.machines[OTHER[member]]
    for path in kept(cluster, host.name):
        at = datetime.now(UTC) - timedelta(hours=hours)
        host.files[f"{FOLDER}/etcd-loop-{member}-{at:%Y%m%dT%H%M%SZ}.tar.cms"] = host.files.pop(path)


def test_without_backups_in_the_spec_nobody_is_asked(nodes: Cluster) -> None:
    cluster = nodes.clone()
    cluster.spec = replace(cluster.spec, backup=None)
    assert (planned(cluster), findings(cluster)) == ([], {})
    assert asked(cluster, ONLY) == asked(cluster, ())


def test_each_member_is_backed_up_to_the_other_hypervisor_at_once(blank: Cluster) -> None:
    assert planned(blank) == [
        *("keys", "store:tower-a", "store:tower-b"),
        *("timer:etcd-a", "now:etcd-a", "timer:etcd-b", "now:etcd-b"),
    ]
    assert blank.session(steps=ONLY).apply(yes).status == "done"
    for member, host in OTHER.items():
        (path,) = kept(blank, host)
        assert path.startswith(f"{FOLDER}/etcd-loop-{member}-")
        assert NAME in blank.machines[member].timers
        service = blank.machines[member].files[SERVICE].content.decode()
        assert f"loop {member} ssh://root@{blank.machines[host].address}:22\n" in service
        lines = blank.machines[host].files[KEYS[host]].content.splitlines()
        assert lines[0] == SOMEBODY, "who could log in before still can"
        assert len(lines) == 2 and lines[1].startswith(b'restrict,command="sh /')
    assert RECEIVER in blank.machines["tower-a"].files
    assert RECEIVER_UNRAID in blank.machines["tower-b"].files, "its flash drive lasts, its root does not"
    assert planned(blank) == []
    assert bad(blank) == {}
    assert "1 of 3 are kept" in findings(blank)["backup.age", "etcd-a"].detail


def test_the_witness_makes_none(backed: Cluster) -> None:
    assert NAME not in backed.machines["pi"].timers
    assert {host for _, host in findings(backed)} == {"etcd-a", "etcd-b", "tower-a", "tower-b"}


def test_the_token_goes_along_and_no_secret_is_told(backed: Cluster) -> None:
    assert isinstance(backed.secrets, MemorySecrets)
    token = backed.secrets.values["k3s/token"].reveal()
    assert backed.machines["etcd-a"].files[TOKEN] == File(f"{token}\n".encode(), 0o600)
    told = "".join(str(event_json(event)) for event in backed.events) + str(backed.states[-1])
    plan, _ = (
        backed.clone().session(replace(backed.spec, backup=BackupSpec(BACKUPS, "@daily", 3)), ONLY).plan()
    )
    told += "".join(change.preview for step in plan.steps for change in step.changes)
    hidden = [
        value.reveal() for name, value in backed.secrets.values.items() if not name.endswith((".pub", ".crt"))
    ]
    assert len(hidden) > 3
    assert not [value for value in hidden if value in told]
    reads = backed.secrets.values["backup"].reveal().encode()
    held = [one.content for machine in backed.machines.values() for one in machine.files.values()]
    assert not any(reads in content for content in held), "what reads backups is on no machine"


def test_another_schedule_is_taken_up_and_proven(done: Cluster) -> None:
    done.spec = replace(done.spec, backup=BackupSpec(BACKUPS, "@hourly", 3))
    assert planned(done) == ["timer:etcd-a", "now:etcd-a", "timer:etcd-b", "now:etcd-b"]
    assert done.session(steps=ONLY).apply(yes).status == "done"
    assert planned(done) == []


def test_the_newest_are_kept(done: Cluster) -> None:
    back_date(done, "etcd-a", 1)
    oldest = kept(done, "tower-b")
    host = done.machines["tower-b"]
    for minute in (10, 20):
        at = datetime.now(UTC) - timedelta(minutes=minute)
        host.files[f"{FOLDER}/etcd-loop-etcd-a-{at:%Y%m%dT%H%M%SZ}.tar.cms"] = File(b"x")
    host.files[f"{FOLDER}/mine.txt"] = File(b"of a person")
    make(done, "etcd-a")
    left = kept(done, "tower-b")
    assert len(left) == 4 and f"{FOLDER}/mine.txt" in left
    assert not set(oldest) & set(left)


def test_a_share_that_is_not_mounted_is_told_and_nothing_falls_beside_it(done: Cluster) -> None:
    host = done.machines["tower-b"]
    for path in kept(done, "tower-b"):
        del host.files[path]
    host.folders.discard(FOLDER)
    make_fails(done, "etcd-a")
    assert bad(done) == {
        ("backup.folder", "tower-b"): (Status.FAIL, ""),
        ("backup.failed", "etcd-a"): (Status.FAIL, "backup.folder"),
        ("backup.age", "etcd-a"): (Status.FAIL, "backup.folder"),
    }
    assert planned(done) == ["now:etcd-a"]
    assert done.session(steps=ONLY).apply(yes).status == "failed"
    assert not kept(done, "tower-b")
    host.folders.add(FOLDER)
    assert done.session(steps=ONLY).apply(yes).status == "done"
    assert bad(done) == {}


def make_fails(cluster: Cluster, member: str) -> None:
    make(cluster, member)
    assert cluster.machines[member].operations
    assert f"{member}" in findings(cluster)["backup.failed", member].detail


def test_a_folder_that_was_never_there_stops_it_before_anything_is_done(blank: Cluster) -> None:
    blank.machines["tower-b"].folders.discard(BACKUPS)
    result = blank.session(steps=ONLY).apply(yes)
    assert (result.status, result.changes) == ("failed", 0)
    assert "tower-b has no folder /mnt/user/backups" in result.unmet[0].what
    assert result.unmet[0].do == (f"ssh root@{blank.machines['tower-b'].address} mkdir -p {BACKUPS}",)


def test_a_full_disk_takes_no_more_and_is_told_before_that(done: Cluster) -> None:
    done.machines["tower-b"].full.add(FOLDER)
    make(done, "etcd-a")
    assert bad(done) == {
        ("backup.room", "tower-b"): (Status.WARN, ""),
        ("backup.failed", "etcd-a"): (Status.FAIL, ""),
    }
    assert "is it full?" in findings(done)["backup.failed", "etcd-a"].evidence


def test_an_old_backup_is_told_with_its_age_and_what_explains_it(done: Cluster) -> None:
    back_date(done, "etcd-a", 47)
    assert bad(done) == {}
    back_date(done, "etcd-a", 49)
    (finding,) = (one for one in findings(done).values() if one.status is not Status.PASS)
    assert (finding.check, finding.status, finding.explained_by) == ("backup.age", Status.WARN, "")
    assert "2 days ago" in finding.detail
    done.machines["etcd-a"].timers.discard(NAME)
    assert bad(done) == {
        ("backup.timer", "etcd-a"): (Status.FAIL, ""),
        ("backup.age", "etcd-a"): (Status.WARN, "backup.timer"),
    }
    assert done.session(steps=ONLY).apply(yes).status == "done"
    assert bad(done) == {}


def test_what_was_missed_while_the_guest_was_off_is_made_up_for(done: Cluster) -> None:
    notes = "/var/lib/wizard/etcd-backup/last"
    old = done.machines["etcd-a"].files[notes].content.split(b" ", 1)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    done.machines["etcd-a"].files[notes] = File(f"{long_ago.timestamp():.0f} ".encode() + old[1], 0o600)
    back_date(done, "etcd-a", 72)
    assert bad(done) == {}
    assert len(kept(done, "tower-b")) == 2


@pytest.mark.parametrize(
    ("host", "path", "check", "keys"),
    [
        ("etcd-a", KEY, ("backup.timer", "etcd-a"), ["timer:etcd-a", "now:etcd-a"]),
        ("tower-b", RECEIVER_UNRAID, ("backup.folder", "tower-b"), ["store:tower-b", "now:etcd-a"]),
        ("tower-b", KEYS["tower-b"], ("backup.folder", "tower-b"), ["store:tower-b", "now:etcd-a"]),
    ],
)
def test_what_was_taken_away_is_told_and_put_back(
    done: Cluster, host: str, path: str, check: tuple[str, str], keys: list[str]
) -> None:
    del done.machines[host].files[path]
    assert bad(done) == {check: (Status.FAIL, "")}
    assert planned(done) == keys
    assert done.session(steps=ONLY).apply(yes).status == "done"
    assert (bad(done), planned(done)) == ({}, [])


def test_a_hypervisor_that_shows_another_key_is_not_trusted_until_the_next_apply(done: Cluster) -> None:
    files = done.machines["etcd-a"].files
    known = files["/etc/homelab/backup/known_hosts"]
    files["/etc/homelab/backup/known_hosts"] = replace(known, content=known.content[:-9] + b"another=\n")
    make(done, "etcd-a")
    assert "Host key verification failed" in findings(done)["backup.failed", "etcd-a"].evidence
    assert planned(done) == ["timer:etcd-a", "now:etcd-a"]


def test_a_hypervisor_that_is_off_explains_what_cannot_be_seen_of_it(done: Cluster) -> None:
    done.hosts.faults.dead.add("tower-b")
    seen = bad(done)
    assert seen["backup.age", "etcd-a"] == (Status.SKIP, "hosts.reach")
    assert seen["backup.timer", "etcd-a"] == (Status.SKIP, "hosts.reach")
    assert {explained for _, explained in seen.values()} <= {"hosts.reach", "machines.answers"}


def test_taken_out_of_the_spec_the_timers_go_and_the_backups_stay(done: Cluster) -> None:
    there = kept(done, "tower-a") + kept(done, "tower-b")
    done.spec = replace(done.spec, backup=None)
    assert planned(done) == ["untimer:etcd-a", "untimer:etcd-b", "unstore:tower-a", "unstore:tower-b"]
    assert done.session(steps=ONLY).apply(yes).status == "done"
    assert kept(done, "tower-a") + kept(done, "tower-b") == there
    for machine in done.machines.values():
        assert NAME not in machine.timers
        assert not [path for path in machine.files if "/homelab/backup/" in path or "backup-receive" in path]
    assert {done.machines[host].files[path].content for host, path in KEYS.items()} == {SOMEBODY + b"\n"}
    assert planned(done) == []
    assert asked(done, ONLY) == asked(done, ()), "nobody is asked any more"
    done.spec = replace(done.spec, backup=BackupSpec(BACKUPS, "@daily", 3))
    assert len(planned(done)) == 6, "the keys are there still"


@pytest.mark.parametrize("save", range(1, 16))
def test_killed_anywhere_it_is_taken_up_to_the_same_end(blank: Cluster, backed: Cluster, save: int) -> None:
    blank.fail_at, blank.error = len(blank.states) + save, KeyboardInterrupt()
    try:
        blank.session(steps=ONLY).apply(yes)
    except KeyboardInterrupt:
        blank.restarted()
    blank.error = None
    assert blank.session(steps=ONLY).apply(yes).status == "done"
    assert (planned(blank), bad(blank), blank.twice()) == ([], {}, [])
    stamped = {path.rpartition("-")[0] for path in kept(blank, "tower-a") + kept(blank, "tower-b")}
    assert stamped == {path.rpartition("-")[0] for path in kept(backed, "tower-a") + kept(backed, "tower-b")}
