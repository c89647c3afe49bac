"""What the README and the guide say is true."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from steps import STEPS
from wizard.core.context import Context, FactsCache
from wizard.core.resources import asset_text
from wizard.core.spec import parse_spec
from wizard.core.spec.model import BackupSpec
from wizard.core.state import new_state
from wizard.front.arguments import build_parser
from wizard.practice.host import PracticeHosts
from wizard.practice.world import homelab

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def check_ids() -> set[str]:
    """Of the practice homelab, with backups."""
    spec, problems = parse_spec(asset_text("practice/cluster.yaml"), source="practice")
    assert spec is not None, problems
    spec = replace(spec, backup=BackupSpec("/mnt/user/backups", "@daily", 3))
    hosts = PracticeHosts(homelab(spec))
    readers = {name: hosts[name] for name in hosts}
    ctx = Context(spec, readers, new_state("home", "test"), FactsCache(readers, lambda _reader: None))  # type: ignore[arg-type,return-value]
    return {check.id for step in STEPS for check in step.checks(ctx)}


def test_every_check_has_its_line_in_the_guide() -> None:
    said = "".join(page.read_text() for page in PAGES)
    missing = sorted(name for name in check_ids() if f"`{name}`" not in said)
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_understood(page: Path) -> None:
    """Every `wizard ...` line of a code block is a call the parser takes; placeholders are filled in."""
    for line in re.findall(r"^ {4}(?:\$ )?wizard (.*)$", page.read_text(), re.MULTILINE):
        words = re.split(r"\s+#|\s+>|\s+\||\s{2,}", line)[0].split()
        at = words.index("--") if "--" in words else len(words)
        for call in (words[:at], words[at + 1 :]):
            build_parser(call[0] if call else None).parse_args(call)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"(?:^ {4}|`)make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"
