"""What is done on the members: installing, setting up, starting, replacing, proving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace as replace_

from steps.etcd_certificates import make_missing
from steps.etcd_files import all_files
from steps.etcd_seen import READ, READ_SECONDS, Place, packaged, places, read_args
from steps.package_work import install_debs
from steps.parse.etcd import EtcdSeen, last_line, parse_etcd
from wizard.core.context import Work
from wizard.core.errors import RESUMES, CancelledError, RemoteError
from wizard.core.host import OpStatus
from wizard.core.packages import load_packages
from wizard.core.spec.model import EtcdSpec
from wizard.payload.etcd_files import bundle

INSTALL_SECONDS = 300.0
"""Unpacking 60 MB on a slow SD card."""

CONFIGURE_SECONDS = 60.0
COMMAND_SECONDS = 60.0
"""Deadline of a command that does not wait for etcd: systemd may be busy."""

MEMBER_SECONDS = 240.0
"""The list of members takes a change only while everybody is connected; promoting waits for the data to be copied."""

START_SECONDS = 180.0
"""How long a member may take until it follows a leader: it waits for its peers, which may start on slow disks."""

LISTEN_SECONDS = 4
"""How long one look at a starting member waits on its host."""

CRASHES = 6
"""Starts in a row that ended at once, five seconds apart, after which waiting longer is in vain."""

Do = Callable[[Work], str]


def make_certificates(work: Work) -> str:
    """Make the authority and every certificate that is missing."""
    made = make_missing(work.secrets, work.spec)
    return f"made for {', '.join(made)}" if made else "all of them were there"


def install(arch: str) -> Do:
    """Bring the programs to the member.

    Args:
        arch: `amd64` or `arm64`.
    """

    def do(work: Work) -> str:
        version = work.spec.etcd.version
        if packaged(work.spec):
            known = load_packages()
            install_debs(work, known.etcd, known.closure(known.etcd, arch))
            return work.run("do/etcd-package", {"version": version}, timeout=COMMAND_SECONDS).splitlines()[-1]
        archive = f"/opt/etcd-v{version}-linux-{arch}.tar.gz"
        # The archive is gone once it was unpacked: one that is sent again to an attempt that ended would stay.
        if work.host.operation(work.op).status in (OpStatus.ABSENT, OpStatus.LOST):
            _, path = work.artifacts.obtain("etcd", arch, version, on_bytes=_counted(work, "downloading"))
            work.host.put(path, archive, mode=0o600, on_bytes=_counted(work, "sending"))
        work.progress(f"unpacking etcd {version}", None)
        args = {"version": version, "archive": archive}
        return work.run("do/etcd-install", args, timeout=INSTALL_SECONDS)

    return do


def _counted(work: Work, what: str) -> Callable[[int, int], None]:
    def on_bytes(done: int, total: int) -> None:
        share = done / total if total else None
        size = f" of {total / 1e6:.0f}" if total else ""
        work.progress(f"{what} etcd for {work.host_name}: {done / 1e6:.0f}{size} MB", share)

    return on_bytes


def configure(place: Place, *, joining: bool, etcd: EtcdSpec) -> Do:
    """Bring configuration, keys and unit to the member.

    Args:
        place: the member.
        joining: the cluster is there already and this member has no data.
        etcd: with the timers that are in use.
    """

    def do(work: Work) -> str:
        files = all_files(
            replace_(work.spec, etcd=etcd), place, work.state.lineage, work.secrets, joining=joining
        )
        args = {
            "base": place.base,
            "root": "yes" if place.root_allowed else "no",
            "lineage": work.state.lineage,
            "member": place.name,
        }
        said = work.run("do/etcd-configure", args, timeout=CONFIGURE_SECONDS, payload=bundle(files))
        written = [line for line in said.splitlines() if line.startswith("wrote ")]
        return f"{len(written)} of {len(files)} files written"

    return do


def start(place: Place) -> Do:
    """Start the member and wait until it follows a leader."""

    def do(work: Work) -> str:
        _start(work, "start", ())
        return _up(work, place)

    return do


def restart(place: Place, others: Sequence[Place]) -> Do:
    """Start the member anew, which takes a quorum of the others, and wait until it follows a leader."""

    def do(work: Work) -> str:
        _start(work, "restart", others)
        return _up(work, place)

    return do


def address(place: Place, others: Sequence[Place]) -> Do:
    """Tell the cluster where the member is reached from now on."""

    def do(work: Work) -> str:
        return _last(_member(work, "update", place, others))

    return do


def replace(place: Place, others: Sequence[Place], *, aside: bool) -> Do:
    """Let a member without data join: it is listed as a learner, started, and may vote once it has caught up.

    Which operations there are does not depend on what is found: each looks itself whether it was done before, so that
    taking this up again asks for the same ones in the same order.

    Args:
        place: the member.
        others: those that must be healthy and tell the list.
        aside: its data is of before it was removed from the list; it is renamed first.
    """

    def do(work: Work) -> str:
        if aside:
            args = {"base": place.base, "lineage": work.state.lineage, "attempt": work.op}
            work.run("do/etcd-aside", args, timeout=COMMAND_SECONDS)
        _member(work, "replace", place, others)
        _start(work, "start", ())
        _up(work, place)
        return _last(_member(work, "promote", place, others))

    return do


def promote(place: Place, others: Sequence[Place]) -> Do:
    """Let a learner vote once it has caught up; it is started first where it does not run."""

    def do(work: Work) -> str:
        _start(work, "start", ())
        _up(work, place)
        return _last(_member(work, "promote", place, others))

    return do


def rights(work: Work) -> str:
    """Let each client do no more than it needs."""
    return _last(work.run("do/etcd-auth", timeout=MEMBER_SECONDS))


def prove(work: Work) -> str:
    """Write, read and delete through every endpoint, each seen through every other."""
    endpoints = ",".join(place.client for place in places(work.spec))
    args = {"endpoints": endpoints, "key": f"/wizard/prove/{work.op}"}
    return _last(work.run("do/etcd-prove", args, timeout=MEMBER_SECONDS))


def _start(work: Work, action: str, others: Sequence[Place]) -> None:
    args = {"action": action, "others": _urls(others)}
    work.run("do/etcd-start", args, timeout=COMMAND_SECONDS)


def _member(work: Work, action: str, place: Place, others: Sequence[Place]) -> str:
    args = {
        "action": action,
        "name": place.name,
        "peer": place.peer,
        "client": place.client,
        "others": _urls(others),
    }
    work.progress(f"etcd on {others[0].name}: {action} {place.name} in the list of members", None)
    return work.run("do/etcd-member", args, timeout=MEMBER_SECONDS, on=others[0].name)


def _urls(members: Sequence[Place]) -> str:
    return ",".join(member.client for member in members)


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if not line.startswith(("id=", "waiting:"))]
    return lines[-1] if lines else ""


def _up(work: Work, place: Place) -> str:
    """Wait until the member follows a leader, telling all the while what it waits for."""
    until = work.clock() + START_SECONDS
    while True:
        answer = work.host.read(READ, read_args(place, wait=LISTEN_SECONDS), timeout=READ_SECONDS)
        seen = parse_etcd(answer.stdout)
        if seen.answers and seen.status:
            role = "leads" if seen.status.leader == seen.status.member else "follows a leader"
            return f"etcd {seen.status.version} on {place.name} {role}"
        if seen.unit.restarts >= CRASHES or work.clock() >= until:
            raise _not_up(place, seen)
        if work.cancelled.is_set():
            raise _left(place)
        work.progress(f"etcd on {place.name}: {waiting_for(seen)}{_quoted(last_line(seen.log))}", None)
        work.cancelled.wait(1.0)


def waiting_for(seen: EtcdSeen) -> str:
    """What a member that does not answer yet waits for, in words."""
    unit = seen.unit
    if unit.sub == "auto-restart" or unit.restarts:
        return f"was started {unit.restarts + 1} times and ended each time"
    if unit.active == "active":
        return "waiting for a leader"
    if unit.active == "activating" and seen.metrics is not None:
        return "waiting for a quorum"
    return "starting" if unit.active == "activating" else f"is {unit.active or 'not known to systemd'}"


def _quoted(line: str) -> str:
    return f"; last log line: {line}" if line else ""


def _not_up(place: Place, seen: EtcdSeen) -> RemoteError:
    return RemoteError(
        f"etcd on {place.name} does not come up: {waiting_for(seen)}.",
        where=f"{place.name}, etcd.service",
        why=seen.reason or "It says nothing in its log.",
        do=(f"ssh root@{place.address} journalctl -u etcd -n 50", "wizard doctor etcd", "wizard apply"),
        again=RESUMES,
    )


def _left(place: Place) -> CancelledError:
    return CancelledError(
        f"etcd on {place.name} was left while it starts.",
        where=place.name,
        why="You asked to stop.",
        do="wizard apply",
        again=RESUMES,
    )
