"""`python -m tests.bench [--write]`: the benchmarks; with --write the table goes into docs/benchmarks.md."""

from __future__ import annotations

import os
import sys

import pytest

from tests.bench.report import WRITE

if __name__ == "__main__":
    words = sys.argv[1:]
    if "--write" in words:
        words.remove("--write")
        os.environ[WRITE] = "1"
    sys.exit(pytest.main(["-m", "bench", "-s", "tests/bench", *words]))
