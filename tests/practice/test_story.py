"""The first story with the real steps, on the practice homelab: plan, apply, plan, doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.practice.home import Home, yes
from wizard.core.check import Status
from wizard.core.errors import StateError
from wizard.core.facts import HostFacts, Marker
from wizard.core.state import new_state
from wizard.practice.faults import link_lost
from wizard.practice.host import fingerprint
from wizard.practice.scripts import HANDLERS

HOSTS = ["tower-a", "tower-b", "pi"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return Home.fresh(tmp_path / "key")


def test_the_first_plan_has_a_marker_for_every_host_and_changes_nothing(home: Home) -> None:
    before = fingerprint(home.machines)
    plan, _ = home.session().plan()
    keys = [change.key for step in plan.steps for change in step.changes]
    assert keys == [f"marker:{host}" for host in HOSTS]
    assert plan.changes == 3
    assert not plan.errors
    assert fingerprint(home.machines) == before
    assert home.states == []


def test_apply_then_nothing_to_do_and_doctor_content(home: Home) -> None:
    result = home.session().apply(yes)
    assert (result.status, result.changes) == ("done", 3)
    plan, left = home.session().plan()
    assert plan.changes == 0
    assert len(left.holds) == 3
    report = home.session().doctor()
    assert report.verdict == "ok", [item for item in report.findings if item.status is not Status.PASS]
    assert report.root_causes == []
    asked = {item.check for item in report.findings}
    assert {"here.key", "hosts.reach", "hosts.marker", "discover.clocks", "discover.identity"} <= asked
    assert {item.host for item in report.findings} == {"", *HOSTS}


def test_every_host_carries_the_marker_of_this_run(home: Home) -> None:
    home.session().apply(yes)
    state = home.states[-1]
    ctx = home.session().facts()
    for host in HOSTS:
        assert ctx.facts(host).marker == Marker(home.spec.name, state.lineage, state.serial)
        assert len(home.machines[host].ran) == 1


def test_facts_of_every_host_are_those_of_a_real_one(home: Home) -> None:
    ctx = home.session().facts()
    found = {host: ctx.try_facts(host) for host in HOSTS}
    known = {host: facts for host, facts in found.items() if isinstance(facts, HostFacts)}
    assert {host: facts.platform for host, facts in known.items()} == {
        "tower-a": "libvirt",
        "tower-b": "unraid",
        "pi": "pi",
    }
    for host, facts in known.items():
        assert facts.hostname == host
        assert facts.notes == ()
        addresses = {address for nic in facts.nics for address in nic.addresses}
        assert any(home.machines[host].address in address for address in addresses)
    assert len({facts.machine_id for facts in known.values()}) == 3
    assert len({facts.boot_id for facts in known.values()}) == 3


def test_an_apply_with_nothing_to_do_asks_each_host_little(home: Home) -> None:
    home.session().apply(yes)
    for machine in home.machines.values():
        machine.requests = 0
    saved = len(home.states)
    assert home.session().apply(yes).changes == 0
    assert all(machine.requests <= 3 for machine in home.machines.values())
    assert len(home.states) == saved


def test_doctor_before_the_first_apply_says_what_is_missing(home: Home) -> None:
    before = fingerprint(home.machines)
    report = home.session().doctor()
    bad = {(item.check, item.host) for item in report.findings if item.status is Status.FAIL}
    assert bad == {("hosts.marker", host) for host in HOSTS}
    assert report.root_causes == ["hosts.marker"]
    assert fingerprint(home.machines) == before


def test_doctor_names_the_host_that_was_stopped(home: Home) -> None:
    home.session().apply(yes)
    home.hosts.faults.dead.add("tower-b")
    report = home.session().doctor()
    assert report.verdict == "fail"
    assert report.root_causes[0] == "hosts.reach"
    first = next(item for item in report.findings if item.status is Status.FAIL)
    assert (first.check, first.host) == ("hosts.reach", "tower-b")
    assert {item.host for item in report.findings if item.status is Status.FAIL} == {"tower-b"}


@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
def test_a_cut_link_before_or_after_the_effect_changes_nothing_of_the_end(home: Home, moment: str) -> None:
    getattr(home.hosts.faults, moment).extend(["do/marker"] * 3)
    home.session().apply(yes)
    assert home.session().apply(yes).status == "done"
    assert all(len(machine.ran) == 1 for machine in home.machines.values())
    assert home.session().plan()[0].changes == 0
    assert home.session().doctor().verdict == "ok"


def test_a_lost_operation_is_looked_at_and_made_good(home: Home) -> None:
    home.machines["pi"].queue()
    first = home.session().apply(yes)
    assert first.status == "failed"
    for op in home.machines["pi"].operations:
        home.machines["pi"].kill(op)
    home.machines["pi"].go_on()
    assert home.session().apply(yes).status == "done"
    assert [len(home.machines[host].ran) for host in HOSTS] == [1, 1, 1]


def test_another_clusters_wizard_is_refused_and_changes_nothing(home: Home) -> None:
    home.session().apply(yes)
    before = fingerprint(home.machines)
    home.states.append(new_state(home.spec.name, "test"))
    try:
        result = home.session().apply(yes)
    except StateError as error:
        told = error.what
    else:
        told = " ".join(error.what for error in result.errors)
    assert "belongs to another cluster" in told
    assert fingerprint(home.machines) == before


def test_two_operators_at_once_and_one_is_told_about_the_other(home: Home) -> None:
    with home.hosts["tower-b"].run_lock("bert@desk pid 12", 0, "his"), pytest.raises(StateError) as refused:
        home.session().apply(yes)
    assert "bert@desk pid 12" in refused.value.why
    assert not any(machine.ran or machine.locked for machine in home.machines.values())


def test_a_host_that_breaks_off_while_it_is_read_hides_no_other(home: Home) -> None:
    home.hosts.faults.refused["pi"] = link_lost("pi")
    ctx = home.session().facts()
    assert isinstance(ctx.try_facts("tower-a"), HostFacts)
    assert not isinstance(ctx.try_facts("pi"), HostFacts)


def test_every_script_the_steps_use_has_a_handler(home: Home) -> None:
    used: set[str] = set()
    home.hosts.faults.watch = lambda _host, what: used.add(what)
    home.session().apply(yes)
    home.session().doctor()
    scripts = {what for what in used if what.startswith(("read/", "do/"))}
    assert scripts == {"read/facts", "do/marker"}
    assert scripts <= set(HANDLERS)
