"""Draws the README's pictures from the practice homelab: the real program, nothing posed but the moment.

Usage: python tools/screenshots.py [FOLDER]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from screens.app import WizardApp
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.resources import asset_text
from wizard.front.arguments import build_parser
from wizard.practice.opening import Wish, no_proxies
from wizard.practising import PracticeDesk

SIZE = (112, 32)
SPEED = 6.0
"""Fast enough to wait for, slow enough to be caught in the middle."""
LONGEST = 3000
"""Looks at the screen, a tenth of a second apart, before it is given up."""


def main(folder: Path) -> None:
    """Draw every picture.

    Args:
        folder: where they go.
    """
    with tempfile.TemporaryDirectory() as home, no_proxies():
        asyncio.run(_walk(Path(home), folder))


async def _walk(home: Path, folder: Path) -> None:
    draft = Draft.read(asset_text("practice/cluster.yaml"), source="practice").at("review")
    DraftStore(home / "cluster.yaml").save(draft, draft.check())
    options = _options(home)
    async with WizardApp(PracticeDesk(options)).run_test(size=SIZE) as pilot:
        await _seen(pilot, "storage", "storage", folder)
        await _go(pilot, "review", lambda text: "changes, about" in text)
        await pilot.press("ctrl+n")
        await _until(pilot, lambda text: "waiting:" in text and "ok Make etcd-b" in text)
        _draw(pilot, folder / "run.svg")
        await _until(pilot, lambda text: "What next" in text)
    options.practice = Wish(speed=SPEED, faults=("host-stopped",))
    async with WizardApp(PracticeDesk(options)).run_test(size=SIZE) as pilot:
        app = pilot.app
        assert isinstance(app, WizardApp)
        app.doctor()
        await _until(pilot, lambda text: "Something is wrong" in text)
        _draw(pilot, folder / "doctor-screen.svg")


def _options(home: Path) -> Namespace:
    options = build_parser("setup").parse_args(
        ["setup", "--dir", str(home), "-f", str(home / "cluster.yaml")]
    )
    options.practice = Wish(speed=SPEED)
    return options


async def _seen(pilot: Pilot[int], stage: str, name: str, folder: Path) -> None:
    await _go(pilot, stage, lambda text: "Longhorn" in text and "not known" not in text)
    _draw(pilot, folder / f"{name}.svg")


async def _go(pilot: Pilot[int], stage: str, holds: Callable[[str], bool]) -> None:
    app = pilot.app
    assert isinstance(app, WizardApp)
    app.go(stage)
    await _until(pilot, holds)


async def _until(pilot: Pilot[int], holds: Callable[[str], bool]) -> None:
    for _ in range(LONGEST):
        await pilot.pause(0.1)
        if holds(_text(pilot)):
            await pilot.pause(0.2)
            return
    raise SystemExit(f"It never came to that. The screen says:\n{_text(pilot)}")


def _text(pilot: Pilot[int]) -> str:
    rows = pilot.app.screen._compositor.render_strips()
    return "\n".join(row.text.rstrip() for row in rows)


def _draw(pilot: Pilot[int], path: Path) -> None:
    path.write_text(pilot.app.export_screenshot())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
