"""How a test presses keys and reads what is on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from screens.app import WizardApp
from screens.widgets import Told
from tests.screens.desk import PracticeDesk
from wizard.core.desk import Desk

NAMES = {".": "full_stop", "-": "minus", "/": "slash", "_": "underscore", " ": "space", "~": "tilde"}
Walker = Callable[["Walk"], Coroutine[None, None, None]]


class Walk:
    """One person at the keyboard.

    Args:
        app: the wizard.
        pilot: its keyboard.
    """

    def __init__(self, app: WizardApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Type into whatever has the focus, over what stands there."""
        await self.pilot.press("home", "ctrl+k", *(NAMES.get(char, char) for char in text))
        await self.settle()

    async def settle(self) -> None:
        """Let everything that was asked for happen: threads that look at hosts and keep answers as well."""
        for _ in range(4000):
            await self.pilot.pause()
            busy = [one for one in self.app.workers if not one.is_finished]
            if not busy and not self.app.looker.busy:
                break
            await asyncio.sleep(0.01)
        await self.pilot.pause()

    async def still(self) -> None:
        """No cursor blinks and nothing is being drawn any more."""
        for field in self.app.screen.query(Input):
            field.cursor_blink = False
        await self.pilot.pause(0.1)
        await self.pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size, and let the screen take it."""
        if self.app.size != (width, height):
            await self.pilot.resize_terminal(width, height)
            await self.until(lambda: self.app.screen.size == (width, height))
            await self.pilot.pause(0.1)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let things happen until something holds."""
        for _ in range(6000):
            await self.pilot.pause()
            if holds():
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError(f"it never came to that; the screen says:\n{self.text()}")
        await self.pilot.pause()

    async def sees(self, words: str) -> None:
        """Let things happen until the screen says something."""
        await self.until(lambda: words in self.text())

    @property
    def stage(self) -> str:
        """The id of the screen that is shown."""
        return str(getattr(self.app.screen, "STAGE", type(self.app.screen).__name__))

    def said(self) -> str:
        """Why one could not go on, and every notice, as one line."""
        told = [one.plain for one in self.app.screen.query(Told) if one.display]
        told += [note.message for note in self.app._notifications]
        return " ".join(" ".join(told).split())

    def text(self) -> str:
        """What is on the screen now, as lines."""
        size = self.app.size
        rows = self.app.screen._compositor.render_strips()
        return "\n".join(row.crop(0, size.width).text.rstrip() for row in rows)


def walk(
    folder: Path,
    steps: Walker,
    *,
    size: tuple[int, int] = (80, 24),
    desk: Desk | None = None,
    place: str = "",
) -> WizardApp:
    """Run the wizard and walk through it.

    Args:
        folder: where the spec lies.
        steps: the walk.
        size: of the terminal.
        desk: the hosts; fresh practice ones where not given.
        place: the stage to begin at instead of the welcome.

    Returns:
        The app, after it ended.
    """
    app = WizardApp(desk or PracticeDesk(folder))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            person = Walk(app, pilot)
            await person.settle()
            if place:
                app.go(place)
                await person.settle()
            await steps(person)

    asyncio.run(run())
    return app
