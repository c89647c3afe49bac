"""K3s: how often everybody is asked and what doctor takes, on six nodes of the lab; agents side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from unittest.mock import patch

import pytest

from tests.bench.measure import RUNS, race
from tests.bench.phases import phases
from tests.bench.report import Report, ms
from tests.lab.asked import API_CALLS, REQUESTS, asked_by
from tests.lab.kubernetes.conftest import six_nodes
from tests.lab.kubernetes.nodes import AGENTS, Kubernetes
from tests.lab.story.operators import APPLY
from tests.practice.cluster import MACHINES, NET, Cluster, built, yes
from tests.practice.k3s_site import STORY
from wizard.compose import open_session
from wizard.core.engine.plan import prefetch_all
from wizard.core.events import event_json
from wizard.core.session import Session
from wizard.front.arguments import build_parser
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHosts
from wizard.practice.pace import Pace

__all__ = ["six_nodes"]

pytestmark = pytest.mark.bench

SIDE_BY_SIDE = 1.5
"""Issue 8, section 5: the time of four agents beside that of one."""

DOCTOR = 2.0
"""Issue 8, section 5: doctor beside one read of facts and one round trip to the API for each group of its checks."""

PACE = 4.0
"""Seconds of the simulated homelab in one of ours; an agent's start takes 20 of its."""

AGENT = "host: tower-a, role: worker, address: {}.{}, cpus: 1, memory: 2GiB, disk: 8GiB"


def test_requests_of_a_noop(six_nodes: Kubernetes, report: Report) -> None:
    """Of the whole stack. It asserts: a count is no matter of the clock."""
    with at_home(six_nodes):
        asked = asked_by(*APPLY, "--dir", str(six_nodes.site.operator.folder))
    assert (asked.code, "0 changes done" in asked.said) == (0, True), asked.said
    report.value(
        "requests per machine, K3s' nodes too, in an apply with nothing to do", asked.most, "", REQUESTS
    )
    report.value("calls of the Kubernetes API in the same", asked.calls, "", API_CALLS)
    spec = six_nodes.site.spec
    assert len(asked.hosts) == len(spec.hosts) + len(spec.machines), asked.hosts
    assert asked.most <= REQUESTS, asked.hosts
    assert 1 <= asked.calls <= API_CALLS


def test_doctor_of_a_healthy_cluster(six_nodes: Kubernetes, report: Report) -> None:
    """Over open connections; a group is one kind of check, on however many nodes, that asks the API."""
    with session(six_nodes) as open_:
        groups = [name for name in open_.check_ids() if name.startswith("nodes.")]

        def facts() -> None:
            prefetch_all(open_.settled(), lambda _: None)

        def doctor() -> None:
            found = open_.doctor()
            assert found.verdict == "ok", [one for one in found.findings if one.status != "pass"]

        took = race({"doctor": taken(doctor), "facts": taken(facts)})
        trip = median(taken(open_.kubernetes.version)() for _ in range(RUNS))
    report.say(
        f"facts of every machine {ms(took['facts'])}; a round trip to the API {ms(trip)}, {len(groups)} groups"
    )
    basis = took["facts"] + len(groups) * trip
    report.at_most(
        "doctor of a healthy cluster of six nodes", took["doctor"], basis, "facts and round trips", DOCTOR
    )


def test_four_agents_beside_one(tmp_path: Path, report: Report) -> None:
    """From the first file to the last agent that has joined; the programs lie there by then.

    On simulated hosts, which share nothing, as the lab's nodes share two cores: what is left is what the wizard makes wait.
    """
    took = {count: joined(tmp_path / str(count), count) for count in (1, len(AGENTS))}
    what = f"four agents that join the cluster, on simulated hosts ({PACE:g} of their seconds in one of ours)"
    report.at_most(what, took[len(AGENTS)], took[1], "one agent", SIDE_BY_SIDE)


def joined(folder: Path, count: int) -> float:
    """Have the wizard set up and start the first so many agents of a cluster that has none; the seconds of that step."""
    folder.mkdir()
    rows = [f"  - {{name: {name}, {AGENT.format(NET, 51 + at)}}}\n" for at, name in enumerate(AGENTS[:count])]
    cluster = Cluster.fresh(folder, machines=MACHINES.replace("artifacts:", f"{''.join(rows)}artifacts:"))
    built(cluster, steps=[step for step in STORY if step.id != "k3s-agents"])
    cluster.events.clear()
    paced = PracticeHosts(cluster.machines, Faults(), pace=Pace(PACE))
    assert replace(cluster.session(steps=STORY), hosts=paced).apply(yes).status == "done"
    return agents_took([json.dumps(event_json(event)) for event in cluster.events], AGENTS[:count])


def agents_took(events: Sequence[str], agents: Sequence[str]) -> float:
    """Seconds from the first to the last change of the agents' step in the last apply; it was about these agents alone."""
    done = [one for one in phases(events).changes if one.step == "k3s-agents"]
    assert {one.key for one in done} == {
        f"{what}:{name}" for what in ("configure", "start") for name in agents
    }
    return max(one.began + one.seconds for one in done) - min(one.began for one in done)


def taken(work: Callable[[], object]) -> Callable[[], float]:
    """A contestant that does this in this process."""

    def contestant() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return contestant


@contextmanager
def at_home(nodes: Kubernetes) -> Iterator[None]:
    """As the person whose cluster it is, in this process."""
    operator = nodes.site.operator
    with chdir(operator.home), patch.dict("os.environ", operator.environment):
        yield


@contextmanager
def session(nodes: Kubernetes) -> Iterator[Session]:
    """Of `wizard doctor`; its connections stay open from one look to the next."""
    with at_home(nodes):
        options = build_parser("doctor").parse_args(["doctor", "--dir", str(nodes.site.operator.folder)])
        with open_session(options) as opened:
            yield opened
