"""The command on a spec that names no machines: shown as a proposal, built, kept with what was decided against."""

from __future__ import annotations

import json

from tests.faults.cluster_site import ClusterSite

NOTHING_NAMED = "\nartifacts: {accept_built: true}\n"


def test_plan_apply_layout_and_state_tell_one_story(grown: ClusterSite) -> None:
    grown.write(machines=NOTHING_NAMED)
    plan = grown.run("plan")
    assert plan.exit_code == 10
    assert "The spec names no machines; these are proposed" in plan.stdout
    assert "  worker-b  tower-b  10.213.99.28  2" in plan.stdout
    document = json.loads(grown.run("plan", "--json").stdout)
    assert (document["layout"]["proposed"], document["layout"]["approved_at"]) == (True, None)
    verdicts = {one["check"]: one["verdict"] for one in document["decisions"]}
    assert verdicts.pop("layout.machines") == "warning", "the recorded hosts have two processors"
    assert set(verdicts.values()) == {"holds"}
    proposed = json.loads(grown.run("layout", "--json").stdout)["machines"]
    assert document["layout"]["machines"] == proposed
    grown.applied()
    grown.content()
    again = grown.run("plan")
    assert (again.exit_code, "approved on 20" in again.stdout) == (0, True)
    layout = grown.run("layout")
    assert (layout.exit_code, "A fresh proposal would be the same." in layout.stdout) == (0, True)
    assert json.loads(grown.run("layout", "--json").stdout)["machines"] == proposed
    shown = grown.run("state", "show").stdout
    assert "Machines, approved on 20" in shown
    assert "worker-b: worker on tower-b, 10.213.99.28" in shown
    assert "storage.longhorn: not chosen, rejected: " in shown
    assert "layout.embedded-etcd: not chosen: etcd inside the two Kubernetes servers." in shown
    assert "layout.worker-b: larger was not chosen:" in shown


def test_prove_and_doctor_judge_what_was_approved(grown: ClusterSite) -> None:
    grown.write(machines=NOTHING_NAMED)
    grown.applied()
    proof = json.loads(grown.run("prove", "--json").stdout)
    assert proof["proposed"] is True
    assert ["worker-b"] in [loss["lost"] for loss in proof["losses"]]
    checks = set(grown.run("doctor", "--list").stdout.split())
    assert {"layout.survivor", "storage.choice", "prove.even-number-of-members", "machines.running"} <= checks
