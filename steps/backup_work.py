"""What is done so that etcd is backed up: keys, who may hand backups in, the timers, and a first backup as the proof."""

from __future__ import annotations

from collections.abc import Callable

from steps.backup_files import ensure_keys, gone, maker_files, store_files
from steps.backup_seen import READ_SECONDS, READ_STORE, store_args
from steps.login import login
from steps.parse.backup import parse_store
from wizard.core.context import Work
from wizard.core.errors import RESUMES, RemoteError
from wizard.core.spec.model import HostSpec
from wizard.payload.etcd_backup import NAME, SETTINGS, Store
from wizard.payload.etcd_files import bundle

COMMAND_SECONDS = 60.0
"""Deadline of what only writes some small files: systemd may be busy, a flash drive is slow."""

RUN_SECONDS = 1860.0
"""Deadline of one backup: its unit gives up after 30 minutes (`wizard.payload.etcd_backup.service_text`)."""

Do = Callable[[Work], str]


def make_keys(work: Work) -> str:
    """Make the keys that are missing."""
    ensure_keys(work.secrets, work.spec)
    return "kept among the secrets"


def admit(store: Store) -> Do:
    """Let the members hand their backups in on the change's host, and make the folder for them.

    Args:
        store: on that host.
    """

    def do(work: Work) -> str:
        files = store_files(work.spec, work.host_name, store, work.secrets)
        args = {"action": "admit", **store_args(store)}
        return work.run("do/backup-store", args, timeout=COMMAND_SECONDS, payload=bundle(files))

    return do


def refuse(store: Store) -> Do:
    """Let nobody hand backups in any more; those that are there stay.

    Args:
        store: on the change's host.
    """

    def do(work: Work) -> str:
        args = {"action": "refuse", **store_args(store)}
        return work.run("do/backup-store", args, timeout=COMMAND_SECONDS)

    return do


def set_up(keeper: HostSpec, store: Store) -> Do:
    """Bring script, timer and keys to the member.

    Args:
        keeper: the hypervisor that keeps its backups.
        store: on that hypervisor.
    """

    def do(work: Work) -> str:
        answer = work.hosts[keeper.name].read(READ_STORE, store_args(store), timeout=READ_SECONDS)
        host_key = parse_store(answer.stdout).host_key
        if not host_key:
            raise _no_host_key(work, keeper)
        backup = work.spec.backup
        files = backup and maker_files(work.spec, backup, work.host_name, store, host_key, work.secrets)
        if not files:
            raise gone(work.host_name)
        args = {"action": "install", "name": NAME, "settings": SETTINGS}
        return work.run("do/timer", args, timeout=COMMAND_SECONDS, payload=bundle(files))

    return do


def take_away(work: Work) -> str:
    """Take script, timer and keys off the member."""
    args = {"action": "remove", "name": NAME, "settings": SETTINGS}
    return work.run("do/timer", args, timeout=COMMAND_SECONDS)


def run_now(keeper: HostSpec) -> Do:
    """Make a backup now: it shows that all of it works, from the snapshot to the disk it lies on.

    Args:
        keeper: the hypervisor that keeps it.
    """

    def do(work: Work) -> str:
        member = work.host_name
        work.progress(f"{member}: a snapshot is taken, encrypted and sent to {keeper.name}", None)
        said = work.run("do/backup-run", timeout=RUN_SECONDS)
        word, _, rest = said.splitlines()[-1].partition(" ") if said else ("", "", "")
        if word != "kept":
            raise _not_made(work, keeper, rest)
        return f"{rest.split(' ')[0]} is on {keeper.name}"

    return do


def _not_made(work: Work, keeper: HostSpec, reason: str) -> RemoteError:
    member = work.spec.machine(work.host_name)
    return RemoteError(
        f"The backup of {member.name} failed.",
        where=f"{member.name}, {NAME}.service; it is kept on {keeper.name}",
        why=f"{reason or 'It gave no reason'}.",
        do=(
            f"ssh root@{member.address} journalctl -u {NAME} -n 20",
            "wizard doctor backup",
            "wizard apply",
        ),
        again=RESUMES,
    )


def _no_host_key(work: Work, keeper: HostSpec) -> RemoteError:
    return RemoteError(
        f"{keeper.name} has no SSH key of its own that a guest could know it by.",
        where=f"{keeper.name}, /etc/ssh/ssh_host_ed25519_key.pub",
        why="Its sshd was set up without a key of the kind ed25519.",
        do=(f"{login(work.spec, keeper)} ssh-keygen -A", "wizard apply"),
        again=RESUMES,
    )
