"""How often each is asked where nothing is to be done: hosts and guests three times, the Kubernetes API twenty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.practice.cluster import VM_DIRS, Cluster, built, yes
from tests.practice.k3s_site import MACHINES
from wizard.core.host import Args
from wizard.core.session import Session
from wizard.core.spec.model import BackupSpec
from wizard.practice.answer import Answer, Handler
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHosts
from wizard.practice.kube_api import PracticeApi
from wizard.practice.machine import Machine
from wizard.practice.scripts import HANDLERS
from wizard.practice.world import BACKUPS

QUESTIONS = 3
"""Issues 4 and 8: of a host or guest, in an apply with nothing to do."""

API_CALLS = 20
"""Issue 8: of the Kubernetes API, in the same."""

LOOKING: dict[str, Callable[[Session], object]] = {
    "plan": Session.plan,
    "apply": lambda session: session.apply(yes),
    "doctor": Session.doctor,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Every step was done, those of K3s among them."""
    return built(Cluster.fresh(tmp_path_factory.mktemp("questions"), machines=MACHINES))


@pytest.fixture(scope="module")
def backed(whole: Cluster) -> Cluster:
    """With backups of etcd as well."""
    cluster = whole.clone()
    cluster.spec = replace(cluster.spec, backup=BackupSpec(BACKUPS, "30 3 * * *", 3))
    return built(cluster)


def noting(asked: dict[str, list[str]]) -> dict[str, Handler]:
    """What scripts do to simulated hosts, each host's scripts written down."""

    def noted(script: str, handler: Handler) -> Handler:
        def answer(machine: Machine, args: Args, payload: bytes) -> Answer:
            asked[machine.name].append(script)
            return handler(machine, args, payload)

        return answer

    return {script: noted(script, handler) for script, handler in HANDLERS.items()}


def asked_in(cluster: Cluster, command: str) -> dict[str, list[str]]:
    """The scripts each machine is asked for; nothing is changed, and the API is asked little.

    Args:
        cluster: where nothing is to be done.
        command: of `LOOKING`.
    """
    before = {name: (machine.requests, list(machine.ran)) for name, machine in cluster.machines.items()}
    asked: dict[str, list[str]] = {name: [] for name in cluster.machines}
    api = PracticeApi(cluster.world)
    hosts = PracticeHosts(cluster.machines, Faults(), noting(asked))
    LOOKING[command](replace(cluster.session(), hosts=hosts, kubernetes=api))
    for name, machine in cluster.machines.items():
        requests, ran = before[name]
        assert machine.ran == ran, f"{name} was changed"
        assert machine.requests - requests == len(asked[name]), "not all that was asked is a script"
    assert 1 <= api.calls <= API_CALLS
    return asked


@pytest.mark.parametrize("command", LOOKING)
def test_where_nothing_is_to_be_done_everybody_is_asked_little(whole: Cluster, command: str) -> None:
    for name, scripts in asked_in(whole.clone(), command).items():
        assert 1 <= len(scripts) <= QUESTIONS, f"{name}: {', '.join(scripts)}"
        assert len(set(scripts)) == len(scripts), f"{name} was asked the same twice: {', '.join(scripts)}"


@pytest.mark.parametrize("command", LOOKING)
def test_backups_are_one_question_more_to_who_makes_and_who_keeps_them(backed: Cluster, command: str) -> None:
    for name, scripts in asked_in(backed.clone(), command).items():
        about = [script for script in scripts if "backup" in script]
        assert len(about) == (1 if name in (*VM_DIRS, "etcd-a", "etcd-b") else 0), f"{name}: {about}"
        assert len(scripts) <= QUESTIONS + len(about), f"{name}: {', '.join(scripts)}"
