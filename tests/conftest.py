"""What holds for every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.guard import allow_loopback_only

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30
"""What the fast tests' folders take at most together is a tenth of it."""


def pytest_configure(config: pytest.Config) -> None:
    """What the tests find of the machine.

    A shell that starts us in the background lets its children ignore Ctrl-C, which some tests are about. And the
    wizard syncs whatever it writes: thousands of times in the fast tests, each of which waits for the disk.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "not lab" in config.option.markexpr and _room_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def _room_in_memory() -> bool:
    """Whether files can lie in memory, programs among them."""
    if not os.access(MEMORY, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(MEMORY)
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= ROOM_BYTES


@pytest.fixture(autouse=True)
def nobody_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast tests connect to this machine only; lab tests and benchmarks to the lab's own bridge as well."""
    if not any(request.node.get_closest_marker(name) for name in ("lab", "bench")):
        allow_loopback_only(monkeypatch)
