"""Facts of 3 and of 7 hosts: the whole process and a warm one, against ssh, pyinfra and ansible."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.bench.conftest import Homelab, of_farm
from tests.bench.hosts import Farm
from tests.bench.measure import command, race, run
from tests.bench.report import Report
from tests.bench.rivals import Rivals, write_inventories
from tests.bench.warm import warm

pytestmark = [pytest.mark.bench, pytest.mark.lab]


@pytest.mark.parametrize("count", [3, 7])
def test_whole_process(count: int, request: pytest.FixtureRequest, report: Report) -> None:
    homelab: Homelab = request.getfixturevalue("three" if count == 3 else "seven")
    facts = run(homelab.wizard("facts", "--json"))
    assert all(host["hostname"] for host in json.loads(facts.out)["hosts"].values())
    took = race({"wizard": command(homelab.wizard("facts", "--json")), "ssh": command(homelab.shell())})
    assert homelab.answered()
    name = f"facts of {count} hosts, whole process"
    report.at_most(name, took["wizard"], took["ssh"], "ssh in parallel", 1.8)


@pytest.mark.parametrize("count", [3, 7])
def test_warm_process(count: int, request: pytest.FixtureRequest, report: Report) -> None:
    homelab: Homelab = request.getfixturevalue("three" if count == 3 else "seven")
    with warm(homelab) as session:

        def once() -> float:
            began = time.perf_counter()
            ctx = session.facts()
            seconds = time.perf_counter() - began
            for host in session.spec.hosts:
                ctx.facts(host.name)
            return seconds

        took = race({"wizard": once, "ssh": command(homelab.shell())})
    name = f"facts of {count} hosts, connections open"
    report.at_most(name, took["wizard"], took["ssh"], "ssh in parallel", 1.0)


@pytest.mark.parametrize("count", [3, 7])
def test_rivals(count: int, more_hosts: Farm, rivals: Rivals, tmp_path: Path, report: Report) -> None:
    homelab = of_farm(more_hosts, tmp_path, count)
    pyinfra, ansible = write_inventories(tmp_path, homelab.logins, homelab.key, homelab.known_hosts)
    cold = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"}
    took = race(
        {
            "wizard": command(homelab.wizard("facts", "--json")),
            "pyinfra": command(rivals.pyinfra(pyinfra)),
            "ansible": command(rivals.ansible(ansible), **cold),
            "ansible, connections kept": command(rivals.ansible(ansible)),
        }
    )
    name = f"facts of {count} Pis, whole process"
    report.faster(name, took["wizard"], took["pyinfra"], "pyinfra", 2)
    report.faster(name, took["wizard"], took["ansible"], "ansible -m setup", 8)
    kept = "ansible -m setup over connections kept from the run before"
    report.faster(name, took["wizard"], took["ansible, connections kept"], kept, 8)
