"""What is already on real hosts: found by the real command, answered, and gone from the verdict when it is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator, settle_in
from tests.lab.story.world import World
from wizard.core.errors import ExitCode

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

MEETS_NOBODY = (
    ("tower-a", "microk8s-present"),
    ("tower-a", "port-53-taken"),
    ("tower-b", "kubeadm-present"),
    ("tower-b", "swarm-present"),
)
"""Four things that stay, on two hosts at once."""

CHECKS = ("discover.kubernetes", "discover.swarm", "discover.etcd", "discover.dns")


@pytest.fixture
def operator(lab: Lab, tmp_path: Path) -> Operator:
    return settle_in(lab, tmp_path / "operator")


def there(operator: Operator) -> dict[str, list[dict[str, Any]]]:
    hosts = operator.run("facts", "--json", code=0).document["hosts"]
    return {name: host["already_there"] for name, host in hosts.items()}


def verdicts(operator: Operator) -> dict[tuple[str, str], str]:
    found = operator.run("doctor", *CHECKS, "--json").document["findings"]
    return {(one["host"], one["id"]): one["status"] for one in found if one["id"] in CHECKS}


def test_what_stays_is_told_with_evidence_and_forgotten_when_it_is_gone(lab: Lab, operator: Operator) -> None:
    assert set(verdicts(operator).values()) == {"pass"}
    for host, name in MEETS_NOBODY:
        lab.fault(name, host)

    found = there(operator)
    seen = {name: {one["kind"]: one for one in rows} for name, rows in found.items()}
    assert {name: sorted(rows) for name, rows in seen.items()} == {
        "tower-a": ["dns", "microk8s"],
        "tower-b": ["kubeadm", "swarm"],
        "pi": [],
    }
    microk8s = seen["tower-a"]["microk8s"]
    assert microk8s["reply"] == "migrate"
    assert microk8s["evidence"][0] == "snap microk8s v1.32.3 revision 8148 channel 1.32/stable"
    for words in (
        "/var/snap/microk8s: ",
        "listens on 10250/tcp kubelite, 16443/tcp kubelite, 19001/tcp k8s-dqlite, 25000/tcp cluster-agent",
        "high availability: no",
        f"dqlite nodes: {lab.address('tower-a')}:19001",
        "default-notes-pvc-",
    ):
        assert words in json.dumps(microk8s["evidence"])
    assert "package dnsmasq-base" in json.dumps(seen["tower-a"]["dns"]["evidence"])
    assert seen["tower-b"]["swarm"]["what"] == "tower-b is a manager of a Docker Swarm."
    assert "2377 dockerd" in json.dumps(seen["tower-b"]["swarm"]["evidence"])
    assert "Kubernetes v1.31.4" in seen["tower-b"]["kubeadm"]["what"]

    warned = {place for place, status in verdicts(operator).items() if status == "warn"}
    assert warned == {
        ("tower-a", "discover.kubernetes"),
        ("tower-a", "discover.dns"),
        ("tower-b", "discover.kubernetes"),
        ("tower-b", "discover.swarm"),
    }
    assert operator.run("plan").exit_code == ExitCode.PLAN_CHANGES, "none of it stands in the way"
    for host, name in MEETS_NOBODY:
        lab.mend(name, host)
    assert there(operator) == {name: [] for name in lab.names}
    assert set(verdicts(operator).values()) == {"pass"}


def test_another_etcd_on_the_pi_is_refused_before_anything_is_changed(lab: Lab, operator: Operator) -> None:
    lab.fault("foreign-etcd", "pi")
    operator.run("plan", code=ExitCode.FAILED)
    done = operator.apply(code=ExitCode.FAILED)
    for words in (
        "pi runs another etcd 3.6.14 that calls itself other.",
        "unit other-etcd.service",
        "/var/lib/other-etcd: ",
        "2379/tcp etcd",
        "systemctl disable --now other",
    ):
        assert words in done.stderr
    assert lab.try_inside("pi", "test", "-e", "/var/lib/wizard") == 1, "not even our mark was left"
    assert verdicts(operator)["pi", "discover.etcd"] == "fail"
    lab.mend("foreign-etcd", "pi")
    assert verdicts(operator)["pi", "discover.etcd"] == "pass"


def test_a_k3s_with_an_etcd_of_its_own_on_the_pi_is_refused(lab: Lab, operator: Operator) -> None:
    lab.fault("k3s-present", "pi")
    done = operator.run("plan", code=ExitCode.FAILED)
    for words in ("pi runs K3s v1.31.4+k3s1 as a server.", "embedded etcd", "nodes: pi"):
        assert words in done.stderr
    lab.mend("k3s-present", "pi")
    assert there(operator)["pi"] == []


def test_a_look_leaves_nothing_behind_and_takes_no_password_along(lab: Lab, operator: Operator) -> None:
    lab.fault("k3s-present", "tower-a")
    lab.fault("swarm-present", "tower-a")
    config = b"datastore-endpoint: 'mysql://k3s:hunter2@tcp(192.0.2.9:3306)/k3s'\ntoken: hunter3\n"
    lab.inside("tower-a", "tee", "/etc/rancher/k3s/config.yaml", given=config)
    hosts = World(lab)
    untouched = hosts.everything()
    done = operator.run("facts", "--json", "tower-a", code=0)
    assert hosts.everything() == untouched, "looking left something behind"
    assert "mysql://***@tcp(192.0.2.9:3306)/k3s" in done.stdout
    assert "hunter" not in done.stdout
    lab.mend_all()
