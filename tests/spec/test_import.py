"""The types are cheap to import: what reads YAML loads when a file is read."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import wizard.core.spec
heavy = {"yaml", "voluptuous", "ipaddress", "importlib.resources"}
print(sorted(heavy & set(sys.modules)))
"""


def test_importing_the_types_loads_no_yaml_and_no_schema_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
