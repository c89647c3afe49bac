"""Every script is recorded again on real hosts; the committed recordings must have the same shape.

`WIZARD_RECORD=1` writes the committed recordings and the practice world's facts anew instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.practice.scenarios import SCENARIOS, Scenario
from tests.recordings import practice_facts
from tests.recordings.cases import HOSTS, PLAYS, Case
from tests.recordings.guest_cases import TOWERS
from tests.recordings.keepalived_cases import KEEPALIVED_CASES
from tests.recordings.lab_stage import LabStage, Operator
from tests.recordings.recording import FOLDER, RECORD, load, load_all, recorded, save
from tests.recordings.shape import difference, shape

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

PROGRAMS = ("do/etcd-install", "do/etcd-package")
"""Cases that begin without etcd's programs; the others keep what an earlier one installed."""

RECORDING = bool(os.environ.get("WIZARD_RECORD"))


@dataclass(frozen=True)
class Operators:
    """Two wizards at work on the same hosts."""

    lab: Lab
    mine: Operator
    others: Operator

    def stage(self, host: str) -> LabStage:
        return LabStage(self.lab, host, self.mine, self.others)


@pytest.fixture(scope="module")
def operators(lab: Lab) -> Iterator[Operators]:
    both = Operators(lab, Operator.of(lab), Operator.of(lab))
    yield both
    both.mine.hosts.close()
    both.others.hosts.close()
    for host in HOSTS:
        both.stage(host).reset()
    for tower in TOWERS:
        both.stage(tower).clear_guests()
    for host in HOSTS:
        both.stage(host).clear_k3s()
    both.stage("pi").clear_etcd(programs=True)
    both.stage("pi").clear_packages()
    both.stage("tower-a").clear_keepalived(programs=True)


@pytest.mark.parametrize(
    ("case", "host"), [pytest.param(*play, id=f"{play[0].script}-{play[0].name}-{play[1]}") for play in PLAYS]
)
def test_real_hosts_answer_as_recorded(operators: Operators, tmp_path: Path, case: Case, host: str) -> None:
    stage = operators.stage(host)
    stage.reset()
    clear(stage, case)
    if case.script == "read/facts":
        stage.settle()
    new = recorded(case.script, case.name, host, stage.kind, case.play(stage))
    path = save(new, FOLDER if RECORDING else tmp_path)
    known = load_all().get(load(path).key)
    assert known is not None, f"{new.key} was never recorded: {RECORD}"
    before, now = (shape(one.said, sections=case.sections, tool=case.tool) for one in (known, new))
    diff = difference(before, now, other_machine=True)
    assert not diff, f"{host} answers {case.script} otherwise than recorded:\n{diff}\nIf it should: {RECORD}"


def clear(stage: LabStage, case: Case) -> None:
    """Take away what cases about guests and etcd make; the others leave nothing of the kind."""
    if "guest" in case.script and case.script != "read/guest-boot":
        stage.clear_guests()
    if case.script.endswith("/packages"):
        stage.clear_packages()
    if case in KEEPALIVED_CASES:
        stage.clear_keepalived(programs=case.name in ("absent", "not-installed"))
    if case.script == "read/k3s" or case.script.startswith("do/k3s-"):
        stage.clear_k3s()
        stage.clear_etcd(programs=False)
    if "etcd" in case.script or case.script in ("do/timer", "do/backup-run", "read/backup"):
        stage.clear_etcd(programs=case.script.startswith(PROGRAMS) or case.name == "absent")


def test_recordings_of_cases_that_are_gone_are_removed() -> None:
    wanted = {f"{case.script.replace('/', '-')}/{case.name}.{host}" for case, host in PLAYS}
    left = set(load_all()) - wanted
    if RECORDING:
        for key in left:
            (FOLDER / f"{key}.json").unlink()
        practice_facts.write()
    else:
        assert not left, f"recorded, and no case any more: {RECORD}"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_real_host_keeps_the_promises_of_a_simulated_one(
    operators: Operators, scenario: Scenario, host: str
) -> None:
    stage = operators.stage(host)
    stage.reset()
    scenario(stage)
