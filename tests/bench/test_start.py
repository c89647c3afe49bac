"""What starting the program costs before it does anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.conftest import wizard
from tests.bench.measure import command, race
from tests.bench.report import Report
from tests.bench.rivals import Rivals

pytestmark = pytest.mark.bench

RUNS = 15
"""More than usual: a run takes a tenth of a second."""


def test_help(rivals: Rivals, report: Report) -> None:
    python = str(Path(wizard()).with_name("python"))
    took = race(
        {
            "wizard": command([wizard(), "--help"]),
            "ansible": command([str(rivals.bin / "ansible"), "--version"]),
            "python": command([python, "-c", "import argparse,json,dataclasses"]),
        },
        RUNS,
    )
    report.at_most("wizard --help", took["wizard"], took["ansible"], "ansible --version", 0.35)
    imports = "python -c 'import argparse,json,dataclasses'"
    report.at_most("wizard --help", took["wizard"], took["python"], imports, 2.5)
