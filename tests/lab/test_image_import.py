"""What the wizard pulls from a registry, taken by the real containerd of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.artifacts.fixtures import authority, cache_folder, client, no_proxy, server
from tests.artifacts.https_server import Server
from tests.artifacts.pulling import Pulling
from tests.artifacts.registry_server import Registry
from wizard.transport.http import HttpClient

__all__ = ["authority", "cache_folder", "client", "no_proxy", "server"]

pytestmark = pytest.mark.lab

START_SECONDS = 60.0
Ctr = Callable[..., str]


@pytest.fixture
def ctr(tmp_path: Path) -> Iterator[Ctr]:
    """`ctr` of a containerd of the test's own, in the namespace of Kubernetes."""
    program = shutil.which("containerd")
    assert program is not None, "Docker brings it"
    socket = tmp_path / "containerd.sock"
    settings = tmp_path / "config.toml"
    settings.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    folders = ["--root", str(tmp_path / "root"), "--state", str(tmp_path / "state")]
    command = [program, "--config", str(settings), *folders, "--address", str(socket), "--log-level", "error"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(*words: str) -> str:
        asked = ["ctr", "--address", str(socket), "--namespace", "k8s.io", *words]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        until = time.monotonic() + START_SECONDS
        while subprocess.run(
            ["ctr", "--address", str(socket), "version"], capture_output=True, check=False
        ).returncode:
            assert running.poll() is None and time.monotonic() < until, "containerd does not start"
        yield ask
    finally:
        running.terminate()
        running.wait(30)


@pytest.mark.parametrize("docker", [False, True])
def test_containerd_imports_a_pulled_image_by_its_name(
    server: Server, client: HttpClient, cache_folder: Path, ctr: Ctr, docker: bool
) -> None:
    registry = Registry(server, docker=docker)
    archive = Pulling(client, cache_folder)(registry)
    ctr("images", "import", "--no-unpack", str(archive))
    rows = [line.split() for line in ctr("images", "list").splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows] == [(registry.reference.name, registry.manifest("amd64"))]
    there = set(ctr("content", "list", "--quiet").split())
    manifest = json.loads(registry.manifests[registry.manifest("amd64")])
    wanted = {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
    assert there >= {registry.manifest("amd64"), *wanted}
