"""Pictures of screens that are compared with those kept in `tests/screens/pictures/`.

After a look at what differs they are written anew with `WIZARD_PICTURES=1 pytest tests/screens/test_pictures.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

from textual.app import App

from tests.screens.walk import Walk

FOLDER = Path(__file__).with_name("pictures")


SIZES = ((120, 36), (80, 24))
"""A comfortable one, and the smallest that screens are designed for."""


async def compare_both(person: Walk, name: str) -> None:
    """Hold what is on the screen against the pictures kept, at both sizes.

    Args:
        person: at the screen, whose terminal is 80x24.
        name: of the pictures.
    """
    for width, height in SIZES:
        await person.resize(width, height)
        await person.still()
        await _come_to_look_like(person, f"{name}-{width}x{height}")


async def _come_to_look_like(person: Walk, name: str) -> None:
    """On a busy machine a pane takes its new width a moment later."""
    for _ in range(20):
        try:
            compare(person.app, name)
        except AssertionError:
            await person.pilot.pause(0.25)
        else:
            return
    compare(person.app, name)


def compare(app: App[int], name: str) -> None:
    """Hold what is on the screen against the picture kept.

    Args:
        app: running.
        name: of the picture, without its ending.
    """
    kept = FOLDER / f"{name}.svg"
    seen = app.export_screenshot()
    if os.environ.get("WIZARD_PICTURES"):
        FOLDER.mkdir(exist_ok=True)
        kept.write_text(seen)
        return
    assert kept.exists(), f"{kept.name} was never drawn: WIZARD_PICTURES=1 draws it"
    if seen == kept.read_text():
        return
    fresh = Path(os.environ.get("TMPDIR", "/var/tmp")) / f"wizard-{kept.name}"
    fresh.write_text(seen)
    raise AssertionError(f"{kept.name} looks different; what is drawn now is in {fresh}")
