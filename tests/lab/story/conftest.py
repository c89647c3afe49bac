"""One operator and three clean hosts for every test; the lab is left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator, settle_in
from tests.lab.story.world import World


@pytest.fixture
def world(lab: Lab) -> Iterator[World]:
    """The hosts, without a trace of the wizard before and after."""
    hosts = World(lab)
    hosts.clear()
    yield hosts
    lab.mend_all()
    hosts.clear()


@pytest.fixture
def operator(lab: Lab, world: World, tmp_path: Path) -> Operator:
    """A person who trusts the lab's host keys and has built nothing yet."""
    return settle_in(lab, tmp_path / "operator")
