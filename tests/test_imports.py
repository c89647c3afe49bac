"""What is loaded when: the static import contracts cannot see whether a deferred import really defers."""

from __future__ import annotations

import re
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

FIRST_SCREEN = """
import asyncio, sys
from pathlib import Path
from screens.app import WizardApp
from wizard.compose import RealDesk
from wizard.front.arguments import build_parser
options = build_parser("setup").parse_args(["setup", "-f", "cluster.yaml", "--dir", "home"])
drawn = []
app = WizardApp(RealDesk(options), behind=lambda: drawn.extend(sys.modules))
async def main():
    async with app.run_test(size=(80, 24)) as pilot:
        while not drawn:
            await pilot.pause()
        assert app.screen.STAGE == "welcome"
asyncio.run(main())
print(*sorted(drawn), file=sys.stderr)
"""

NOT_BEFORE_THE_FIRST_SCREEN = (
    "yaml",
    "voluptuous",
    "fabric",
    "paramiko",
    "cryptography",
    "httpx",
    "steps",
    "wizard.core.context",
    "wizard.core.engine",
    "wizard.core.decide",
    "wizard.core.events",
    "wizard.core.facts",
    "wizard.core.session",
    "wizard.core.spec",
    "wizard.core.state",
    "wizard.core.view",
    "wizard.transport",
    "wizard.practice",
    "screens.dialogs",
    "screens.hosts",
    "screens.review",
    "screens.run",
    "screens.work",
)


def loaded_by(argv: list[str], folder: Path) -> set[str]:
    """What is in `sys.modules` after a command ran in a process of its own."""
    return told_by(PROBE.format(argv=argv), folder)


def told_by(program: str, folder: Path) -> set[str]:
    """The words of the last line a program wrote to its standard error, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", program],
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


def test_the_first_screen_is_drawn_before_anything_else_is_loaded(tmp_path: Path) -> None:
    loaded = told_by(FIRST_SCREEN, tmp_path)
    assert "screens.welcome" in loaded, "the first screen was never drawn"
    early = {
        name for name in loaded for root in NOT_BEFORE_THE_FIRST_SCREEN if f"{name}.".startswith(f"{root}.")
    }
    assert not early


def test_what_is_loaded_behind_the_first_screen_is_there() -> None:
    from importlib import import_module

    from screens.warm import NEXT

    for name in NEXT:
        import_module(name)


def test_no_class_is_compiled_when_its_module_is_loaded() -> None:
    """The standard decorator takes half a millisecond for each: `wizard.core.dataclass` is quicker."""
    root = Path(__file__).resolve().parents[1]
    files = [file for name in ("wizard", "steps", "screens") for file in (root / name).rglob("*.py")]
    made = [
        file
        for file in files
        if re.search(r"^@dataclass\(", file.read_text(), re.MULTILINE)
        and "from wizard.core.dataclass import dataclass\n" not in file.read_text()
    ]
    assert len(files) > 100
    assert made == []
