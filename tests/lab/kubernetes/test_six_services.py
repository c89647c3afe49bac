"""The lab's services on six nodes: an address of the LAN by ARP, pages through the ingress, volumes that outlive a node."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import pytest

from tests.lab.cluster.site import tower_of
from tests.lab.kubernetes import workloads
from tests.lab.kubernetes.nodes import NODES, POD_SECONDS, READY_SECONDS, Kubernetes
from tests.lab.story.world import tell, until
from wizard.lab import charts

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not os.environ.get("WIZARD_LAB_SIX_NODES"), reason="WIZARD_LAB_SIX_NODES=1 asks for it"
    ),
]


@pytest.fixture(scope="module")
def address(six_nodes: Kubernetes) -> str:
    """Of the ingress, as MetalLB gave it."""
    cluster, wanted = six_nodes, six_nodes.site.spec.network.load_balancer
    given = str(wanted.first)
    cluster.apply(charts.metallb_manifest(), workloads.traefik(given))
    for kind, name in (("deployment", "metallb-controller"), ("daemonset", "metallb-speaker")):
        there = ("get", kind, name, "-n", "metallb-system", "-o", "name")
        until(
            lambda: bool(cluster.kubectl(*there, ok=False)),  # noqa: B023
            f"the chart has made {name}",
            seconds=POD_SECONDS,
            pause=1.0,
        )
        cluster.rolled_out(kind, name, "metallb-system")
    cluster.apply(*workloads.pool(str(wanted.first), str(wanted.last)))
    until(
        lambda: _addresses(cluster) == [given], "the ingress has its address", seconds=POD_SECONDS, pause=1.0
    )
    cluster.rolled_out("deployment", "traefik", "kube-system")
    return given


def _addresses(cluster: Kubernetes) -> list[str]:
    words = ("get", "service", "traefik", "-n", "kube-system", "-o", "json")
    found = json.loads(cluster.kubectl(*words, ok=False) or "{}").get("status", {})
    return [one["ip"] for one in found.get("loadBalancer", {}).get("ingress", [])]


def fetch(address: str, path: str, *options: str, scheme: str = "https") -> tuple[str, str]:
    """What a person's browser gets from an address of the LAN: the answer, and its status; nothing where none came."""
    port = {"https": 443, "http": 80}[scheme]
    words = [
        "curl",
        "-sk",
        "-m",
        "10",
        "--resolve",
        f"{workloads.HOST}:{port}:{address}",
        "-w",
        "\n%{http_code}",
    ]
    done = subprocess.run(
        [*words, *options, f"{scheme}://{workloads.HOST}{path}"], capture_output=True, text=True, check=False
    )
    text, _, status = done.stdout.rpartition("\n")
    return text, status


def test_a_load_balancers_address_is_answered_by_arp_and_leads_to_the_ingress(
    six_nodes: Kubernetes, address: str
) -> None:
    until(
        lambda: fetch(address, "/", scheme="http")[1] in ("301", "302", "307", "308"),
        "the ingress sends to HTTPS, as its HelmChartConfig says",
        seconds=POD_SECONDS,
        pause=1.0,
    )
    known = subprocess.run(["ip", "-j", "neigh", "show", "to", address], capture_output=True, check=True)
    (neighbour,) = json.loads(known.stdout)
    cards = {name: six_nodes.site.shell(name, "cat /sys/class/net/eth0/address").strip() for name in NODES}
    (owner,) = (name for name, card in cards.items() if card == neighbour["lladdr"])
    tell(f"{address} is answered by {owner} ({neighbour['lladdr']})")
    pods = six_nodes.items("pods", "-n", "kube-system", "-l", "app.kubernetes.io/name=traefik")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2, (
        "the HelmChartConfig asks for two, on two nodes"
    )


@pytest.fixture(scope="module")
def application(six_nodes: Kubernetes, address: str) -> Kubernetes:
    """An app with two databases, reached through the ingress."""
    six_nodes.rolled_out("deployment", "storage", "lab-storage")
    six_nodes.apply(*workloads.application())
    six_nodes.rolled_out("statefulset", "mariadb", "default")
    for name in ("redis", "probe"):
        six_nodes.rolled_out("deployment", name, "default")
    until(
        lambda: fetch(address, "/status.php")[1] == "200", "the app answers", seconds=POD_SECONDS, pause=1.0
    )
    return six_nodes


def write(address: str, word: str) -> dict[str, Any]:
    """A word that the app is to keep, and what it says; nothing where it did not answer."""
    text, status = fetch(address, f"/write?word={word}", "-X", "POST")
    return dict(json.loads(text)) if status == "200" else {}


def counted(address: str) -> dict[str, Any]:
    text, status = fetch(address, "/count")
    return dict(json.loads(text)) if status == "200" else {}


def test_the_app_writes_to_both_databases_and_its_volumes_are_folders_all_guests_share(
    application: Kubernetes, address: str
) -> None:
    for number, word in enumerate(("one", "two", "three"), start=1):
        assert write(address, word) == {"word": word, "acknowledged": True, "cached": number}
    assert counted(address) == {"written": 3, "cached": 3}
    claims = {
        claim["metadata"]["name"]: (claim["status"]["phase"], claim["spec"]["volumeName"])
        for claim in application.items("pvc")
    }
    assert {name: phase for name, (phase, _) in claims.items()} == {
        "data-mariadb-0": "Bound",
        "files": "Bound",
    }
    for node in ("worker-a", "worker-b"):
        seen = application.site.shell(node, f"cat /var/lib/lab-shared/{claims['files'][1]}/written")
        assert seen.split() == ["one", "two", "three"], node


def test_a_database_whose_node_dies_comes_back_elsewhere_with_all_that_was_acknowledged(
    application: Kubernetes, address: str
) -> None:
    node = database(application)
    assert node
    before = counted(address)["written"]
    began = time.monotonic()
    application.site.virsh(tower_of(node), "destroy", node)
    try:
        until(
            lambda: database(application) not in ("", node) and bool(write(address, "after")),
            "the app writes again",
            seconds=READY_SECONDS,
            pause=1.0,
        )
        tell(
            f"{node} dead: the database is on {database(application)}, writes go on after {time.monotonic() - began:.0f} s"
        )
        assert counted(address)["written"] == before + 1
        assert f"default/mariadb-0: let go, {node} is down" in equipment_log(application)
    finally:
        application.site.virsh(tower_of(node), "start", node)
    until(application.all_ready, "the node is back", seconds=READY_SECONDS, pause=1.0)


def equipment_log(cluster: Kubernetes) -> str:
    """What the lab's storage said, pod by pod: the one on a dead node answers nobody, and then none is heard."""
    pods = cluster.items("pods", "-n", "lab-storage", "-l", "app=lab-storage")
    names = [pod["metadata"]["name"] for pod in pods]
    return "".join(cluster.kubectl("logs", "-n", "lab-storage", name, ok=False) for name in names)


def database(cluster: Kubernetes) -> str:
    """The node on which MariaDB is ready; empty = on none."""
    pods = cluster.items("pods", "-l", "app=mariadb")
    ready = [
        pod["spec"]["nodeName"]
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and any(
            one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", [])
        )
    ]
    return str(ready[0]) if ready else ""
