"""A person at `wizard practice`, with a home of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.rows import CliRun
from wizard import cli
from wizard.core.spec import load_spec
from wizard.practice.keeping import WorldFile
from wizard.practice.world import World

FAST = ("--speed", "1000000")


@dataclass(frozen=True, slots=True)
class Room:
    """The folder that practice lies in, and the commands run on it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def practice(self, *words: str, faults: Sequence[str] = ()) -> CliRun:
        """`wizard practice` without a terminal.

        Args:
            words: `--`, and the command after it; without them it is set up.
            faults: names of what goes wrong in this run.
        """
        self.capsys.readouterr()
        named = [word for name in faults for word in ("--fault", name)]
        code = cli.main(["practice", "--dir", str(self.folder), *FAST, *named, *words])
        out, err = self.capsys.readouterr()
        return CliRun(code, out, err)

    def set_up(self) -> None:
        """Everything is built."""
        run = self.practice()
        assert run.exit_code == 0, run.stdout + run.stderr

    def doctor(self, *, faults: Sequence[str] = ()) -> dict[str, Any]:
        """`doctor --json`."""
        run = self.practice("--", "doctor", "--json", faults=faults)
        report: dict[str, Any] = json.loads(run.stdout)
        assert run.exit_code == (1 if report["verdict"] == "fail" else 0), run.stderr
        return report

    def content(self) -> None:
        """There is nothing to do, and doctor finds nothing."""
        plan = self.practice("--", "plan")
        assert plan.exit_code == 0, plan.stdout + plan.stderr
        report = self.doctor()
        wrong = [one for one in report["findings"] if one["status"] not in ("pass", "skip")]
        assert (report["verdict"], wrong) == ("ok", [])

    def world(self) -> World:
        """The hosts as they are kept."""
        return WorldFile(self.folder / "world.json").open(load_spec(self.folder / "cluster.yaml"), None)

    def files(self) -> Mapping[str, bytes]:
        """Every file of the folder."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}
