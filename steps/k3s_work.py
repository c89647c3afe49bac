"""What is done on the nodes: installing, setting up, starting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from steps.k3s_files import all_files, ensure_tokens
from steps.k3s_password import forget_password
from steps.k3s_seen import READ, READ_SECONDS, ROLES, read_args
from steps.parse.k3s import K3sSeen, last_line, parse_k3s
from wizard.core.context import Work
from wizard.core.errors import RESUMES, CancelledError, RemoteError
from wizard.core.host import OpStatus
from wizard.core.spec.model import MachineSpec
from wizard.payload.etcd_files import bundle
from wizard.payload.k3s_unit import NAMES

PROGRAM, IMAGES = "k3s", "k3s-airgap-images"
"""Names of the artifacts."""

INSTALL_SECONDS = 300.0
"""Hashing and renaming some 300 MB on a busy disk."""

COMMAND_SECONDS = 120.0
"""Deadline of a command that does not wait for K3s to be up: systemd may be busy, a restart waits for the old process."""

START_SECONDS = 600.0
"""How long a node may take until it is up: the first start unpacks K3s and imports its images, on a slow disk."""

LISTEN_SECONDS = 4
"""How long one look at a starting node waits on its host."""

CRASHES = 4
"""Starts in a row that ended, five seconds apart, after which waiting longer is in vain."""

Do = Callable[[Work], str]


def make_tokens(work: Work) -> str:
    """Make the tokens that are missing."""
    ensure_tokens(work.secrets)
    return "kept among the secrets"


def install(arch: str, missing: Sequence[str]) -> Do:
    """Bring the program and its images to the node.

    Args:
        arch: `amd64` or `arm64`.
        missing: which of them are not there.
    """

    def do(work: Work) -> str:
        version = work.spec.k3s.version
        # A file is gone once it is in its place: one that is sent again to an attempt that ended would stay.
        fresh = work.host.operation(work.op).status in (OpStatus.ABSENT, OpStatus.LOST)
        args = {"version": version}
        for key, name in (("images", IMAGES), ("program", PROGRAM)):
            found, path = work.artifacts.obtain(
                name, arch, version, on_bytes=_counted(work, "downloading", name)
            )
            place = f"/opt/{found.file}"
            if fresh and name in missing:
                work.host.put(path, place, mode=0o600, on_bytes=_counted(work, "sending", name))
            args |= {key: place, f"{key}_sha256": found.sha256}
            if name == IMAGES:
                args["name"] = found.file
        work.progress(f"putting K3s {version} in its place on {work.host_name}", None)
        return work.run("do/k3s-install", args, timeout=INSTALL_SECONDS).splitlines()[-1]

    return do


def _counted(work: Work, what: str, name: str) -> Callable[[int, int], None]:
    def on_bytes(done: int, total: int) -> None:
        share = done / total if total else None
        size = f" of {total / 1e6:.0f}" if total else ""
        work.progress(f"{what} {name} for {work.host_name}: {done / 1e6:.0f}{size} MB", share)

    return on_bytes


def configure(machine: MachineSpec) -> Do:
    """Bring configuration, tokens, keys and unit to the node."""

    def do(work: Work) -> str:
        role = ROLES[machine.role]
        files = all_files(work.spec, machine, role, work.secrets)
        args = {"lineage": work.state.lineage, "node": machine.name, "unit": NAMES[role]}
        said = work.run("do/k3s-configure", args, timeout=COMMAND_SECONDS, payload=bundle(files))
        written = [line for line in said.splitlines() if line.startswith("wrote ")]
        return f"{len(written)} of {len(files)} files written"

    return do


def start(machine: MachineSpec, *, anew: bool = False) -> Do:
    """Start the node and wait until it is up; a server until its API is ready.

    Args:
        machine: its guest.
        anew: it runs, and is to read its files again.
    """

    def do(work: Work) -> str:
        _bid(work, machine, "restart" if anew else "start")
        return _up(work, machine)

    return do


def _bid(work: Work, machine: MachineSpec, action: str) -> None:
    args = {"action": action, "unit": NAMES[ROLES[machine.role]]}
    work.run("do/k3s-start", args, timeout=COMMAND_SECONDS)


def _up(work: Work, machine: MachineSpec) -> str:
    """Wait until the node is up, telling all the while what it waits for."""
    until = work.clock() + START_SECONDS
    forgotten = False
    while True:
        answer = work.host.read(READ, read_args(wait=LISTEN_SECONDS), timeout=READ_SECONDS)
        seen = parse_k3s(answer.stdout)
        if seen.serves or (seen.runs and machine.role != "server"):
            what = "and its API is ready" if machine.role == "server" else "and has joined the cluster"
            return f"K3s {seen.version} on {machine.name} runs {what}"
        if seen.stranger and not forgotten:
            forget_password(work, machine)
            forgotten = True
            # Started anew it asks at once, and what it said until now is no longer its reason.
            _bid(work, machine, "restart")
            continue
        if seen.hopeless or seen.unit.restarts >= CRASHES or work.clock() >= until:
            raise _not_up(machine, seen)
        if work.cancelled.is_set():
            raise _left(machine)
        work.progress(f"K3s on {machine.name}: {waiting_for(seen)}{_quoted(last_line(seen.log))}", None)
        work.cancelled.wait(1.0)


def waiting_for(seen: K3sSeen) -> str:
    """What a node that is not up yet waits for, in words."""
    unit = seen.unit
    if unit.sub == "auto-restart" or unit.restarts:
        return f"was started {unit.restarts + 1} times and ended each time"
    if unit.active == "active":
        return f"its API is not ready ({seen.ready})" if seen.ready else "waiting for its API"
    return "starting" if unit.active == "activating" else f"is {unit.active or 'not known to systemd'}"


def _quoted(line: str) -> str:
    return f"; last log line: {line}" if line else ""


def _not_up(machine: MachineSpec, seen: K3sSeen) -> RemoteError:
    unit = NAMES[ROLES[machine.role]]
    login = f"ssh root@{machine.address}"
    return RemoteError(
        f"K3s on {machine.name} does not come up: {waiting_for(seen)}.",
        where=f"{machine.name}, {unit}",
        why=seen.reason or "It says nothing in its log.",
        do=(
            *_mending(seen.reason),
            f"{login} journalctl -u {unit.removesuffix('.service')} -n 50",
            "wizard apply",
        ),
        again=RESUMES,
    )


def _mending(reason: str) -> tuple[str, ...]:
    """What helps against a reason that we know."""
    if "different token" in reason or "401 Unauthorized" in reason:
        return ("Put the right secrets.yaml back into the folder that `wizard state path` prints",)
    return ()


def _left(machine: MachineSpec) -> CancelledError:
    return CancelledError(
        f"K3s on {machine.name} was left while it starts.",
        where=machine.name,
        why="You asked to stop.",
        do="wizard apply",
        again=RESUMES,
    )
