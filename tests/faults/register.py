"""The rows of the fault list, and who proves each: `pytest -p tests.faults.register --collect-only`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ROWS = (
    *(("A", number) for number in range(1, 26)),
    *(("B", number) for number in range(26, 39)),
    *(("C", number) for number in range(39, 51)),
    *(("D", number) for number in range(51, 61)),
    *(("E", number) for number in range(61, 66)),
    *(("F", number) for number in range(66, 75)),
    ("F", 77),
    ("F", 78),
)
"""What this part of the program must survive."""

OUT = "WIZARD_ROWS_OUT"
"""Environment variable: the file that is written."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down each row and the tests that bear its marker."""
    if OUT not in os.environ:
        return
    found = [
        [*(str(word) for word in marker.args), item.nodeid]
        for item in session.items
        for marker in item.iter_markers("row")
    ]
    Path(os.environ[OUT]).write_text(json.dumps(found))
