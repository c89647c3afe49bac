"""What the benchmarks found: a line each on the terminal, a table for docs/benchmarks.md."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
MARK = "<!-- what follows is written by: python -m tests.bench --write -->\n"

WRITE = "WIZARD_BENCH_WRITE"
"""Environment variable: the table goes into the page."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison."""

    what: str
    ours: str
    rival: str
    result: str
    goal: str
    met: bool


@dataclass(slots=True)
class Report:
    """All comparisons of a run."""

    rows: list[Row] = field(default_factory=list)

    def at_most(self, what: str, ours: float, rival: float, against: str, limit: float) -> None:
        """Our time may be `limit` times the rival's.

        Args:
            what: was done.
            ours: seconds.
            rival: seconds.
            against: the rival's name.
            limit: of ours / rival.
        """
        ratio = ours / rival
        self.add(
            Row(what, ms(ours), f"{against} {ms(rival)}", f"{ratio:.2f}x", f"<= {limit}x", ratio <= limit)
        )

    def faster(self, what: str, ours: float, rival: float, against: str, limit: float) -> None:
        """The rival must take `limit` times our time. Arguments as `at_most`."""
        ratio = rival / ours
        row = Row(
            what, ms(ours), f"{against} {ms(rival)}", f"{ratio:.1f}x faster", f">= {limit}x", ratio >= limit
        )
        self.add(row)

    def value(self, what: str, value: float, unit: str, limit: float) -> None:
        """A figure of ours alone.

        Args:
            what: was measured.
            value: the figure.
            unit: behind it.
            limit: that it shall not pass.
        """
        self.add(
            Row(what, f"{value:.1f}{unit}", "", f"{value:.1f}{unit}", f"<= {limit:g}{unit}", value <= limit)
        )

    def add(self, row: Row) -> None:
        """Keep a row and print it."""
        self.rows.append(row)
        verdict = "met" if row.met else "NOT met"
        against = f" against {row.rival}" if row.rival else ""
        sys.stdout.write(f"\n{row.what}: {row.ours}{against}: {row.result}; goal {row.goal}: {verdict}\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Print something that has no goal."""
        sys.stdout.write(f"\n{text}\n")
        sys.stdout.flush()

    def table(self) -> str:
        """The rows as Markdown."""
        lines = ["| what | wizard | rival | result | goal | |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {row.what} | {row.ours} | {row.rival} | {row.result} | {row.goal} | {'met' if row.met else '**not met**'} |"
            for row in self.rows
        ]
        return "\n".join(lines) + "\n"

    def write(self) -> None:
        """Put the table into the page, below its mark."""
        above = PAGE.read_text(encoding="utf-8").split(MARK)[0]
        PAGE.write_text(f"{above}{MARK}\n{machine()}\n\n{self.table()}", encoding="utf-8")


def ms(seconds: float) -> str:
    """A time as it is read best."""
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def machine() -> str:
    """Date, commit and machine, for the page."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    today = datetime.datetime.now(datetime.UTC).date()
    load = os.getloadavg()[0]
    return (
        f"{today}, commit {commit}, {os.cpu_count()} cores ({cpu}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the end."
    )
