"""The lab's hosts as these tests look at them: past SSH, with nothing of the wizard's in between."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.lab.conftest import Lab

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the wizard did to one host."""

    marker: dict[str, str]
    operations: tuple[str, ...]
    """Tombstones: one for every operation that was ever claimed."""
    effects: tuple[str, ...]
    """One for every time the marker's effect was brought about, counted outside the wizard."""
    asked: int
    """Commands sshd was asked to run."""


@dataclass(frozen=True, slots=True)
class World:
    """The three hosts."""

    lab: Lab

    def run(self, host: str, script: str, *args: str) -> str:
        """Run one of our scripts in a host as root."""
        given = (SCRIPTS / f"{script}.sh").read_bytes()
        return self.lab.inside(host, "/bin/sh", "-s", *args, given=given)

    def everywhere(self, script: str, *args: str) -> dict[str, str]:
        """Run one of our scripts in every host, side by side."""
        names = self.lab.names
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(lambda name: self.run(name, script, *args), names), strict=True))

    def clear(self) -> None:
        """No marker, no operation, none of our equipment."""
        self.everywhere("clear")

    def equip(self, seconds: float = 0.0) -> None:
        """Count effects and questions from now on; each effect takes `seconds`."""
        self.everywhere("equip", str(seconds))

    def look(self) -> dict[str, Seen]:
        """What the wizard did to every host."""
        return {name: _seen(text) for name, text in self.everywhere("look").items()}

    def seen(self, host: str) -> Seen:
        """What the wizard did to one host."""
        return _seen(self.run(host, "look"))

    def everything(self) -> dict[str, list[str]]:
        """Everything on every host that only an apply may change."""
        return {name: text.splitlines() for name, text in self.everywhere("everything").items()}


def _seen(text: str) -> Seen:
    rows = [line.partition(" ")[::2] for line in text.splitlines()]
    return Seen(
        marker={word.removeprefix("marker."): value for word, value in rows if word.startswith("marker.")},
        operations=tuple(value for word, value in rows if word == "operation"),
        effects=tuple(value for word, value in rows if word == "effect"),
        asked=sum(1 for word, _ in rows if word == "asked"),
    )


def until(holds: Callable[[], bool], what: str, *, seconds: float = 30.0, pause: float = 0.02) -> float:
    """Wait for something, and say how long it took; never for ever."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return time.monotonic() - began


def tell(text: str) -> None:
    """Say what was measured; `pytest -s` shows it, and docs/proofs.md quotes it."""
    sys.stderr.write(f"\nproof: {text}\n")
