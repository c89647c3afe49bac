"""A person's machine and a homelab whose guests and etcd are the business of the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.practice.cluster import MACHINES, Cluster, Hasty, cluster_text, parsed
from tests.rows import CliRun
from wizard import cli, compose, compose_hosts
from wizard.core.engine import control
from wizard.core.home import ClusterHome
from wizard.core.secret import Secret
from wizard.core.store.secrets import FileSecrets
from wizard.front import terminal
from wizard.practice.artifacts import PracticeArtifacts
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHosts
from wizard.practice.kube_api import PracticeApi
from wizard.practice.world import homelab

APPLY = ("apply", "--plain", "--yes")


@dataclass(slots=True)
class ClusterSite:
    """Where a person works; the homelab in it outlives each command."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    cluster: Cluster
    real_artifacts: bool = False
    """Files come from where the command line says, not out of the simulated homelab."""
    agrees: bool = False
    """The person says yes to a plan that destroys something, as they can at a terminal only."""

    @classmethod
    def fresh(cls, home: Path, capsys: pytest.CaptureFixture[str]) -> ClusterSite:
        """Hosts nobody has touched."""
        site = cls(home, capsys, Cluster.fresh(home))
        site.write()
        return site

    @property
    def folder(self) -> ClusterHome:
        """What the wizard keeps."""
        return ClusterHome(self.home / ".local" / "state" / "homelab-wizard" / "loop")

    def write(
        self, change: Callable[[str], str] = str, *, guests: str = "qemu", machines: str = MACHINES
    ) -> None:
        """The spec, with a change made to its text; hosts nobody has touched yet are as it says."""
        text = change(cluster_text(self.home / "key", guests=guests, machines=machines))
        (self.home / "cluster.yaml").write_text(text)
        self.cluster.spec = parsed(text)
        if not any(one.ran for one in self.cluster.machines.values()):
            self.cluster.machines = homelab(self.cluster.spec)
            self.cluster.hosts = PracticeHosts(self.cluster.machines, Faults())

    def run(self, *argv: str) -> CliRun:
        """A command in this process."""
        self.capsys.readouterr()
        files = None if self.real_artifacts else PracticeArtifacts(self.home)
        with _composed(self.cluster, files), _answered(self.agrees):
            code = cli.main(argv)
        out, err = self.capsys.readouterr()
        return CliRun(code, out, err)

    def apply(self) -> CliRun:
        """`wizard apply`."""
        return self.run(*APPLY)

    def applied(self) -> None:
        """Everything is done and saved."""
        run = self.apply()
        assert run.exit_code == 0, run.stderr + run.stdout

    def doctor(self) -> CliRun:
        """`wizard doctor --json`."""
        return self.run("doctor", "--json")

    def secret(self, name: str) -> Secret | None:
        """What is kept under a name."""
        return FileSecrets(self.folder.secrets).get(name)

    def content(self) -> None:
        """Nothing is left to do, and doctor finds nothing."""
        assert self.run("plan").exit_code == 0
        report = json.loads(self.doctor().stdout)
        assert report["verdict"] == "ok", [one for one in report["findings"] if one["status"] == "fail"]

    def guests_and_etcd(self) -> list[str]:
        """Every operation on guests and etcd that was carried out."""
        return [
            f"{name} {run.script}"
            for name, machine in self.cluster.machines.items()
            for run in machine.ran
            if run.script != "do/marker"
        ]


@contextmanager
def _answered(yes: bool) -> Iterator[None]:
    if not yes:
        yield
        return
    with patch.object(terminal, "AskApproval", lambda *_, **__: lambda *_: True):
        yield


@contextmanager
def _composed(cluster: Cluster, files: PracticeArtifacts | None) -> Iterator[None]:
    """The command line with simulated hosts and files; time spent waiting is short."""
    kind, artifacts = control.Control, compose._artifacts
    with ExitStack() as stack:
        for place, name, made in (
            (compose_hosts, "ssh_hosts", lambda *_: cluster.hosts),
            (compose_hosts, "cluster_api", lambda _, admin: PracticeApi(cluster.world, admin=admin)),
            (compose, "_artifacts", (lambda *_: files) if files else artifacts),
            (control, "Control", lambda: kind(detach=Hasty())),
        ):
            stack.enter_context(patch.object(place, name, made))
        yield
