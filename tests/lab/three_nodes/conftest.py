"""Two servers and an agent on guests of the lab, by the real command, which is killed on its way again and again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Lab, talk
from tests.lab.kubernetes.nodes import APPLY_SECONDS, LEFT_OUT, Kubernetes, resident
from tests.lab.story.operators import Done, Operator
from tests.lab.story.world import tell
from wizard.lab import lifecycle

KILLER = Path(__file__).parents[1] / "story" / "killer"

FREE_SECONDS = 60.0
"""Deadline of the hosts to let go of a wizard that was killed, on a busy machine."""


TRIES = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """When the wizard is killed: a change is in flight for so many seconds."""

    change: str
    """`STEP/KEY`."""
    seconds: float

    def __str__(self) -> str:
        return f"{self.change} +{self.seconds:g} s"


MOMENTS = (
    Moment("k3s-programs/install:server-a", 1.0),
    Moment("k3s-servers/tokens", 0.0),
    Moment("k3s-servers/start:server-a", 4.0),
    Moment("api-address/address:server-a", 0.5),
    Moment("k3s-agents/start:worker-a", 2.0),
    Moment("nodes/node:worker-a", 0.0),
)
"""One in each stage of K3s, in their order: while files are sent, in the middle of a start, before a word is said."""


@dataclass(frozen=True, slots=True)
class Killed:
    """A wizard that was killed, and what its state says then."""

    moment: Moment
    done: Done
    status: str
    """Of the change."""


@dataclass(frozen=True, slots=True)
class ThreeNodes(Kubernetes):
    """The cluster, and how it was built."""

    killed: tuple[Killed, ...] = ()

    def mend(self) -> Done:
        """`wizard apply` to its end."""
        done = applied(self.site.operator, 0)
        assert done.exit_code == 0, f"{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="package")
def three_nodes(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeNodes]:
    """Server-a, server-b and worker-a on three members of etcd, built in pieces; the lab is left bare."""
    with lab.store.locked():
        lifecycle.build(lab.store, talk, kubernetes=True)
    site = resident(lab, tmp_path_factory.mktemp("three") / "operator", without=LEFT_OUT)
    site.settle()
    site.wipe()
    try:
        killed = tuple(kill(site.operator, moment) for moment in MOMENTS)
        done = applied(site.operator, 0)
        assert done.exit_code == 0, f"{done.stdout}\n{done.stderr}"
        whole = sum(one.done.seconds for one in killed) + done.seconds
        tell(f"three nodes Ready after {whole:.0f} s of a wizard that was killed {len(killed)} times")
        yield ThreeNodes(site, (), {}, killed)
    finally:
        lab.mend_all()
        site.wipe()


def applied(operator: Operator, code: int, *, env: dict[str, str] | None = None) -> Done:
    """An apply that ends with this exit code; begun again where etcd lost its leader on a busy machine, and it gave up.

    Args:
        operator: whose cluster it is.
        code: how it shall end.
        env: of the apply, besides the usual.
    """
    for _ in range(TRIES):
        done, _ = operator.apply_when_free(FREE_SECONDS, env=env, timeout=APPLY_SECONDS)
        if done.exit_code == code:
            break
        tell(f"ended with {done.exit_code}, not {code}: {done.stdout}{done.stderr}")
    return done


def kill(operator: Operator, moment: Moment) -> Killed:
    """An apply that ends by SIGKILL."""
    env = {"PYTHONPATH": str(KILLER), "STORY_KILL": f"during {moment.change} {moment.seconds}"}
    done = applied(operator, -signal.SIGKILL, env=env)
    status = change_of(operator.state(), moment.change).get("status", "not begun")
    tell(f"killed at {moment}: after {done.seconds:.0f} s, exit code {done.exit_code}, {status}")
    return Killed(moment, done, status)


def change_of(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The record of a change, by `STEP/KEY`; empty where it was never begun."""
    step, _, key = name.partition("/")
    found: dict[str, Any] = state["steps"].get(step, {}).get("changes", {}).get(key, {})
    return found
