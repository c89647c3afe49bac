"""The Go module of the lab's K3s: its own tests, its form, and that what it says of flags is well formed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import assets
from wizard.lab import go_build

MODULE = Path(assets.__file__).parent / "lab" / "k3s"

needs_go = pytest.mark.skipif(not go_build.compiler(), reason="no Go on this machine")


AS_BUILT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -trimpath", "GOWORK": "off"}
"""As the artifact is built: what was compiled for it is not compiled again. Kubernetes takes minutes."""


def own_tests(*packages: str) -> subprocess.CompletedProcess[str]:
    """The module's own tests. Its vet is left out: that looks through all of Kubernetes, for minutes."""
    command = [go_build.compiler(), "-C", str(MODULE), "test", "-vet=off", *packages]
    env = {**os.environ, **AS_BUILT}
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=env)


@pytest.mark.lab
@needs_go
def test_configuration_tokens_and_children_by_the_modules_own_tests() -> None:
    done = own_tests("./internal/cli", "./internal/token", "./internal/process")
    assert done.returncode == 0, done.stdout + done.stderr


@needs_go
def test_the_sources_have_gos_form() -> None:
    gofmt = Path(go_build.compiler()).with_name("gofmt")
    done = subprocess.run(
        [str(gofmt), "-l", str(MODULE)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_kubernetes_is_the_version_that_the_release_holds() -> None:
    text = (MODULE / "go.mod").read_text()
    assert "k8s.io/kubernetes v1.36.4\n" in text
    replaced = [line.split("=>")[1].split() for line in text.splitlines() if "=>" in line]
    assert replaced
    assert {version for _, version in replaced} == {"v0.36.4"}


@pytest.mark.lab
@needs_go
def test_bootstrap_data_and_the_load_balancer_by_the_modules_own_tests() -> None:
    done = own_tests("./internal/bootstrap", "./internal/agent")
    assert done.returncode == 0, done.stdout + done.stderr
