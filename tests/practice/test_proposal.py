"""A spec that names no machines: what was proposed is built, and stays whatever becomes of the facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.story import KillAt, Killed
from tests.practice.cluster import Cluster, cluster_text, parsed, yes
from wizard.core.decide.layout import make_layout
from wizard.core.state import ChangeStatus
from wizard.core.store.document import document_of, read_state
from wizard.front.layout import machines_yaml

NOTHING_NAMED = "\nartifacts: {accept_built: true}\n"

THINGS = 360
"""About as many as happen on the hosts in an uninterrupted run: what is done side by side asks more or less often."""
STEP = 24

ROLES = [(role, host) for host in ("tower-a", "tower-b") for role in ("etcd", "server", "worker")]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield


def fresh(folder: Path) -> Cluster:
    """Hosts nobody has touched, and a spec without a word about machines."""
    return Cluster.fresh(folder, machines=NOTHING_NAMED)


def remember(cluster: Cluster, gib: int, *hosts: str) -> None:
    """From now on these hosts have so much memory, as after a DIMM was taken out or put in."""
    for host in hosts or ("tower-a", "tower-b"):
        sections = cluster.machines[host].sections
        lines = sections["file /proc/meminfo"]
        sections["file /proc/meminfo"] = tuple(
            re.sub(r"^MemTotal:\s+\d+", f"MemTotal: {gib * 1024 * 1024}", line) for line in lines
        )


def guests(cluster: Cluster) -> dict[str, list[str]]:
    """The definition of every guest by its host, as libvirt has it."""
    return {
        host: [cluster.machines[host].domains[name].xml for name in sorted(cluster.machines[host].domains)]
        for host in ("tower-a", "tower-b")
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The world after a run nobody disturbed."""
    cluster = fresh(tmp_path_factory.mktemp("undisturbed"))
    seen = cluster.hosts.faults.watch = KillAt(10**9)
    assert cluster.session().apply(yes).status == "done"
    assert seen.seen < THINGS + 4 * STEP, f"{seen.seen} things: the points below do not cover a run"
    return cluster.picture()


def test_apply_builds_what_layout_proposed(tmp_path: Path) -> None:
    cluster = fresh(tmp_path)
    proposed = make_layout(cluster.spec, cluster.session().facts().known_facts()).machines
    assert [(one.role, one.host) for one in proposed] == ROLES
    assert cluster.session().apply(yes).status == "done"
    made = sorted(name for host in ("tower-a", "tower-b") for name in cluster.machines[host].domains)
    assert made == sorted(one.name for one in proposed)
    approved = cluster.states[-1].layout
    assert approved is not None
    assert approved.machines == proposed
    assert cluster.session().plan()[0].changes == 0
    assert cluster.session().apply(yes).changes == 0
    assert cluster.session().doctor().verdict == "ok"
    assert (len(cluster.etcd().voters), len(cluster.etcd().running)) == (3, 3)


def test_the_first_plan_shows_the_machines_before_there_is_anything_to_ask(tmp_path: Path) -> None:
    cluster = fresh(tmp_path)
    plan, _ = cluster.session().plan()
    made = [change.key for step in plan.steps for change in step.changes if change.key.startswith("create:")]
    assert made == [f"create:{role}-{host[-1]}" for role, host in ROLES]
    assert not cluster.states, "a plan remembers nothing"


@pytest.mark.parametrize("gib", [8, 64])
def test_other_facts_move_and_destroy_nothing(tmp_path: Path, gib: int) -> None:
    cluster = fresh(tmp_path)
    assert cluster.session().apply(yes).status == "done"
    before = guests(cluster)
    remember(cluster, gib)
    session = cluster.session()
    plan, left = session.plan()
    assert (plan.changes, plan.destroys, left.answers) == (0, 0, ())
    assert session.apply(yes).changes == 0
    assert guests(cluster) == before
    layout = make_layout(cluster.spec, session.facts().known_facts(), cluster.states[-1].layout)
    assert layout.machines == cluster.states[-1].layout.machines  # type: ignore[union-attr] # applied above
    assert any("worker-a: memory" in text for text in layout.differs)


@pytest.mark.parametrize("number", range(1, THINGS, STEP))
def test_killed_anywhere_it_goes_on_with_what_was_approved(
    tmp_path: Path, expected: dict[str, object], number: int
) -> None:
    """Memory was put in between the two runs: a proposal made then would have larger machines."""
    cluster = fresh(tmp_path)
    cluster.hosts.faults.watch = KillAt(number)
    with suppress(Killed):
        cluster.session().apply(yes)
    cluster.restarted()
    if cluster.states:
        remember(cluster, 64)
    result = cluster.session().apply(yes)
    assert result.status == "done", [error.why for error in result.errors]
    assert cluster.picture() == expected
    assert cluster.twice() == []
    assert cluster.session().plan()[0].changes == 0


def test_the_proposal_written_into_the_spec_changes_nothing(tmp_path: Path) -> None:
    cluster = fresh(tmp_path)
    assert cluster.session().apply(yes).status == "done"
    approved = cluster.states[-1].layout
    assert approved is not None
    written = "\n" + "\n".join(machines_yaml(approved.machines)) + NOTHING_NAMED
    cluster.spec = parsed(cluster_text(tmp_path / "key", machines=written))
    assert not cluster.spec.propose
    plan, left = cluster.session().plan()
    assert (plan.changes, left.answers) == (0, ())


def test_a_section_that_was_taken_out_leaves_the_machines_as_they_are(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path)
    assert cluster.session().apply(yes).status == "done"
    cluster.spec = parsed(cluster_text(tmp_path / "key", machines=NOTHING_NAMED))
    plan, left = cluster.session().plan()
    assert (plan.changes, plan.destroys, left.answers) == (0, 0, ())


def test_a_hypervisor_that_cannot_be_asked_leaves_no_half_proposal(tmp_path: Path) -> None:
    """Its machines would be missing, and those of the other could have other addresses: nothing is made."""
    cluster = fresh(tmp_path)
    cluster.hosts.faults.dead.add("tower-b")
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    assert not any(machine.domains for machine in cluster.machines.values())
    assert not any(state.layout for state in cluster.states)
    cluster.hosts.faults.dead.clear()
    assert cluster.session().apply(yes).status == "done"
    approved = cluster.states[-1].layout
    assert approved is not None
    assert [(one.role, one.host) for one in approved.machines] == ROLES


def test_an_empty_section_asks_for_no_machines(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path, machines="\nmachines: []\n")
    assert not cluster.spec.propose
    assert cluster.session().apply(yes).changes == 3, "the markers of three hosts"
    assert not any(machine.domains for machine in cluster.machines.values())


def test_what_was_approved_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    cluster = fresh(tmp_path)
    cluster.session().apply(yes)
    state = cluster.states[-1]
    assert all(
        one.status is ChangeStatus.DONE for step in state.steps.values() for one in step.changes.values()
    )
    document = document_of(state) | {"checksum": ""}
    assert read_state(document) == replace(state, decisions=state.decisions)
