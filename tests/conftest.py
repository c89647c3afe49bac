"""What holds for every test."""

from __future__ import annotations

import pytest

from tests.guard import allow_loopback_only


@pytest.fixture(autouse=True)
def nobody_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast tests connect to this machine only; lab tests and benchmarks to the lab's own bridge as well."""
    if not any(request.node.get_closest_marker(name) for name in ("lab", "bench")):
        allow_loopback_only(monkeypatch)
