"""A person at a machine of their own: a home without ssh configuration, a spec, and a folder for the wizard's files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.conftest import Lab
from tests.rows import CliRun

APPLY = ("apply", "--plain", "--yes")


@dataclass(frozen=True, slots=True)
class Done(CliRun):
    """A command that ended."""

    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """Its stdout as the one JSON document it shall be."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found


@dataclass(slots=True)
class Running:
    """A command that was begun; its output goes to files, so that it never waits for us."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> bool:
        """SIGKILL to this one process; whether it was still there to be killed."""
        alive = self.alive
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        return alive

    def wait(self, timeout: float = 90) -> Done:
        code = self.process.wait(timeout=timeout)
        return Done(code, self.out.read_text(), self.err.read_text(), time.monotonic() - self.began)


@dataclass(frozen=True, slots=True)
class Operator:
    """Calls the wizard as a program, from a folder that holds `cluster.yaml`."""

    home: Path
    extra: tuple[str, ...] = ()
    """Options of every command that reaches hosts."""

    @property
    def folder(self) -> Path:
        """What `--dir` names."""
        return self.home / "wizard"

    @property
    def events(self) -> Path:
        return self.home / "events.jsonl"

    def start(self, *words: str, env: dict[str, str] | None = None) -> Running:
        """Begin a command."""
        out, err = self.home / "stdout", self.home / "stderr"
        command = [sys.executable, "-m", "wizard", *words, "--dir", str(self.folder)]
        command += ["--events", str(self.events)]
        command += self.extra if words[0] in {"facts", "plan", "apply", "doctor", "witness"} else ()
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=self.home,
                env=self.environment | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        return Running(process, out, err)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the person who runs the tests: no agent, no configuration, no proxy."""
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def run(self, *words: str, code: int | None = None, timeout: float = 90) -> Done:
        """Run a command to its end; with `code` it must end so."""
        done = self.start(*words).wait(timeout)
        assert code is None or done.exit_code == code, (
            f"{words}: {done.exit_code}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def apply(self, code: int | None = 0) -> Done:
        return self.run(*APPLY, code=code)

    def apply_when_free(
        self, seconds: float = 10.0, *, env: dict[str, str] | None = None, timeout: float = 90
    ) -> tuple[Done, float]:
        """Apply as soon as the hosts let go of a run that was killed; and how long that took.

        Args:
            seconds: that the hosts may take for it.
            env: of the apply, besides the usual.
            timeout: seconds for the apply itself.
        """
        began = time.monotonic()
        while True:
            waited = time.monotonic() - began
            done = self.start(*APPLY, env=env).wait(timeout)
            if done.exit_code != 4 or "worked on by somebody else" not in done.stderr:
                return done, waited
            assert waited < seconds, f"still held after {waited:.1f} s\n{done.stderr}"

    def state(self) -> dict[str, Any]:
        """The run state as the wizard shows it."""
        return self.run("state", "show", "--json", code=0).document

    def happened(self, kind: str = "") -> list[dict[str, Any]]:
        """The events so far, of one kind or all; a line that is being written is not there yet."""
        if not self.events.exists():
            return []
        lines = self.events.read_text().split("\n")[:-1]
        found = [json.loads(line) for line in lines]
        return [event for event in found if kind in ("", event["event"])]

    def fresh(self) -> None:
        """Forget the cluster; the host keys stay trusted."""
        for path in self.folder.iterdir():
            if path.name != "known_hosts":
                path.unlink() if path.is_file() else shutil.rmtree(path)
        self.events.unlink(missing_ok=True)

    def twin(self, home: Path) -> Operator:
        """The same cluster on another machine: a copy of the folder as it is now."""
        home.mkdir()
        shutil.copytree(self.folder, home / "wizard")
        shutil.copy(self.home / "cluster.yaml", home)
        return Operator(home, self.extra)


def hosts_only(spec: str) -> str:
    """The lab's spec without its guests: these tests are about what is done on hosts, and how often."""
    return re.sub(r"(?ms)^machines:\n.*?^(?=\w)", "machines: []\n", spec)


def settle_in(lab: Lab, home: Path, *, extra: tuple[str, ...] = (), trusting: bool = True) -> Operator:
    """A new operator with the lab's spec and, unless told otherwise, its host keys."""
    home.mkdir(parents=True, exist_ok=True)
    operator = Operator(home, extra)
    operator.folder.mkdir(mode=0o700)
    (home / "cluster.yaml").write_text(hosts_only(lab.spec_text()))
    if trusting:
        shutil.copy(lab.known_hosts, operator.folder / "known_hosts")
    return operator
