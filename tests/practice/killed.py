"""`python -m tests.practice.killed`: real processes of the wizard, each killed by SIGKILL at a change.

They are forked from one process that has everything loaded and no thread of its own, so that a kill costs what the
wizard does and not its start. A line of JSON is a run, see `Order`; the answer is the process' exit code, -9 where it
was killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock

import steps
from wizard import cli
from wizard.core.change import Change
from wizard.core.engine.journal import Journal
from wizard.core.prompt import Prompter
from wizard.core.spec import ClusterSpec
from wizard.core.state import ChangeStatus
from wizard.practice import opening
from wizard.practice.opening import Practice, Wish
from wizard.practice.world import World

APPLY = ("apply", "--plain", "--yes")
LOADED = steps.STEPS
"""The modules of all steps are there before the first fork."""
CHANGE = "change"
"""File of a copy: step and key of the change that was begun next."""


@dataclass(frozen=True, slots=True)
class Order:
    """A run of `wizard practice -- apply`."""

    folder: str
    """Of the practice homelab."""
    change: str = ""
    """Step and key of the change it is killed at; empty = it goes to its end."""
    carried_out: bool = False
    """Killed when the host has done it and nobody has written that down; else when it was written down to be begun."""
    copies: str = ""
    """Where the homelab is copied to just before each change: a folder each, numbered from 1; empty = nowhere."""


@dataclass(slots=True)
class Killer:
    """Counts the changes of a run, copies and kills."""

    order: Order
    worlds: list[World]
    begun: int = 0
    guard: Lock = field(default_factory=Lock)

    def before(self, journal: Journal, change: str) -> None:
        """A change is about to be begun: whatever else goes on holds still while all is copied."""
        self.begun += 1
        if self.order.copies:
            copy = Path(self.order.copies) / str(self.begun)
            with journal._guard, self.worlds[0].guard:
                copy_homelab(Path(self.order.folder), copy)
            (copy / CHANGE).write_text(change)

    def meet(self, change: str, *, carried_out: bool) -> None:
        """It stands in the state that a change is in flight; or it was carried out, and nobody knows."""
        if (change, carried_out) == (self.order.change, self.order.carried_out):
            os.kill(os.getpid(), signal.SIGKILL)


def copy_homelab(folder: Path, to: Path) -> None:
    """A consistent copy: what may only be newer than the state is copied after it.

    Args:
        folder: of the practice homelab.
        to: where there is nothing yet.
    """
    to.mkdir(parents=True, mode=0o700)
    # A file that is being written has another name until it is whole.
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix not in {".lock", ".tmp"}]
    for path in sorted(files, key=lambda one: one.name != "state.json"):
        shutil.copy2(path, to)


def watched(killer: Killer) -> None:
    """Let it be told of every change of this process."""
    begin, end, open_practice = Journal.begin, Journal.end, opening.open_practice

    def begins(self: Journal, step: str, change: Change) -> str:
        with killer.guard:
            killer.before(self, f"{step} {change.key}")
            op = begin(self, step, change)
            killer.meet(f"{step} {change.key}", carried_out=False)
            return op

    def ends(self: Journal, step: str, change: Change, status: ChangeStatus, evidence: str) -> None:
        killer.meet(f"{step} {change.key}", carried_out=True)
        end(self, step, change, status, evidence)

    def opens(folder: Path, spec: ClusterSpec, wish: Wish, prompter: Prompter | None = None) -> Practice:
        practice = open_practice(folder, spec, wish, prompter)
        killer.worlds.append(practice.world)
        return practice

    Journal.begin, Journal.end = begins, ends  # type: ignore[method-assign]
    opening.open_practice = opens


def carried_out(order: Order) -> int:
    """The run, in a process of its own. Returns its exit code; -9 = it was killed."""
    process = os.fork()
    if process == 0:
        os._exit(_run(order))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _run(order: Order) -> int:
    nothing = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(nothing, handle)
    sys.stdin = os.fdopen(0, closefd=False)  # the old one was read from already
    watched(Killer(order, []))
    return cli.main(["practice", "--dir", order.folder, "--speed", "1000000", "--", *APPLY])


def main() -> None:
    """Answer each order of stdin with a line."""
    for line in sys.stdin:
        print(carried_out(Order(**json.loads(line))), flush=True)  # noqa: T201


def told(order: Order) -> str:
    """An order as a line."""
    return f"{json.dumps(asdict(order))}\n"


if __name__ == "__main__":
    main()
