"""Row 37 of the fault list: layouts that one loss takes down are refused before anything is changed."""

from __future__ import annotations

import json
import re

import pytest

from tests.faults.cluster_site import ClusterSite
from tests.practice.cluster import MACHINES, NET
from tests.rows import assert_explained, assert_found, assert_tolerated, folder_digest
from wizard.core.errors import ExitCode
from wizard.practice.machine import Domain

BAD_SPEC, FAILED = ExitCode.BAD_SPEC, ExitCode.FAILED
THIRD = (
    f"  - {{name: etcd-c, host: tower-b, role: etcd, address: {NET}.33, cpus: 1, memory: 1GiB, disk: 8GiB}}\n"
)
TOGETHER = MACHINES.replace("name: etcd-b, host: tower-b", "name: etcd-b, host: tower-a")
FOURTH = MACHINES.replace("artifacts:", f"{THIRD}artifacts:")
TWO = re.sub(r"  - \{name: etcd-b.*\n", "", MACHINES)


def waived(*checks: str) -> str:
    rows = "\n".join(f"  - {{check: {name}, reason: a trial, until: 2999-01-01}}" for name in checks)
    return f"waivers:\n{rows}\n"


@pytest.mark.row("B", 37)
@pytest.mark.parametrize(
    ("machines", "says"),
    [
        (TOGETHER, "they stop together and take the majority along"),
        (FOURTH, "4 members: an odd number, three at least"),
        (TWO, "2 members: an odd number, three at least"),
    ],
    ids=["co-located", "even", "two"],
)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_row_b37_members_that_do_not_vote_well(
    grown: ClusterSite, machines: str, says: str, command: str
) -> None:
    grown.write(machines=machines)
    before = folder_digest(grown.folder.folder)
    assert_explained(
        grown.run(command),
        exit_code=BAD_SPEC,
        says=["line ", says],
        do="wizard check",
        unchanged=lambda: folder_digest(grown.folder.folder),
        before=before,
    )


@pytest.mark.row("B", 37)
def test_row_b37_what_is_accepted_by_name_stays_visible(grown: ClusterSite) -> None:
    checks = ("prove.even-number-of-members", "prove.two-voters-on-one-hypervisor", "layout.machines")
    grown.write(machines=FOURTH + waived(*checks))
    assert_tolerated(grown.run("check"), shows=["4 members"])
    shows = [" ! accepted: etcd has 4 members", "accepted in the spec: a trial"]
    assert_tolerated(grown.run("plan"), shows=shows, exit_code=ExitCode.PLAN_CHANGES)
    grown.applied()
    run = grown.doctor()
    found = json.loads(run.stdout)["findings"]
    told = {one["id"]: one for one in found if one["id"] in checks}
    assert [told[check]["status"] for check in checks] == ["warn"] * 3
    assert_found(run, checks[0], says=["4 members"], fix=f"waivers: - {{check: {checks[0]}", status="warn")
    kept = grown.run("state", "show").stdout
    assert "accepted.prove.even-number-of-members: etcd has 4 members" in kept


@pytest.mark.row("B", 37)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_row_b37_a_witness_that_is_a_guest_of_a_hypervisor(grown: ClusterSite, command: str) -> None:
    """The spec cannot show it, the hosts do: plan and apply stop before anything is changed."""
    pi, tower = grown.cluster.machines["pi"], grown.cluster.machines["tower-a"]
    pi.sections["host"] = tuple(line for line in pi.sections["host"] if line != "dockerenv=1")
    pi.sections["file /sys/class/dmi/id/sys_vendor"] = ("QEMU",)
    tower.domains["pi"] = Domain("pi", "qemu", "<domain>\n <name>pi</name>\n</domain>", "running")
    run = grown.run(command)
    parts = assert_explained(
        run,
        exit_code=FAILED,
        says=["The witness pi runs on tower-a", "rule prove.witness-on-a-hypervisor"],
        do="waivers: - {check: prove.witness-on-a-hypervisor",
        unchanged=grown.guests_and_etcd,
        before=[],
    )
    assert "wizard prove" in parts["do"]
    assert not any(machine.ran for machine in grown.cluster.machines.values())
    assert_found(
        grown.doctor(),
        "prove.witness-on-a-hypervisor",
        says=["stops with the hypervisor it is to replace"],
        fix="wizard prove",
        status="fail",
    )


@pytest.mark.row("B", 37)
def test_row_b37_more_processors_for_etcd_and_servers_than_there_are(grown: ClusterSite) -> None:
    grown.write(machines=MACHINES.replace("cpus: 1", "cpus: 4"))
    assert_explained(
        grown.run("apply"),
        exit_code=FAILED,
        says=["given 8 processors and tower-a has", "rule layout.machines"],
        do="waivers: - {check: layout.machines",
        unchanged=grown.guests_and_etcd,
        before=[],
    )
