"""The story in order: which screen comes after which."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, cast

from textual.screen import Screen

from wizard.core.dataclass import dataclass

AnyScreen = Screen[Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the setup, with a screen of its own."""

    id: str
    """Also the name of its help file and of the place kept in a draft."""
    title: str
    """In the rail: eleven columns at most."""
    screen: str
    """`module:Class`, imported when it is first shown."""

    def make(self) -> AnyScreen:
        """The screen, made anew."""
        module, _, name = self.screen.partition(":")
        return cast("AnyScreen", getattr(import_module(module), name)())


WELCOME = Stage("welcome", "Welcome", "screens.welcome:WelcomeScreen")
"""Before the story begins."""
STAGES: tuple[Stage, ...] = (
    Stage("hosts", "Hosts", "screens.hosts:HostsScreen"),
    Stage("discovery", "Discovery", "screens.discovery:DiscoveryScreen"),
    Stage("storage", "Storage", "screens.storage:StorageScreen"),
    Stage("machines", "Machines", "screens.machines:MachinesScreen"),
    Stage("network", "Network", "screens.network:NetworkScreen"),
    Stage("witness", "Witness", "screens.witness:WitnessScreen"),
    Stage("review", "Review", "screens.review:ReviewScreen"),
)
"""The story; where a person is and how far they got is told by the place in it."""

AFTER = (
    Stage("run", "Run", "screens.run:RunScreen"),
    Stage("done", "Done", "screens.done:DoneScreen"),
    Stage("resume", "Resume", "screens.resume:ResumeScreen"),
)
"""What comes when the story is told, and the way back into it."""


def all_screens() -> dict[str, Callable[[], AnyScreen]]:
    """Every stage's screen by its id, for the app's `SCREENS`."""
    return {stage.id: partial(Stage.make, stage) for stage in (WELCOME, *STAGES, *AFTER)}


def number_of(stage_id: str) -> int:
    """Which step a stage is, counted from 1; 0 = none of the story, as the welcome."""
    return next((number for number, stage in enumerate(STAGES, 1) if stage.id == stage_id), 0)
