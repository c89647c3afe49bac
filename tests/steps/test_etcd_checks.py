"""What doctor says of the members, and what keeps the step from beginning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from steps.etcd import Etcd
from steps.parse.etcd import parse_etcd
from tests.steps.etcd_world import (
    GONE,
    IDS,
    NAMES,
    NEW,
    Says,
    empty,
    entry,
    healthy,
    histogram,
    lonely,
    running,
    secrets,
    set_up,
    status,
    stopped,
    wanted,
    world,
)
from wizard.core.check import Finding, Level, Status, When
from wizard.core.context import Context
from wizard.core.engine.checks import Assertion, root_causes, run_checks
from wizard.core.errors import HostError
from wizard.core.facts import GIB, Clock, Filesystem, HostFacts, Port
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets
from wizard.core.spec.model import EtcdSpec, WitnessSpec
from wizard.payload.certificates import Pair, make_authority, make_client, make_member

Said = dict[str, Says | HostError | None]


def findings(ctx: Context, when: When = When.AFTER) -> list[Finding]:
    wanted_ = [Assertion("etcd", check) for check in Etcd().checks(ctx) if check.when is when]
    return run_checks(wanted_, ctx, lambda _event: None)


def one(ctx: Context, check: str, host: str = "", when: When = When.AFTER) -> Finding:
    found = [item for item in findings(ctx, when) if item.check == check and item.host == host]
    assert len(found) == 1
    return found[0]


def wrong(ctx: Context, when: When = When.AFTER) -> list[tuple[str, str, Status]]:
    return [
        (item.check, item.host, item.status) for item in findings(ctx, when) if item.status is not Status.PASS
    ]


def says(said: Mapping[str, Says | HostError | None], name: str) -> Says:
    found = said[name]
    assert isinstance(found, Says)
    return found


def test_all_is_well() -> None:
    ctx = world(healthy(secrets()))
    assert wrong(ctx) == []
    assert wrong(ctx, When.BEFORE) == []
    assert one(ctx, "etcd.quorum").detail == "3 of 3 members follow etcd-a."


def test_what_must_hold_before_is_fatal_and_ids_are_the_steps_own() -> None:
    for check in Etcd().checks(world(healthy(secrets()))):
        assert check.id.startswith("etcd.")
        assert check.level is (Level.FATAL if check.when is When.BEFORE else Level.ERROR)


def test_a_spec_without_machines_says_so_and_fails_nothing() -> None:
    ctx = world(healthy(secrets()))
    found = findings(replace(ctx, spec=replace(ctx.spec, machines=())))
    assert {(item.status, item.explained_by) for item in found} == {(Status.SKIP, "")}
    assert "names no machines" in found[0].detail


# --- members away -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_one_member_down_is_one_root_cause_that_names_it(name: str) -> None:
    said: Said = healthy(secrets())
    said[name] = stopped(says(said, name))
    found = findings(world(said))
    assert root_causes(found) == ["etcd.running"]
    failed = [item for item in found if item.status is Status.FAIL]
    assert [item.host for item in failed] == [name]
    assert failed[0].detail == f"etcd on {name} does not run."
    assert "systemctl restart --no-block etcd" in failed[0].fix
    assert {item.explained_by for item in found if item.status is Status.SKIP} == {"etcd.running"}
    assert f"without {name}, no other may be lost" in one(world(said), "etcd.quorum").detail


def test_a_guest_that_does_not_answer_is_explained_by_the_machines() -> None:
    said: Said = healthy(secrets())
    said["etcd-b"] = GONE
    found = findings(world(said))
    assert root_causes(found) == []
    assert {item.explained_by for item in found if item.host == "etcd-b"} == {"machines.answers"}
    off = findings(world(healthy(secrets()), off=("etcd-b",)))
    assert {item.explained_by for item in off if item.host == "etcd-b"} == {"machines.running"}


@pytest.mark.parametrize("how", ["stopped", "gone"])
def test_a_lost_quorum_is_named_as_such(how: str) -> None:
    said: Said = healthy(secrets())
    said["pi"] = lonely(says(said, "pi"))
    for name in ("etcd-a", "etcd-b"):
        said[name] = stopped(says(said, name)) if how == "stopped" else GONE
    found = findings(world(said))
    assert "etcd.quorum" in root_causes(found)
    lost = next(item for item in found if item.check == "etcd.quorum")
    assert lost.detail.startswith("etcd has lost its quorum: 1 of 3 members up, 2 are needed.")
    assert "etcd-a and etcd-b" in lost.cause
    assert len(lost.fix.splitlines()) == 2
    # The one that is up is no cause of anything.
    assert next(i for i in found if (i.check, i.host) == ("etcd.running", "pi")).explained_by == "etcd.quorum"


def test_a_member_that_crashes_tells_etcds_own_reason() -> None:
    said: Said = healthy(secrets())
    log = (
        '{"level":"fatal","msg":"discovery failed","error":"open /etc/etcd/pki/member.key: permission denied"}',
    )
    said["pi"] = replace(
        stopped(says(said, "pi")), active="activating", sub="auto-restart", restarts=4, log=log
    )
    found = one(world(said), "etcd.running", "pi")
    assert found.cause == "discovery failed: open /etc/etcd/pki/member.key: permission denied"


def test_before_the_first_apply_everything_points_to_it() -> None:
    ctx = world({name: empty(name) for name in NAMES}, kept=MemorySecrets(), state=NEW)
    found = findings(ctx)
    assert {item.fix for item in found if item.status is Status.FAIL} == {"wizard apply"}
    assert wrong(ctx, When.BEFORE) == []


def test_two_clusters_are_told_apart() -> None:
    said: Said = healthy(secrets())
    said["pi"] = replace(says(said, "pi"), status=status("pi", cluster=7, leader=IDS["pi"]))
    found = one(world(said), "etcd.quorum")
    assert (found.status, found.detail) == (Status.FAIL, "pi is in another cluster than the others.")
    alone = one(world(said), "etcd.foreign", "pi", When.BEFORE)
    assert (alone.status, alone.level) == (Status.FAIL, Level.FATAL)


def members_are(said: Said, *listed: Mapping[str, object]) -> Context:
    return world({name: replace(says(said, name), members=listed) for name in NAMES})


def test_the_list_of_members_is_held_against_the_spec() -> None:
    said: Said = healthy(secrets())
    three = [entry(name) for name in NAMES]
    stranger = entry("pi", ID=0xD4, name="old", peerURLs=["https://10.0.0.99:2380"])
    found = one(members_are(said, *three, stranger), "etcd.members")
    assert "old is not in the spec" in found.detail
    assert found.fix.endswith("member remove d4")
    for listed, text in (
        (three[:2], "pi is not in it"),
        ([*three[:2], entry("pi", isLearner=True)], "pi is a learner still"),
        ([*three[:2], entry("pi", clientURLs=[])], "pi was never started"),
        (
            [*three[:2], entry("pi", peerURLs=["https://10.0.0.9:2380"])],
            "pi is listed at https://10.0.0.9:2380",
        ),
    ):
        bad = one(members_are(said, *listed), "etcd.members")
        assert (bad.status, bad.fix) == (Status.FAIL, "wizard apply")
        assert text in bad.detail


# --- what members say ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (histogram(9950, 50), Status.PASS),
        (histogram(9000, 1000, 0.032), Status.WARN),
        (histogram(9000, 1000, 0.128), Status.FAIL),
        (histogram(900, 1000, 0.128), Status.PASS),
        ((), Status.SKIP),
    ],
)
def test_the_disk_is_judged_by_its_slowest_hundredth(metrics: tuple[str, ...], expected: Status) -> None:
    said: Said = healthy(secrets())
    said["pi"] = replace(says(said, "pi"), metrics=metrics)
    assert one(world(said), "etcd.fsync", "pi").status is expected


def test_a_slow_witness_may_be_accepted_by_name() -> None:
    said: Said = healthy(secrets())
    said["pi"] = replace(says(said, "pi"), metrics=histogram(9000, 1000, 0.128))
    found = one(world(said, of=wanted(witness=WitnessSpec(accept_slow=True))), "etcd.fsync", "pi")
    assert found.status is Status.PASS
    assert "witness.accept_slow" in found.detail


def test_the_alarm_for_space_comes_with_the_commands_that_end_it() -> None:
    said: Said = healthy(secrets())
    said["pi"] = replace(
        says(said, "pi"), status=status("pi", leader=IDS["etcd-a"], errors=["memberID:195 alarm:NOSPACE "])
    )
    found = one(world(said), "etcd.alarm")
    compact, defrag, disarm = found.fix.splitlines()
    assert compact.endswith("compact 42")
    assert "--endpoints=https://10.0.0.31:2379,https://10.0.0.32:2379,https://10.0.0.13:2379" in defrag
    assert defrag.endswith("defrag")
    assert disarm.endswith("alarm disarm")
    assert all(
        line.startswith("ssh root@10.0.0.31 /usr/local/bin/etcdctl ") for line in found.fix.splitlines()
    )


def test_other_alarms_ask_for_a_replacement() -> None:
    said: Said = healthy(secrets())
    said["pi"] = replace(
        says(said, "pi"), status=status("pi", leader=IDS["etcd-a"], errors=["memberID:195 alarm:CORRUPT "])
    )
    assert "replace it" in one(world(said), "etcd.alarm").fix


@pytest.mark.parametrize(
    ("free", "size", "db", "expected"),
    [
        (7 * GIB, 8 * GIB, GIB, Status.PASS),
        (GIB // 2, 8 * GIB, GIB, Status.WARN),
        (GIB // 2, 2 * GIB, GIB, Status.PASS),
        (GIB // 8, 2 * GIB, GIB, Status.FAIL),
        (7 * GIB, 8 * GIB, int(1.5 * GIB), Status.WARN),
        (7 * GIB, 8 * GIB, int(1.9 * GIB), Status.FAIL),
    ],
)
def test_room_on_the_disk_and_in_the_quota(free: int, size: int, db: int, expected: Status) -> None:
    said: Said = healthy(secrets())
    pi = says(said, "pi")
    said["pi"] = replace(
        pi, data={**pi.data, "free": free, "size": size}, status=status("pi", leader=IDS["etcd-a"], dbSize=db)
    )
    assert one(world(said), "etcd.space", "pi").status is expected


def test_the_witnesss_disk_is_mounted_by_a_name_that_lasts() -> None:
    said: Said = healthy(secrets())
    pi = says(said, "pi")
    said["pi"] = replace(pi, data={**pi.data, "fstab": "none"})
    found = one(world(said), "etcd.boot", "pi")
    assert found.status is Status.WARN
    assert found.fix == (
        "echo 'UUID=1111-2222 /mnt/usb ext4 defaults,noatime,nofail 0 2' | ssh pi@10.0.0.13 sudo tee -a /etc/fstab"
    )
    said["pi"] = replace(pi, enabled=False)
    assert "does not start at boot" in one(world(said), "etcd.boot", "pi").detail


def test_another_version_is_told() -> None:
    said: Said = healthy(secrets())
    said["pi"] = replace(says(said, "pi"), version="3.6.13")
    assert "3.6.13 instead of 3.6.14" in one(world(said), "etcd.installed", "pi").detail


# --- certificates -------------------------------------------------------------------------------------------------


def certified(
    kept: MemorySecrets, *, days: int = 1000, kind: str = "member", address: str = "10.0.0.13"
) -> None:
    """The Pi's certificate as this test wants it, signed by our authority."""
    key, certificate = kept.get("etcd/ca.key"), kept.get("etcd/ca.crt")
    assert key and certificate
    signer = Pair(key, certificate.reveal())
    now = datetime.now(UTC) - timedelta(days=1826 - days)
    if kind == "stranger":
        signer = make_authority("somebody else", now)
    names = ("pi", "pi.home.arpa", "localhost")
    made = (
        make_client(signer, "pi", now)
        if kind == "client"
        else make_member(signer, "pi", (address, "127.0.0.1"), names, now)
    )
    kept.put({"etcd/pi.key": made.key, "etcd/pi.crt": Secret(made.certificate)})


@pytest.mark.parametrize(
    ("changes", "expected", "text"),
    [
        ({}, Status.PASS, "more days"),
        ({"days": 59}, Status.WARN, "ends in 58 days"),
        ({"days": 10}, Status.FAIL, "ends in 9 days"),
        ({"days": -3}, Status.FAIL, "ends in -4 days"),
        ({"address": "10.0.0.99"}, Status.FAIL, "does not name 10.0.0.13"),
        ({"kind": "client"}, Status.FAIL, "not for use by servers"),
        ({"kind": "stranger"}, Status.FAIL, "not signed by the authority"),
    ],
)
def test_certificates_are_looked_at_as_etcd_does(
    changes: dict[str, object], expected: Status, text: str
) -> None:
    kept = secrets()
    certified(kept, **changes)  # type: ignore[arg-type]
    found = one(world(healthy(kept), kept=kept), "etcd.certificates", "pi")
    assert found.status is expected
    assert text in found.detail
    if expected is not Status.PASS:
        assert found.fix == "wizard apply"


def test_a_key_others_may_read_is_told() -> None:
    said: Said = healthy(secrets())
    pi = says(said, "pi")
    path = "/etc/etcd/pki/doctor.key"
    said["pi"] = replace(pi, files={**pi.files, path: (pi.files[path][0], "640", "root:root")})
    assert one(world(said), "etcd.certificates", "pi").detail == f"Others on pi may read {path}."


# --- before anything is touched -----------------------------------------------------------------------------------


def fatal(ctx: Context, check: str, host: str = "") -> Finding:
    found = one(ctx, check, host, When.BEFORE)
    assert (found.status, found.level) == (Status.FAIL, Level.FATAL)
    assert found.fix
    return found


def clock(host: str, offset: float) -> dict[str, HostFacts]:
    base = world(healthy(secrets()))
    return {host: replace(base.facts(host), clock=Clock(1.0, offset, 0.1, False, ""))}


@pytest.mark.parametrize(("host", "fix"), [("pi", "ssh pi@10.0.0.13 sudo"), ("etcd-b", "ssh root@10.0.0.32")])
def test_no_certificate_before_the_clocks_agree(host: str, fix: str) -> None:
    """Row 63: hosts and guests that live in the past."""
    found = fatal(world(healthy(secrets()), changed=clock(host, -86400.0)), "etcd.clocks")
    assert host in found.detail
    assert found.fix.startswith(fix)


def test_data_of_another_cluster_is_never_touched() -> None:
    """Row 69."""
    kept = secrets()
    for marker in ("", "99999999-0000-4000-8000-00000000ffff"):
        said: Said = {"etcd-a": empty("etcd-a"), "etcd-b": empty("etcd-b")}
        made = set_up("pi", kept)
        said["pi"] = replace(made, data={**made.data, "state": "member", "marker": marker})
        found = fatal(world(said, state=NEW), "etcd.foreign", "pi")
        assert "holds data of another cluster" in found.detail


@pytest.mark.parametrize("process", ["etcd", "k3s-server", ""])
def test_a_foreign_program_on_our_ports_is_named(process: str) -> None:
    """Row 66."""
    base = world({name: empty(name) for name in NAMES}, state=NEW)
    pi = replace(base.facts("pi"), ports=(Port("tcp", "0.0.0.0", 2379, process),))
    found = fatal(
        world({name: empty(name) for name in NAMES}, state=NEW, changed={"pi": pi}), "etcd.foreign", "pi"
    )
    assert found.detail == f"Port 2379 of pi is used by {process or 'a program that does not tell its name'}."


def test_the_distributions_running_etcd_is_not_ours() -> None:
    said: Said = {name: empty(name) for name in NAMES}
    said["pi"] = empty("pi", active="active", fragment="/usr/lib/systemd/system/etcd.service")
    assert "not ours" in fatal(world(said, state=NEW), "etcd.foreign", "pi").detail


def test_the_witness_never_writes_to_its_card_unless_the_spec_accepts_it() -> None:
    """Row 61."""
    said: Said = {name: empty(name) for name in NAMES}
    pi = says(said, "pi")
    said["pi"] = replace(pi, data={**pi.data, "root": 1, "mount": "/", "source": "/dev/mmcblk0p2"})
    base = world(said)
    on_card = replace(base.facts("pi"), filesystems=base.facts("pi").filesystems[:1])
    assert "SD card" in fatal(world(said, changed={"pi": on_card}), "etcd.disk", "pi").detail
    elsewhere = replace(on_card, filesystems=(Filesystem("/", "/dev/nvme0n1p2", "ext4"),))
    assert "system disk" in fatal(world(said, changed={"pi": elsewhere}), "etcd.disk", "pi").detail
    accepted = world(said, changed={"pi": on_card}, of=wanted(witness=WitnessSpec(accept_slow=True)))
    assert one(accepted, "etcd.disk", "pi", When.BEFORE).status is Status.PASS


def test_a_guests_disk_must_be_mounted() -> None:
    said: Said = {name: empty(name) for name in NAMES}
    guest = says(said, "etcd-b")
    said["etcd-b"] = replace(guest, data={**guest.data, "root": 1, "mount": "/", "source": "/dev/vda1"})
    assert fatal(world(said), "etcd.disk", "etcd-b").fix == "ssh root@10.0.0.32 mount /var/lib/etcd"


@pytest.mark.parametrize(
    ("version", "text"),
    [("3.4.30", "too old"), ("3.5.9", "too old"), ("3.5.21", "cannot go from"), ("3.8.0", "cannot go from")],
)
def test_versions_that_cannot_be_installed_are_refused(version: str, text: str) -> None:
    assert text in fatal(world(healthy(secrets()), of=wanted(etcd=EtcdSpec(version))), "etcd.version").detail


def test_debians_etcd_only_where_there_is_one_new_enough() -> None:
    said: Said = {name: empty(name) for name in NAMES}
    fits = world(said, of=wanted(etcd=EtcdSpec("3.5.16")), state=NEW)
    assert one(fits, "etcd.version", when=When.BEFORE).status is Status.PASS
    later = wanted(etcd=EtcdSpec("3.5.33"))
    assert (
        fatal(world(said, of=later, state=NEW), "etcd.version").evidence == "Debian has etcd-server 3.5.16-4"
    )
    said = {name: empty(name, package="3.5.34-1") for name in NAMES}
    assert one(world(said, of=later, state=NEW), "etcd.version", when=When.BEFORE).status is Status.PASS
    said["pi"] = empty("pi", package="3.5.16-4")
    assert (
        fatal(world(said, of=later, state=NEW), "etcd.version").detail
        == "There is no package of etcd 3.5.33."
    )


def test_members_that_trust_an_authority_we_lost_are_left_alone() -> None:
    for kept in (MemorySecrets(), secrets()):
        made = make_authority("new", datetime.now(UTC))
        kept.put({"etcd/ca.key": made.key, "etcd/ca.crt": Secret(made.certificate)})
        found = fatal(world(healthy(secrets()), kept=kept), "etcd.authority")
        assert found.detail == "etcd-a and etcd-b and pi trust an authority we have no key of."


def test_too_few_members_with_data_stop_everything() -> None:
    kept = secrets()
    said: Said = {"etcd-a": lonely(running("etcd-a", kept)), "etcd-b": empty("etcd-b"), "pi": empty("pi")}
    found = fatal(world(said), "etcd.survivors")
    assert found.detail == "The data of etcd-b and pi is gone: 1 of 3 members is no quorum."
    assert one(world(said, state=NEW), "etcd.survivors", when=When.BEFORE).status is Status.PASS


def test_hostile_text_of_a_host_is_made_printable() -> None:
    seen = parse_etcd("== log\n|\x1b[31mred\n== data\n|mount=/mnt\x07usb\n")
    assert seen.log == ("\ufffd[31mred",)
    assert seen.data.mount == "/mnt\ufffdusb"


@pytest.mark.parametrize(
    ("may", "status", "detail"),
    [
        ("reads", Status.PASS, "nothing but look"),
        ("everything", Status.FAIL, "Every certificate of etcd may do everything."),
        ("root", Status.FAIL, "The doctor may do everything."),
    ],
)
def test_the_doctor_can_do_nothing_but_look(may: str, status: Status, detail: str) -> None:
    said: Said = healthy(secrets())
    said = {name: replace(says(said, name), rights=may) for name in said}
    found = one(world(said), "etcd.rights")
    assert (found.status, detail in found.detail) == (status, True)
    assert found.fix == ("" if status is Status.PASS else "wizard apply")


def test_what_the_doctor_may_do_is_not_known_without_a_leader() -> None:
    said: Said = {name: stopped(says(healthy(secrets()), name)) for name in NAMES}
    found = one(world(said), "etcd.rights")
    assert (found.status, found.explained_by) == (Status.SKIP, "etcd.quorum")
