"""A thin client of the `docker` command: argument lists in, text out, every call with a deadline."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import WizardError
from wizard.core.text import printable

LABEL = "homelab-wizard.lab"
"""The label on everything the lab makes; its value is the id of the lab. Nothing without it is ever touched."""

DEADLINE = 60.0
"""Seconds for an ordinary docker call; imports and builds state their own."""


class LabError(WizardError):
    """The lab cannot do what it was asked to."""


@dataclass(frozen=True, slots=True)
class Output:
    """What one command said."""

    code: int
    out: str
    err: str


@cache
def client() -> str:
    """The docker client to use: the one that came with the daemon, where both lie on this machine.

    Raises:
        LabError: there is none.
    """
    beside_daemon = Path("/usr/bin/docker")
    if beside_daemon.exists() and Path("/usr/sbin/dockerd").exists():
        return str(beside_daemon)
    found = shutil.which("docker")
    if found:
        return found
    raise LabError(
        "The lab needs Docker.",
        where="this machine",
        why="no `docker` command was found in PATH",
        do="apt-get install docker.io   (or install Docker the way your system does)",
    )


def run(args: list[str], *, given: bytes | None = None, timeout: float = DEADLINE) -> Output:
    """Run one command and return what it said, whatever its exit code.

    Args:
        args: the whole command line.
        given: bytes for its stdin; it never reads ours.
        timeout: seconds until it is ended.

    Raises:
        LabError: it did not end in time.
    """
    try:
        done = subprocess.run(args, input=given or b"", capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as expired:
        raise LabError(
            f"`{' '.join(args[:3])}` did not end within {timeout:.0f} s.",
            where="this machine",
            why="the Docker daemon is stuck or the machine is overloaded",
            do=("docker info", "wizard lab up"),
            again="Running again is safe: the lab first clears what a broken run left.",
        ) from expired
    return Output(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def try_docker(*args: str, given: bytes | None = None, timeout: float = DEADLINE) -> Output:
    """Run one docker command; a failure is a value."""
    return run([client(), *args], given=given, timeout=timeout)


def docker(*args: str, given: bytes | None = None, timeout: float = DEADLINE) -> str:
    """Run one docker command and return its stdout.

    Args:
        args: the command line after `docker`.
        given: bytes for its stdin.
        timeout: seconds until it is ended.

    Raises:
        LabError: it failed; the message carries the last lines it said.
    """
    done = try_docker(*args, given=given, timeout=timeout)
    if done.code == 0:
        return done.out
    said = " / ".join((done.err or done.out).strip().splitlines()[-3:])
    raise LabError(
        f"`docker {args[0]}` failed.",
        where="docker " + printable(" ".join(args))[:300],
        why=printable(said) or f"exit code {done.code}",
        do=("docker info", "wizard lab down", "wizard lab up"),
        again="Running again is safe: the lab first clears what a broken run left.",
    )


def names(kind: str, lab: str = "") -> list[str]:
    """Names of our own things of one kind.

    Args:
        kind: `container`, `network`, `volume` or `image`.
        lab: id of one lab; empty = of every lab.
    """
    label = f"label={LABEL}={lab}" if lab else f"label={LABEL}"
    options = {
        "container": ["ps", "-a", "--format", "{{.Names}}"],
        "network": ["network", "ls", "--format", "{{.Name}}"],
        "volume": ["volume", "ls", "--format", "{{.Name}}"],
        "image": ["images", "-a", "--format", "{{.Repository}}:{{.Tag}}"],
    }[kind]
    return docker(*options, "--filter", label).split()


def states(lab: str) -> dict[str, str]:
    """State (`running`, `paused`, `exited` ...) by container name of one lab."""
    lines = docker("ps", "-a", "--filter", f"label={LABEL}={lab}", "--format", "{{.Names}} {{.State}}")
    pairs = (line.partition(" ") for line in lines.splitlines())
    return {name: state.strip() for name, _, state in pairs}


def inspect(kind: str, name: str) -> dict[str, object]:
    """What docker knows of one thing.

    Args:
        kind: `container`, `network`, `volume` or `image`.
        name: of the thing.
    """
    found = json.loads(docker(kind, "inspect", name))
    return dict(found[0])
