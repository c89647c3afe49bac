"""Configuration and units of nodes, as K3s, the kubelet and systemd read them."""

from __future__ import annotations

import configparser
import csv
from dataclasses import replace

import pytest
import yaml

from wizard.core.resources import asset_text
from wizard.payload.k3s_config import NodeConfig, ServerConfig, agent_text, api_name, server_text
from wizard.payload.k3s_unit import GRACE_SECONDS, Role, logind_text, shutdown_text, unit_path, unit_text

NODE = NodeConfig("server-a", "10.0.0.41", "tower-a", "abcd")
ENDPOINTS = ("https://10.0.0.31:2379", "https://10.0.0.32:2379", "https://10.0.0.13:2379")
SERVER = ServerConfig(ENDPOINTS, ("10.0.0.20", api_name("home.arpa")), "10.42.0.0/16", "10.43.0.0/16")

GOLDEN = {
    "node-name": "server-a",
    "node-ip": "10.0.0.41",
    "node-label": ["topology.kubernetes.io/zone=tower-a", "homelab-wizard/machine=server-a"],
    "token-file": "/etc/homelab/k3s-token",
    "agent-token-file": "/etc/homelab/k3s-agent-token",
    "datastore-endpoint": "https://10.0.0.31:2379,https://10.0.0.32:2379,https://10.0.0.13:2379",
    "datastore-cafile": "/etc/homelab/pki/etcd-ca.crt",
    "datastore-certfile": "/etc/homelab/pki/k3s.crt",
    "datastore-keyfile": "/etc/homelab/pki/k3s.key",
    "tls-san": ["10.0.0.20", "api.home.arpa"],
    "cluster-cidr": "10.42.0.0/16",
    "service-cidr": "10.43.0.0/16",
    "flannel-backend": "host-gw",
    "disable": ["servicelb", "local-storage"],
    "secrets-encryption": True,
    "node-taint": ["node-role.kubernetes.io/control-plane=true:NoSchedule"],
    "kube-apiserver-arg": [
        "default-not-ready-toleration-seconds=60",
        "default-unreachable-toleration-seconds=60",
    ],
}

SHARED = (
    "cluster-cidr",
    "service-cidr",
    "flannel-backend",
    "disable",
    "secrets-encryption",
    "agent-token-file",
    "tls-san",
)
"""What must be the same on all servers (domain.md 1.1), and the names they are all reached by."""


def keys_of(who: str) -> set[str]:
    """The keys K3s knows for a server or an agent, out of its documentation."""
    lines = asset_text("lab/k3s/internal/cli/flags.tsv").splitlines()
    rows = csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return {row[1] for row in rows if row[0] in (who, "both")}


def test_a_servers_configuration_is_that_of_the_domain_page() -> None:
    assert yaml.safe_load(server_text(NODE, SERVER)) == GOLDEN


def test_two_servers_share_what_must_be_the_same() -> None:
    other = replace(NODE, name="server-b", address="10.0.0.42", zone="tower-b")
    second = yaml.safe_load(server_text(other, replace(SERVER, endpoints=ENDPOINTS[::-1])))
    assert {key: second[key] for key in SHARED} == {key: GOLDEN[key] for key in SHARED}
    assert second["datastore-endpoint"].startswith("https://10.0.0.13:2379,")
    assert second["node-label"] == ["topology.kubernetes.io/zone=tower-b", "homelab-wizard/machine=server-b"]


def test_an_agent_is_told_the_address_that_moves_and_no_secret_of_the_servers() -> None:
    found = yaml.safe_load(agent_text(replace(NODE, name="worker-a"), "10.0.0.20"))
    assert found == {
        "node-name": "worker-a",
        "node-ip": "10.0.0.41",
        "node-label": ["topology.kubernetes.io/zone=tower-a", "homelab-wizard/machine=worker-a"],
        "server": "https://10.0.0.20:6443",
        "token-file": "/etc/homelab/k3s-agent-token",
    }


def test_k3s_knows_every_key() -> None:
    assert set(GOLDEN) <= keys_of("server")
    assert set(yaml.safe_load(agent_text(NODE, "10.0.0.20"))) <= keys_of("agent")


def test_whatever_else_a_process_reads_makes_its_configuration_another_one() -> None:
    assert server_text(NODE, SERVER) != server_text(replace(NODE, inputs="ef01"), SERVER)
    assert agent_text(NODE, "10.0.0.20") != agent_text(replace(NODE, inputs="ef01"), "10.0.0.20")


@pytest.mark.parametrize("role", ["server", "agent"])
def test_a_unit_starts_its_role_for_ever_and_keeps_what_it_was_started_with(role: Role) -> None:
    # strict: a key that stands twice would be an error, and two of systemd's do.
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(unit_text("home", role))
    service = unit["Service"]
    assert service["ExecStart"] == f"/usr/local/bin/k3s {role}"
    assert (service["Type"], service["Restart"], service["KillMode"], service["Delegate"]) == (
        "notify",
        "always",
        "process",
        "yes",
    )
    assert (unit["Unit"]["StartLimitIntervalSec"], service["TimeoutStartSec"]) == ("0", "0")
    assert service["ExecStartPre"] == "/usr/bin/cp /etc/rancher/k3s/config.yaml /run/homelab-k3s/config.yaml"
    assert service["RuntimeDirectory"] == "homelab-k3s"
    assert unit["Install"]["WantedBy"] == "multi-user.target"


def test_units_bear_the_names_of_k3s_own_installer() -> None:
    assert unit_path("server") == "/etc/systemd/system/k3s.service"
    assert unit_path("agent") == "/etc/systemd/system/k3s-agent.service"


def test_logind_grants_the_kubelet_the_time_it_asks_for() -> None:
    kubelet = yaml.safe_load(shutdown_text())
    assert kubelet["kind"] == "KubeletConfiguration"
    assert (kubelet["shutdownGracePeriod"], kubelet["shutdownGracePeriodCriticalPods"]) == ("60s", "20s")
    assert f"\nInhibitDelayMaxSec={GRACE_SECONDS}\n" in logind_text()
