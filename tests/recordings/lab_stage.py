"""A real host of the lab as a stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.conftest import Lab
from tests.recordings.lab_k3s import K3sWorkshop
from tests.recordings.lab_workshop import Workshop
from tests.recordings.recording import Said
from tests.recordings.stage import OP, WORK
from wizard.core.host import Args
from wizard.core.prompt import Silent
from wizard.core.resources import asset_text
from wizard.transport import wire
from wizard.transport.credentials import Credentials
from wizard.transport.ssh import SshHost, SshHosts, Target

SECONDS = 30.0
"""Deadline of one program."""

SETTLE_SECONDS = 90.0
"""For the daemons of a host that was just started, on a busy machine."""

_SETTLED = "if command -v virsh >/dev/null; then docker version && virsh -r version && virsh -r -c lxc:/// version; fi"

_QUEUE = """
mkdir -p -m 700 /run/wizard
exec 9>>/run/wizard/operations.lock
flock 9
sleep 60 </dev/null >/dev/null 2>&1 &
echo $!
"""
"""Holds what the operations of one host wait for, as a long operation would."""

_KILL = """
for p in /proc/[0-9]*; do
    if [ "$(readlink "$p/fd/9")" = "$1/alive" ]; then kill -9 "${p#/proc/}"; fi
done
flock -s -w 5 "$1/alive" true
"""
"""Kills whoever keeps an operation alive, and waits until all of them are gone."""


def connect(lab: Lab) -> SshHosts:
    """The lab's hosts as the wizard has them; one call is one operator."""
    targets = [Target(name, lab.address(name), lab.user(name), None, lab.key) for name in lab.names]
    return SshHosts(
        targets,
        known_hosts=lab.known_hosts,
        pinned={},
        prompter=Silent(),
        credentials=Credentials(),
        events=lambda _event: None,
        config_files=(Path("/dev/null"),),
    )


@dataclass(slots=True)
class Operator:
    """One wizard at work on the lab; its connections can be dropped and made anew."""

    lab: Lab
    hosts: SshHosts

    @classmethod
    def of(cls, lab: Lab) -> Operator:
        """A new one."""
        return cls(lab, connect(lab))

    def renew(self) -> None:
        """Drop every connection; the next request makes a new one."""
        self.hosts.close()
        self.hosts = connect(self.lab)


@dataclass(frozen=True, slots=True)
class LabStage(Workshop, K3sWorkshop):
    """One host of the lab; what happens behind the wizard's back goes by `docker exec`."""

    lab: Lab
    name: str
    mine: Operator
    others: Operator

    @property
    def kind(self) -> str:
        """Its platform."""
        return self.lab.host(self.name).platform

    @property
    def host(self) -> SshHost:
        """As the wizard has it."""
        return self.mine.hosts[self.name]

    @property
    def other(self) -> SshHost:
        """As another operator has it."""
        return self.others.hosts[self.name]

    @property
    def marker_folder(self) -> str:
        """Where the marker lies."""
        return "/boot/config/wizard" if self.kind == "unraid" else "/var/lib/wizard"

    def run(self, script: str, args: Args, payload: bytes = b"") -> Said:
        """One program, framed as always."""
        reply = self.host.session.run((script,), args, payload=payload, timeout=SECONDS)
        return _said((script,), args, reply, payload)

    def start(self, script: str, args: Args, op: str, *, wait: int) -> Said:
        """lib/start with read/operation behind it, as the transport sends them."""
        parts = (
            asset_text("remote/lib/runner.sh").encode(),
            wire.program_text((script,)),
            wire.arg_lines(args),
        )
        sizes = {
            name: str(len(part)) for name, part in zip(("runner", "program", "input"), parts, strict=True)
        }
        ask = {"op": op, "offset": "0", "wait": str(wait), "max": "65536"}
        payload = b"".join(parts)
        scripts = ("lib/start", "read/operation")
        reply = self.host.session.run(scripts, sizes | ask, payload=payload, timeout=SECONDS)
        return _said((*scripts, "lib/runner", script), sizes | ask, reply, payload)

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file, its folder too."""
        self.lab.inside(self.name, "mkdir", "-p", str(Path(path).parent))
        self.lab.inside(self.name, "tee", path, given=content)
        self.lab.inside(self.name, "chmod", f"{mode:o}", path)

    def content(self, path: str) -> bytes | None:
        """What a file holds."""
        if self.lab.try_inside(self.name, "test", "-f", path):
            return None
        return self.lab.inside(self.name, "cat", path).encode()

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return self.lab.try_inside(self.name, "test", "-f", path) == 0

    def remove(self, path: str) -> None:
        """Take it away."""
        self.lab.inside(self.name, "rm", "-rf", path)

    @contextmanager
    def fill(self, folder: str) -> Iterator[None]:
        """The lab's own fault."""
        assert folder == self.marker_folder, folder
        self.lab.fault("disk-full", self.name)
        try:
            yield
        finally:
            self.lab.mend("disk-full", self.name)

    @contextmanager
    def occupied(self, name: str) -> Iterator[None]:
        """The lab's own fault."""
        self.lab.fault(name, self.name)
        try:
            yield
        finally:
            self.lab.mend(name, self.name)

    @contextmanager
    def queue(self) -> Iterator[None]:
        """A process that holds what operations wait for."""
        pid = self.lab.inside(self.name, "sh", "-c", _QUEUE).strip()
        try:
            yield
        finally:
            self.lab.inside(self.name, "kill", pid)

    def kill(self, op: str) -> None:
        """Kill whatever runs for an operation."""
        self.lab.inside(self.name, "sh", "-c", _KILL, "sh", f"/run/wizard/op.{op}")

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Its sshd is stopped, and we have no connection from before."""
        self.mine.renew()
        self.lab.fault("ssh-down", self.name)
        try:
            yield
        finally:
            self.lab.mend("ssh-down", self.name)

    def break_link(self) -> None:
        """From our end, without a word to what runs over it."""
        self.host.session.connect().close()

    def restart(self) -> None:
        """Off and on, connections and all."""
        self.lab.reset(self.name)
        self.mine.renew()
        self.others.renew()

    def settle(self) -> None:
        """Wait until the daemons of a host that was just started answer: they are a part of its facts."""
        # Asked by virsh, a libvirtd that sleeps behind its socket wakes up: it is always recorded awake.
        until = time.monotonic() + SETTLE_SECONDS
        while self.lab.try_inside(self.name, "sh", "-c", _SETTLED):
            assert time.monotonic() < until, f"docker or libvirt on {self.name} does not answer"
            time.sleep(0.5)

    def reset(self) -> None:
        """Nothing of ours is left."""
        self.remove(WORK)
        self.remove(self.marker_folder)
        self.lab.inside(self.name, "sh", "-c", f"rm -rf /run/wizard/op.{OP} /run/wizard/op.{OP}-*")


def _said(scripts: tuple[str, ...], args: Args, reply: wire.Reply, payload: bytes) -> Said:
    out, err = wire.decode(reply.stdout), wire.decode(reply.stderr)
    return Said(scripts, args, reply.exit_code, out, err, len(payload))
