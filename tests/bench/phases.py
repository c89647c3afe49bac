"""Where the time of an apply went, from its events: `python -m tests.bench.phases EVENTS.jsonl`.

The wall time is held against the longest chain of real work: what one machine cannot do side by side with itself. For
a guest that is its base image's copy, the making of the guests its hypervisor was told to make before it and its own,
its boot, and every change on it, its packages among them, one after the other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT = 1.3
"""Issue 4, section 6: wall time against the longest chain."""


@dataclass(frozen=True, slots=True)
class Done:
    """One change that was done."""

    step: str
    key: str
    host: str
    began: float
    """Seconds since the run began."""
    seconds: float

    @property
    def phase(self) -> str:
        """What kind of work it was: the key up to the colon."""
        return f"{self.step} {self.key.partition(':')[0]}"


@dataclass(frozen=True, slots=True)
class Phases:
    """An apply taken apart."""

    wall: float
    """Seconds from the first change's begin to the end of the run."""
    changes: tuple[Done, ...]

    def chains(self) -> dict[str, tuple[Done, ...]]:
        """For every host and machine the changes that had to follow each other for it."""
        made = {done.key.partition(":")[2]: done for done in self.changes if done.key.startswith("create:")}
        return {name: tuple(self._of(name, made.get(name))) for name in {done.host for done in self.changes}}

    def _of(self, name: str, made: Done | None) -> Iterable[Done]:
        """A hypervisor makes one guest after the other, so a guest's chain begins with those made before it."""
        for done in self.changes:
            before = made is not None and done.host == made.host and done.began <= made.began
            if done.host == name or (before and done.key.startswith(("image:", "create:"))):
                yield done

    @property
    def longest(self) -> tuple[str, float]:
        """The machine with the longest chain, and its seconds."""
        sums = {name: sum(done.seconds for done in chain) for name, chain in self.chains().items()}
        return max(sums.items(), key=lambda item: item[1], default=("", 0.0))

    def table(self) -> str:
        """A line for each phase: how many changes, the longest of them, when the first began and the last ended."""
        lines = [f"{'phase':<24}{'changes':>8}{'longest':>10}{'from':>9}{'to':>9}"]
        for phase in dict.fromkeys(done.phase for done in self.changes):
            here = [done for done in self.changes if done.phase == phase]
            ended = max(done.began + done.seconds for done in here)
            lines.append(
                f"{phase:<24}{len(here):>8}{max(done.seconds for done in here):>8.1f} s"
                f"{min(done.began for done in here):>7.1f} s{ended:>7.1f} s"
            )
        name, chain = self.longest
        ratio = self.wall / chain if chain else 0.0
        lines.append(
            f"wall {self.wall:.1f} s; longest chain {chain:.1f} s ({name}); {ratio:.2f}x (goal <= {LIMIT}x)"
        )
        return "\n".join(lines)


def phases(lines: Iterable[str]) -> Phases:
    """Take the last apply of an event log apart.

    Args:
        lines: of `--events FILE`, one JSON object each.
    """
    events = [json.loads(line) for line in lines]
    starts = [
        n for n, event in enumerate(events) if event["event"] == "run-started" and event["command"] == "apply"
    ]
    run = events[starts[-1] :] if starts else []
    begun = [event["at"] for event in run if event["event"] == "change-started"]
    first = begun[0] if begun else 0.0
    done = [
        Done(
            event["step"],
            event["change"],
            event["host"],
            event["at"] - event["seconds"] - first,
            event["seconds"],
        )
        for event in run
        if event["event"] == "change-finished" and event["status"] == "done"
    ]
    ends = [event["at"] for event in run if event["event"] == "run-finished"]
    return Phases(ends[-1] - first if ends and begun else 0.0, tuple(sorted(done, key=lambda one: one.began)))


def main(argv: Sequence[str]) -> None:
    """Print the table of an event log."""
    print(phases(Path(argv[0]).read_text(encoding="utf-8").splitlines()).table())  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
