"""The backup of etcd: on the witness, which hands it in to itself here, and on hypervisors, which keep those of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

from tests.recordings.case import Case, Play, do
from tests.recordings.etcd_cases import Member
from tests.recordings.guest_cases import TOWERS
from tests.recordings.recording import Said
from tests.recordings.stage import OP, WORK, Stage
from wizard.core.secret import Secret
from wizard.payload.certificates import make_recipient
from wizard.payload.etcd_backup import (
    KEY,
    NAME,
    SETTINGS,
    Handed,
    Store,
    authorized_line,
    member_files,
    receiver_text,
)
from wizard.payload.etcd_files import MemberFile, bundle
from wizard.payload.ssh_keys import key_pair

TARGET = f"{WORK}/share"
CLUSTER, MEMBER = "recordings", "pi"
SECONDS = 90.0
_NOW = datetime.now(UTC)


@cache
def keys() -> tuple[Secret, Secret]:
    """Of the member: private and public."""
    return key_pair(f"{NAME} {CLUSTER} {MEMBER}")


def store_of(stage: Stage) -> Store:
    """The stage itself, as it keeps backups."""
    return Store(TARGET, CLUSTER, "root", stage.host.address, unraid=stage.kind == "unraid")


def args_of(store: Store) -> dict[str, str]:
    """Of both scripts that are about a store."""
    return {
        "cluster": CLUSTER,
        "user": "root",
        "target": TARGET,
        "folder": store.folder,
        "script": store.receiver,
    }


def admit(stage: Stage, number: int = 1, action: str = "admit") -> Said:
    """do/backup-store."""
    store = store_of(stage)
    line = authorized_line(store, MEMBER, 2, keys()[1].reveal())
    files = [
        MemberFile(store.receiver, Secret(receiver_text()), "755"),
        MemberFile("keys", Secret(f"{line}\n"), "600"),
    ]
    payload = bundle(files).reveal().encode() if action == "admit" else b""
    args = {"action": action, **args_of(store)}
    return do(stage, args, f"{OP}-store-{number}", "do/backup-store", payload=payload, seconds=SECONDS)


@contextmanager
def kept(stage: Stage) -> Iterator[None]:
    """There is a folder, and the member may hand in; nobody may afterwards."""
    stage.write(f"{TARGET}/neighbour", b"")
    try:
        assert admit(stage).exit_code == 0
        yield
    finally:
        admit(stage, 99, "refuse")


def read_store(stage: Stage) -> Said:
    return stage.run("read/backup-store", args_of(store_of(stage)))


def store_nothing(stage: Stage) -> Said:
    return read_store(stage)


def store_admitted(stage: Stage) -> Said:
    with kept(stage):
        stage.write(
            f"{store_of(stage).folder}/etcd-recordings-pi-20261128T033000Z.tar.cms", b"a backup\n", 0o600
        )
        return read_store(stage)


def admit_new(stage: Stage) -> Said:
    stage.write(f"{TARGET}/neighbour", b"")
    try:
        return admit(stage)
    finally:
        admit(stage, 99, "refuse")


def admit_again(stage: Stage) -> Said:
    with kept(stage):
        return admit(stage, 2)


def admit_no_target(stage: Stage) -> Said:
    return admit(stage)


def admit_gone(stage: Stage) -> Said:
    with kept(stage):
        stage.remove(store_of(stage).folder)
        return admit(stage, 2)


def refused(stage: Stage) -> Said:
    with kept(stage):
        said = admit(stage, 2, "refuse")
        assert not stage.exists(store_of(stage).receiver)
        return said


# --- on a member


def timer(stage: Stage, action: str, number: int = 1) -> Said:
    """do/timer, of the backup."""
    (_, host_key), *_ = [
        line.split("=", 1) for line in read_store(stage).stdout.splitlines() if line.startswith("|hostkey=")
    ]
    certificate = make_recipient("recordings", _NOW).certificate
    handed = Handed(
        CLUSTER, MEMBER, store_of(stage).url, host_key, "@daily", certificate, Secret("a token"), keys()[0]
    )
    payload = bundle(member_files(handed)).reveal().encode() if action == "install" else b""
    args = {"action": action, "name": NAME, "settings": SETTINGS}
    return do(stage, args, f"{OP}-timer-{number}", "do/timer", payload=payload, seconds=SECONDS)


def make(stage: Stage, number: int = 1) -> Said:
    """do/backup-run."""
    return do(stage, {}, f"{OP}-run-{number}", "do/backup-run", seconds=SECONDS)


@contextmanager
def timed(stage: Stage) -> Iterator[None]:
    """etcd runs, and its backup is set up."""
    Member(stage).up()
    try:
        assert timer(stage, "install").exit_code == 0
        yield
    finally:
        timer(stage, "remove", 99)


def read_member(stage: Stage) -> Said:
    return stage.run("read/backup", {})


def member_nothing(stage: Stage) -> Said:
    return read_member(stage)


def member_made(stage: Stage) -> Said:
    with kept(stage), timed(stage):
        assert make(stage).stdout.startswith("kept ")
        return read_member(stage)


def member_failed(stage: Stage) -> Said:
    with timed(stage):
        make(stage)
        return read_member(stage)


def timer_installed(stage: Stage) -> Said:
    try:
        return timer(stage, "install")
    finally:
        timer(stage, "remove", 99)


def timer_removed(stage: Stage) -> Said:
    with timed(stage):
        said = timer(stage, "remove", 2)
        assert not stage.exists(KEY), "its key was left behind"
        return said


def run_kept(stage: Stage) -> Said:
    with kept(stage), timed(stage):
        return make(stage)


def run_no_folder(stage: Stage) -> Said:
    with kept(stage), timed(stage):
        stage.remove(store_of(stage).folder)
        return make(stage)


def _on_pi(script: str, name: str, play: Play, *, tool: bool = False) -> Case:
    return Case(script, name, play, hosts=("pi",), tool=tool)


BACKUP_CASES = (
    Case("read/backup-store", "nothing", store_nothing, hosts=TOWERS),
    Case("read/backup-store", "admitted", store_admitted, hosts=TOWERS),
    Case("do/backup-store", "new", admit_new, hosts=TOWERS),
    Case("do/backup-store", "again", admit_again, hosts=TOWERS),
    Case("do/backup-store", "no-target", admit_no_target, hosts=TOWERS),
    Case("do/backup-store", "gone", admit_gone, hosts=TOWERS),
    Case("do/backup-store", "refused", refused, hosts=TOWERS),
    _on_pi("do/timer", "backup-installed", timer_installed),
    _on_pi("do/timer", "backup-removed", timer_removed),
    _on_pi("read/backup", "nothing", member_nothing),
    _on_pi("read/backup", "made", member_made),
    _on_pi("read/backup", "failed", member_failed),
    _on_pi("do/backup-run", "kept", run_kept),
    _on_pi("do/backup-run", "no-folder", run_no_folder),
)
"""In the order in which they are recorded."""
