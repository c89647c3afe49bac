"""The fixtures of the tests that download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.artifacts.https_server import Authority, Server
from wizard.transport.http import HttpClient, Timeouts

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own proxy is not part of any test."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    running = Server(authority.server_context())
    yield running
    running.stop()


@pytest.fixture
def client(authority: Authority) -> Iterator[HttpClient]:
    asking = HttpClient(verify=authority.trust(), timeouts=Timeouts(connect=2.0, read=0.5))
    yield asking
    asking.close()


@pytest.fixture
def cache_folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"
