"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from tests.engine.story import Lab


@pytest.fixture
def lab() -> Lab:
    """A homelab nobody has touched."""
    return Lab()
