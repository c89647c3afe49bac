"""Every row of the fault list that this part answers for has a test, named after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults.register import OUT, ROWS

ROOT = Path(__file__).parents[2]


def test_every_row_has_a_test_named_after_it(tmp_path: Path) -> None:
    """Of the tests as pytest collects them: that each goes through tests/rows.py is seen to when it runs."""
    out = tmp_path / "rows.json"
    command = [sys.executable, "-m", "pytest", "-p", "tests.faults.register", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--collect-only", "-m", "row", "tests/faults"],
        cwd=ROOT,
        env={**os.environ, OUT: str(out)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    proved: dict[tuple[str, int], list[str]] = {}
    for letter, number, test in json.loads(out.read_text()):
        assert f"::test_row_{letter.lower()}{int(number):02}_" in test, f"{test} proves row {letter} {number}"
        proved.setdefault((letter, int(number)), []).append(test)
    assert sorted(proved) == sorted(ROWS)
