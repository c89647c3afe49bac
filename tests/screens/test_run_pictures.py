"""How the review looks, at the smallest size it is designed for and at a comfortable one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.pictures import compare
from tests.screens.runs import desk_with_answers
from tests.screens.walk import Walk, walk

PAGES = {"plan": "p", "failures": "f", "topology": "t"}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_every_page_of_the_review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    async def steps(person: Walk) -> None:
        await person.sees("changes, about")
        for page, key in PAGES.items():
            await person.press(key)
            await person.still()
            compare(person.app, f"review-{page}-{size[0]}x{size[1]}")

    walk(tmp_path, steps, size=size, desk=desk_with_answers(tmp_path), place="review")
