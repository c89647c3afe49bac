"""`python -m tests.recordings.practice_facts`: the practice world's facts out of the recordings."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.recordings.cases import HOSTS
from tests.recordings.recording import FOLDER, load_all

ASSETS = Path(__file__).parents[2] / "assets" / "practice"


def practice_facts(folder: Path = FOLDER) -> dict[str, str]:
    """Text of `assets/practice/NAME` by name: what each host of the lab said before anything was done to it."""
    recordings = load_all(folder)
    return {f"{host}.facts": recordings[f"read-facts/untouched.{host}"].said.stdout for host in HOSTS}


def write(folder: Path = FOLDER, assets: Path = ASSETS) -> list[Path]:
    """Write them.

    Args:
        folder: of the recordings.
        assets: where they go.
    """
    assets.mkdir(exist_ok=True)
    for name, text in practice_facts(folder).items():
        (assets / name).write_text(text)
    return [assets / name for name in practice_facts(folder)]


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in write())
