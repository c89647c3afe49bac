"""The Docker daemon: used where one answers, started where root finds none; who started it stops it, by process id."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from wizard.lab.docker import LabError, client, try_docker
from wizard.lab.store import Store

START_SECONDS = 60.0
"""How long a daemon that we started may take to answer; containerd included it takes about 3 s here."""

STOP_SECONDS = 30.0
"""How long it may take to end after SIGTERM."""


def answers() -> bool:
    """Whether a Docker daemon answers."""
    client()
    return try_docker("version", "--format", "{{.Server.Version}}", timeout=20).code == 0


def ensure(store: Store) -> bool:
    """Make sure that a daemon answers; start one where this is root and none does.

    Args:
        store: keeps the process id of a daemon that we start.

    Returns:
        True where we started it.

    Raises:
        LabError: none answers and we cannot start one.
    """
    if answers():
        return False
    program = shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin:/usr/local/bin")
    if os.geteuid() != 0 or not program:
        raise LabError(
            "No Docker daemon answers.",
            where="this machine",
            why="`docker version` got no answer, and only root can start `dockerd` where it is installed",
            do=("sudo systemctl start docker", "docker version"),
        )
    _start(program, store)
    return True


def _start(program: str, store: Store) -> None:
    log = store.path("dockerd.log")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [program, "--bridge", "none"],  # the lab has its own network; docker0 would outlive the daemon
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    store.daemon_pid = process.pid
    store.save()
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            return
        time.sleep(0.2)
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise LabError(
        "dockerd was started and did not come up.",
        where=str(log),
        why=last[0] if last else "it said nothing",
        do=f"less {log}",
    )


def stop(store: Store) -> bool:
    """Stop the daemon that this lab started, and only that one.

    It stays while containers that are not ours run on it; the next `lab down` tries again.

    Returns:
        True where it was stopped.
    """
    pid = store.daemon_pid
    if not pid or (_is_dockerd(pid) and try_docker("ps", "-q").out.strip()):
        return False
    store.daemon_pid = 0
    store.save()
    if not _is_dockerd(pid):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_dockerd(pid) and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(0.1)
    return True


def _is_dockerd(pid: int) -> bool:
    """Whether the process is alive and a dockerd: its id may long belong to somebody else."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return bool(words[0]) and words[0].rsplit(b"/", 1)[-1] == b"dockerd"


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
