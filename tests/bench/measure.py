"""Taking times: the contestants take turns, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

RUNS = 7
"""Times each contestant is measured, after one run that is not counted (caches, byte code)."""

DEADLINE = 180.0
"""Seconds one command may take."""

Contestant = Callable[[], float]
"""Does its work once and returns the seconds it took."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended well."""

    seconds: float
    out: str


def clean_env(**more: str) -> dict[str, str]:
    """The environment of every contestant: byte code is kept, as it is where a program was installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return {**kept, **more}


def run(words: Sequence[str], *, env: Mapping[str, str] | None = None, ok: Sequence[int] = (0,)) -> Ended:
    """Run a command to its end; it must succeed.

    Args:
        words: the command line.
        env: its environment; `clean_env()` where it is not given.
        ok: exit codes that count as success.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(env or clean_env()),
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        process.wait()
        seconds = time.perf_counter() - began
    assert process.returncode in ok, f"{' '.join(words)} ended with {process.returncode}:\n{out[-3000:]}"
    return Ended(seconds, out)


_WITNESS = (
    "import resource, subprocess, sys\n"
    "code = subprocess.run(sys.argv[1:]).returncode\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    "sys.exit(code)\n"
)
"""A small process in between: a child's peak counts from what its parent held, and pytest holds much."""


def peak(words: Sequence[str], *, ok: Sequence[int] = (0,)) -> tuple[float, str]:
    """Run a command and return its largest resident size in MiB, and what it printed.

    Args:
        words: the command line.
        ok: exit codes that count as success.
    """
    out = run([sys.executable, "-S", "-c", _WITNESS, *words], ok=ok).out
    printed, _, kib = out.rstrip().rpartition("\n")
    return int(kib) / 1024, printed


def command(words: Sequence[str], **more: str) -> Contestant:
    """A contestant that is a command of its own.

    Args:
        words: the command line.
        more: environment variables.
    """
    return lambda: run(words, env=clean_env(**more)).seconds


def race(contestants: Mapping[str, Contestant], runs: int = RUNS) -> dict[str, float]:
    """Let the contestants take turns (A B A B ...) and return each one's median in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(runs + 1):
        for name, contestant in contestants.items():
            seconds = contestant()
            if turn:
                taken[name].append(seconds)
    return {name: median(values) for name, values in taken.items()}
