"""A person's machine, three simulated hosts, and the rule of the rows."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests import rows
from tests.faults.cluster_site import ClusterSite
from tests.faults.site import Site
from tests.transport.conftest import account, make_server, server  # noqa: F401 - fixtures

VARIABLES = (
    "WIZARD_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "SSH_AUTH_SOCK",
    "WIZARD_TRACEBACK",
    "DRIVER_KILL_AT",
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(letter, number): the row of the fault list that this test proves")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A row's test that told nothing through the one helper proves nothing."""
    before = rows.ASSERTED.count
    yield
    if item.get_closest_marker("row") and rows.ASSERTED.count == before:
        pytest.fail("a row's test must go through tests/rows.py")


@pytest.fixture
def grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[ClusterSite]:
    """An empty home with a spec that names machines, and hosts nobody has touched."""
    for name in (*VARIABLES, *PROXIES, *(name.upper() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield ClusterSite.fresh(tmp_path, capsys)


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    """An empty home with a sound spec, and hosts nobody has touched."""
    for name in (*VARIABLES, *PROXIES, *(name.upper() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    one = Site(home, tmp_path / "world", capsys)
    yield one
    one.end()
