"""How often each is asked where nothing is to be done: hosts and guests three times, the Kubernetes API twenty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.practice.cluster import Cluster, built, yes
from tests.practice.k3s_site import MACHINES
from wizard.core.host import Args
from wizard.core.session import Session
from wizard.practice.answer import Answer, Handler
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHosts
from wizard.practice.kube_api import PracticeApi
from wizard.practice.machine import Machine
from wizard.practice.scripts import HANDLERS

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


def noting(asked: dict[str, list[str]]) -> dict[str, Handler]:
    """What scripts do to simulated hosts, each host's scripts written down."""

    def noted(script: str, handler: Handler) -> Handler:
        def answer(machine: Machine, args: Args, payload: bytes) -> Answer:
            asked[machine.name].append(script)
            return handler(machine, args, payload)

        return answer

    return {script: noted(script, handler) for script, handler in HANDLERS.items()}


@pytest.mark.parametrize("command", LOOKING)
def test_where_nothing_is_to_be_done_everybody_is_asked_little(whole: Cluster, command: str) -> None:
    cluster = whole.clone()
    asked: dict[str, list[str]] = {name: [] for name in cluster.machines}
    api = PracticeApi(cluster.world)
    session = replace(
        cluster.session(),
        hosts=PracticeHosts(cluster.machines, Faults(), noting(asked)),
        kubernetes=api,
    )
    requests = {name: machine.requests for name, machine in cluster.machines.items()}
    LOOKING[command](session)
    assert all(machine.ran == whole.machines[name].ran for name, machine in cluster.machines.items())
    counts = {name: machine.requests - requests[name] for name, machine in cluster.machines.items()}
    assert counts == {name: len(scripts) for name, scripts in asked.items()}, "not all was a script"
    for name, scripts in asked.items():
        assert 1 <= len(scripts) <= QUESTIONS, f"{name}: {', '.join(scripts)}"
        assert len(set(scripts)) == len(scripts), f"{name} was asked the same twice: {', '.join(scripts)}"
    assert 1 <= api.calls <= API_CALLS
