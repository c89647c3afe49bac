"""Row 77: a registry is busy, silent or away, or has an image for another architecture only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.artifacts.fixtures import authority, client, no_proxy, server
from tests.artifacts.https_server import Behaviour, Server, failing, hanging_up
from tests.artifacts.pulling import Pulling
from tests.artifacts.registry_server import REPOSITORY, TAG, Registry
from tests.rows import assert_explained
from wizard.artifacts.image_archive import flaw
from wizard.core.errors import ExitCode
from wizard.transport.http import HttpClient

__all__ = ["authority", "client", "no_proxy", "server"]


@pytest.fixture
def registry(server: Server) -> Registry:
    return Registry(server)


@pytest.fixture
def pull(client: HttpClient, tmp_path: Path) -> Pulling:
    return Pulling(client, tmp_path / "cache")


def stalling(server: Server) -> Behaviour:
    return lambda _request, _connection: server.wait_for_stop(10)


@pytest.mark.row("F", 77)
@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (
            lambda _server: failing("429 Too Many Requests", {"Retry-After": "7200"}),
            "asks to wait 7200 seconds",
        ),
        (stalling, "nothing came for too long"),
        (lambda _server: hanging_up, "connection broke"),
    ],
)
def test_row_f77_a_registry_that_does_not_answer(
    registry: Registry, pull: Pulling, harm: Callable[[Server], Behaviour], says: str
) -> None:
    registry.at_blob(registry.layer("amd64"), harm(registry.server))
    error = pull.refused(registry)
    assert_explained(error, exit_code=ExitCode.FAILED, says=[says], do="wizard artifacts fetch ./artifacts")


@pytest.mark.row("F", 77)
def test_row_f77_no_route_to_the_registry(client: HttpClient, tmp_path: Path, server: Server) -> None:
    away = replace(Registry(server).reference, registry="localhost:1")
    error = Pulling(client, tmp_path).refused(Registry(server), reference=away)
    assert_explained(error, exit_code=ExitCode.FAILED, says=["no connection to localhost"], do="curl -sSIv")


@pytest.mark.row("F", 77)
def test_row_f77_an_image_that_is_not_made_for_an_architecture(server: Server, pull: Pulling) -> None:
    registry = Registry(server, arches=("amd64",))
    error = pull.refused(registry, "arm64")
    assert_explained(
        error,
        exit_code=ExitCode.FAILED,
        says=[f"{REPOSITORY}:{TAG} is not made for arm64", "made for: linux/amd64"],
        do="--arch amd64",
    )
    assert len(server.requests) == 1


@pytest.mark.row("F", 77)
def test_row_f77_a_single_image_for_another_architecture(registry: Registry, pull: Pulling) -> None:
    only = registry.named(registry.manifest("amd64"))
    assert flaw(pull(registry, reference=only), only.digest, "amd64") == ""
    pull.root = pull.root / "other"
    error = pull.refused(registry, "arm64", reference=only)
    assert_explained(error, exit_code=ExitCode.FAILED, says=["linux/amd64"], do="wizard artifacts list")
