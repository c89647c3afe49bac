"""What holds for every test."""

from __future__ import annotations

import signal

import pytest

from tests.guard import allow_loopback_only


def pytest_configure() -> None:
    """A shell that starts us in the background lets its children ignore Ctrl-C, which some tests are about."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nobody_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast tests connect to this machine only; lab tests and benchmarks to the lab's own bridge as well."""
    if not any(request.node.get_closest_marker(name) for name in ("lab", "bench")):
        allow_loopback_only(monkeypatch)
