"""What is loaded when: the static import contracts cannot see whether a deferred import really defers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.specs import loopback_home

HEAVY = (
    "textual",
    "fabric",
    "paramiko",
    "kubernetes",
    "httpx",
    "questionary",
    "asyncio",
    "cryptography",
    "yaml",
)

PROBE = """
import sys
from wizard.cli import main
try:
    main({argv!r})
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


def loaded_by(argv: list[str], folder: Path) -> set[str]:
    """What is in `sys.modules` after a command ran in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(argv=argv)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )
    assert run.returncode == 0, run.stderr
    return set(run.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("argv", [["--help"], [], ["doctor", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(argv: list[str], tmp_path: Path) -> None:
    assert not loaded_by(argv, tmp_path) & set(HEAVY)


def test_checking_a_spec_loads_no_network_and_no_screen(tmp_path: Path) -> None:
    from wizard.core.spec import example_text

    (tmp_path / "cluster.yaml").write_text(example_text())
    loaded = loaded_by(["check", "--json"], tmp_path)
    assert "yaml" in loaded, "the probe sees nothing"
    assert not loaded & (set(HEAVY) - {"yaml"})


def test_doctor_loads_no_textual(tmp_path: Path) -> None:
    loopback_home(tmp_path)
    loaded = loaded_by(["doctor", "--json"], tmp_path)
    assert "wizard.transport.ssh" in loaded, "doctor did not get as far as the hosts"
    assert not loaded & {"textual", "kubernetes", "httpx", "questionary", "rich"}


def test_facts_load_no_stage(tmp_path: Path) -> None:
    loopback_home(tmp_path)
    loaded = loaded_by(["facts", "--json"], tmp_path)
    assert "steps.parse.facts" in loaded, "facts did not get as far as the parsers"
    stages = {name for name in loaded if name.startswith("steps.") and not name.startswith("steps.parse")}
    assert not stages
