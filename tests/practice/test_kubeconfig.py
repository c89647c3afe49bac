"""`wizard kubeconfig` on the simulated homelab: inside its folder, and only once there is a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from steps.kube_admin import NAME
from tests.practice.cluster import Cluster
from tests.practice.k3s_by_hand import lay, start
from tests.practice.room import Room
from tests.rows import assert_explained
from wizard.core.errors import ExitCode
from wizard.core.kubeconfig import KUBECONFIG, fingerprint, read_admin
from wizard.core.secret import Secret
from wizard.core.spec import load_spec
from wizard.core.store.secrets import FileSecrets
from wizard.practice.host import PracticeHosts
from wizard.practice.keeping import WorldFile
from wizard.practice.world import World

SERVERS = ("server-a", "server-b")


def with_world(room: Room, change: Callable[[World], None]) -> None:
    """Change the hosts by hand, as they are kept."""
    spec = load_spec(room.folder / "cluster.yaml")
    file = WorldFile(room.folder / "world.json")
    world = file.open(spec, None)
    change(world)
    file.save(world)


def run_k3s(room: Room) -> None:
    """By hand, where the wizard did not do it."""
    file, spec = WorldFile(room.folder / "world.json"), load_spec(room.folder / "cluster.yaml")
    world = file.open(spec, None)
    if any(KUBECONFIG in world.machines[server].files for server in SERVERS):
        return
    secrets = FileSecrets(room.folder / "secrets.yaml")
    cluster = Cluster(spec, room.folder, world.machines, PracticeHosts(world.machines), secrets=secrets)
    for server in SERVERS:
        start(lay(cluster, server))
    file.save(world)


@pytest.fixture
def running(built: Room) -> Room:
    """A homelab with K3s on both servers."""
    run_k3s(built)
    return built


def test_without_a_cluster_there_is_nothing_to_put_anywhere(built: Room) -> None:
    def gone(world: World) -> None:
        for server in SERVERS:
            world.machines[server].files.pop("/etc/rancher/k3s/k3s.yaml", None)

    with_world(built, gone)
    FileSecrets(built.folder / "secrets.yaml").put({NAME: Secret("")})
    before = built.files()
    run = built.practice("--", "kubeconfig")
    assert_explained(
        run,
        exit_code=ExitCode.UNREACHABLE,
        says=("server-a has none; server-b has none",),
        do="wizard apply",
        unchanged=built.files,
        before=before,
    )


def test_it_is_put_into_the_folder_and_nowhere_else(
    running: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("KUBECONFIG", str(elsewhere))
    run = running.practice("--", "kubeconfig")
    assert run.exit_code == 0, run.stderr
    place = running.folder / "kubeconfig"
    assert str(place) in run.stdout
    assert "kubectl get nodes" in run.stdout
    found, spec = yaml.safe_load(place.read_text()), load_spec(running.folder / "cluster.yaml")
    assert found["clusters"][0]["cluster"]["server"] == f"https://{spec.network.api_vip}:6443"
    assert found["current-context"] == found["contexts"][0]["name"] == spec.name
    assert place.stat().st_mode & 0o777 == 0o600
    assert not elsewhere.exists()
    assert not (tmp_path / "home" / ".kube").exists()


def test_the_document_has_no_key_in_it_and_a_second_run_changes_nothing(running: Room) -> None:
    documents = [json.loads(running.practice("--", "kubeconfig", "--json").stdout) for _ in range(2)]
    assert [one["changed"] for one in documents] == [True, False]
    assert "KEY" not in json.dumps(documents)
    assert documents[0]["authority"].startswith("SHA256:")


def test_printed_it_is_a_kubeconfig_and_nothing_is_written(running: Room) -> None:
    before = running.files()
    run = running.practice("--", "kubeconfig", "--print", "--context", "mine")
    assert run.exit_code == 0, run.stderr
    found = yaml.safe_load(run.stdout)
    assert found["current-context"] == "mine"
    assert read_admin(run.stdout).fingerprint == fingerprint(read_admin(run.stdout).authority)
    assert not (running.folder / "kubeconfig").exists()
    assert running.files().keys() == before.keys()


def test_an_api_that_does_not_answer_is_said_and_the_entry_is_put_all_the_same(running: Room) -> None:
    def stop(world: World) -> None:
        for server in SERVERS:
            world.machines[server].k3s.wanted = world.machines[server].k3s.enabled = False

    with_world(running, stop)
    run = running.practice("--", "kubeconfig")
    assert run.exit_code == 0, run.stderr
    assert "does not answer" in run.stderr
    assert (running.folder / "kubeconfig").exists()


def test_a_name_that_is_none_is_refused(running: Room) -> None:
    before = running.files()
    run = running.practice("--", "kubeconfig", "--context", " ")
    assert_explained(
        run,
        exit_code=ExitCode.BAD_SPEC,
        says=("--context",),
        do="wizard kubeconfig --context",
        unchanged=lambda: running.files().keys(),
        before=before.keys(),
    )
