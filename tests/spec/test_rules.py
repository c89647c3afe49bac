"""Faults B 26-28, 30 and 37: well-formed values that do not fit together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.spec.base import BASE, bend, line_of, only_problem, problems_of, sound
from wizard.core.spec import HostSpec, parse_spec

VIP = "api_vip: 192.168.10.20 => api_vip:"
PI = "name: pi, role: witness, address: 192.168.10.13} => name: pi, role: witness, address:"
CIDR = "cidr: 192.168.10.0/24 => cidr:"
DHCP = "dhcp: 192.168.10.100-192.168.10.199 => dhcp:"
POOL = "load_balancer: 192.168.10.230-192.168.10.250 => load_balancer:"
PODS = "pod_cidr: 10.42.0.0/16 => pod_cidr:"
SERVICES = "service_cidr: 10.43.0.0/16 => service_cidr:"
WITHOUT_MACHINES = BASE[: BASE.index("machines:")] + BASE[BASE.index("k3s:") :]

CASES = [
    # B 26
    (f"{PI} 192.168.10.11}} # HERE", "hosts[2].address", "given twice: it is hosts[0].address"),
    (f"{VIP} 192.168.10.11 # HERE", "hosts[0].address", "given twice: it is network.api_vip"),
    ("{name: etcd-b, => {name: etcd-a,", "machines[1].name", "given twice"),
    ("{name: etcd-b, => {name: tower-b,", "machines[1].name", "it is hosts[1].name"),
    ("upstream_dns: [9.9.9.9] => upstream_dns: [9.9.9.9, 9.9.9.9] # HERE", "network.upstream_dns[1]", "given twice"),
    # B 27
    (f"{PI} 192.168.11.13}} # HERE", "hosts[2].address", "not in the LAN 192.168.10.0/24"),
    (f"{PI} 192.168.10.0}} # HERE", "hosts[2].address", "LAN's own address"),
    (f"{PI} 192.168.10.255}} # HERE", "hosts[2].address", "broadcast"),
    (f"{PI} 192.168.10.1}} # HERE", "hosts[2].address", "it is network.gateway"),
    (f"{VIP} 192.168.11.1 # HERE", "network.api_vip", "not in the LAN"),
    ("gateway: 192.168.10.1 => gateway: 192.168.1.1 # HERE", "network.gateway", "not in the LAN"),
    # B 28
    (f"{PODS} 192.168.0.0/16 # HERE", "network.pod_cidr", "overlaps 192.168.10.0/24 (the LAN)"),
    (f"{SERVICES} 10.42.128.0/20 # HERE", "network.service_cidr", "overlaps 10.42.0.0/16 (the pod network)"),
    (f"{SERVICES} 172.17.0.0/16 # HERE", "network.service_cidr", "docker's own"),
    (f"{SERVICES} 10.43.0.0/28 # HERE", "network.service_cidr", "/28 does not work"),
    (f"{SERVICES} 11.0.0.0/8 # HERE", "network.service_cidr", "/8 does not work"),
    (f"{PODS} 10.42.0.0/24 # HERE", "network.pod_cidr", "room for 1 nodes"),
    (f"{PODS} 10.42.0.0/28 # HERE", "network.pod_cidr", "room for 0 nodes"),
    # B 29 and 30, the static half
    (f"{POOL} 192.168.10.190-192.168.10.250 # HERE", "network.load_balancer", "share 192.168.10.190-192.168.10.199"),
    (f"{DHCP} 192.168.10.2-192.168.10.254 # HERE", "network.load_balancer", "share"),
    (f"{POOL} 192.168.10.240-192.168.11.10 # HERE", "network.load_balancer", "leaves the LAN"),
    (f"{POOL} 192.168.10.240-192.168.10.255 # HERE", "network.load_balancer", "broadcast"),
    (f"{VIP} 192.168.10.150 # HERE", "network.api_vip", "lies in the DHCP range"),
    (f"{VIP} 192.168.10.240 # HERE", "network.api_vip", "lies in the load balancer's range"),
    (f"{PI} 192.168.10.100}} # HERE", "hosts[2].address", "lies in the DHCP range"),
    (f"{PI} 192.168.10.250}} # HERE", "hosts[2].address", "lies in the load balancer's range"),
    ("address: 192.168.10.24, => address: 192.168.10.199,", "machines[3].address", "lies in the DHCP range"),
    (f"{DHCP} 192.168.10.1-192.168.10.9 # HERE", "network.dhcp", "The gateway has 192.168.10.1"),
    ("traefik: {}} => traefik: {address: 192.168.10.60}} # HERE", "apps.traefik.address", "is not in the load"),
    ("upstream_dns: [9.9.9.9] => upstream_dns: [192.168.10.12] # HERE", "network.upstream_dns[0]", "circles"),
    # B 37
    ("host: tower-b, role: etcd => host: tower-a, role: etcd", "machines[1].host", "on one machine, tower-a"),
    ("host: tower-b, role: etcd => host: tower-b, role: worker", "machines", "2 members"),
    ("host: tower-a, role: server => host: tower-a, role: etcd", "machines", "4 members"),
    # hosts and machines
    ("name: pi, role: witness => name: pi, role: hypervisor", "hosts", "no witness"),
    ("name: tower-b, role: hypervisor => name: tower-b, role: witness", "hosts", "one hypervisor only"),
    ("name: tower-b, role: hypervisor => name: tower-b, role: witness", "hosts[2].role", "second witness"),
    ("host: tower-b, role: server => host: tower-c, role: server", "machines[3].host", "no host tower-c"),
    ("host: tower-b, role: server => host: pi, role: server", "machines[3].host", "is the witness"),
    ("address: 192.168.10.12} => address: 192.168.10.12, platform: pi}", "hosts[1].platform", "too small"),
    ("address: 192.168.10.13} => address: 192.168.10.13, platform: unraid}", "hosts[2].platform", "etcd cannot"),
    # storage, etcd, apps
    ("replicas: 2} => replicas: 3} # HERE", "storage.replicas", "need 3 hypervisors, and there are 2"),
    ("kind: longhorn, => kind: existing,", "storage.kind", "none is named"),
    ("kind: longhorn, replicas: 2 => kind: none, backup_target: 'nfs://n/x'", "storage.backup_target", "Only Longhorn"),
    ("version: 3.6.14} => version: 3.6.14, heartbeat_ms: 250} # HERE", "etcd.heartbeat_ms", "below 5 heartbeats"),
    ("version: 3.6.14} => version: 3.6.14, election_ms: 400} # HERE", "etcd.election_ms", "below 5 heartbeats"),
    ("apps: {metallb: {}, traefik: {}} => apps: {traefik: {}} # HERE", "apps.traefik", "needs metallb"),
    ("traefik: {}} => traefik: {}, nextcloud: {host: c.lan, size: 1G}} # HERE",
     "apps.nextcloud", "needs mariadb and redis"),
    ("kind: adguard} => kind: adguard, records: {pi.home.arpa: 192.168.10.5}} # HERE",
     "dns.records.pi.home.arpa", "record says"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "words"), CASES, ids=[f"{c[1]}-{c[2]}" for c in CASES])
def test_what_does_not_fit_is_an_error_with_path_line_and_reason(change: str, path: str, words: str) -> None:
    text = bend(change)
    found = [p for p in problems_of(text) if p.path == path and words in p.text]
    assert len(found) == 1, problems_of(text)
    assert found[0].level == "error"
    assert found[0].hint
    line = text.split("\n")[(found[0].line or 0) - 1]
    assert LINES.get(path, path.rpartition(".")[2]) in line or "# HERE" in line


LINES = {"hosts[0].address": "name: tower-a", "machines[0].name": "etcd-a"}
"""A piece of the line on which a path of the base stands, where its last key is not enough."""


WARNINGS = [
    ("replicas: 2} => replicas: 1} # HERE", "storage.replicas", "one copy"),
    ("domain: home.arpa => domain: home.local # HERE", "network.domain", "RFC 6762"),
    ("address: 192.168.10.13} => address: 192.168.10.13, bridge: br0} # HERE", "hosts[2].bridge", "no meaning"),
    ("address: 192.168.10.12} => address: 192.168.10.12, storage_disk: /dev/sdb} # HERE",
     "hosts[1].storage_disk", "another disk"),
    ("k3s: {version: v1.36.4+k3s1} => k3s: {version: v1.36.4+k3s1, enabled: false} # HERE", "k3s.enabled", "no app is"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "words"), WARNINGS)
def test_what_works_and_should_not_stay_so_is_a_warning(change: str, path: str, words: str) -> None:
    text = bend(change)
    problem = only_problem(text)
    assert (problem.path, problem.level, problem.line) == (path, "warning", line_of(text))
    assert words in problem.text
    assert parse_spec(text, source="x")[0] is not None


def test_without_kubernetes_there_is_nothing_to_back_up() -> None:
    text = bend(
        "k3s: {version: v1.36.4+k3s1} => k3s: {version: v1.36.4+k3s1, enabled: false}",
        "apps: {metallb: {}, traefik: {}} => apps: {}",
        " => backup: {target: /b, schedule: '@daily', keep: 3}",
    )
    problem = only_problem(text)
    assert (problem.path, problem.level) == ("k3s.enabled", "warning")
    assert "no backup is made" in problem.text


def test_b28_a_lan_that_docker_uses_too() -> None:
    text = BASE.replace("192.168.10.", "172.17.10.")
    assert [p.path for p in problems_of(text)] == ["network.cidr"]


def test_b28_a_public_lan_is_a_warning() -> None:
    assert only_problem(BASE.replace("192.168.10.", "8.8.8.")).level == "warning"


def test_b28_nested_networks_are_all_found() -> None:
    text = bend(f"{PODS} 10.0.0.0/8", f"{SERVICES} 10.96.0.0/12", f"{CIDR} 10.1.0.0/16")
    overlaps = [p.path for p in problems_of(text) if "overlaps" in p.text]
    assert sorted(overlaps) == ["network.pod_cidr", "network.service_cidr"]


def test_storage_none_and_an_app_with_a_volume() -> None:
    text = bend(
        "kind: longhorn, replicas: 2 => kind: none", "traefik: {}} => traefik: {}, mariadb: {size: 1G}}"
    )
    assert [p.path for p in problems_of(text)] == ["apps.mariadb"]


def test_the_base_and_the_base_without_machines_are_sound() -> None:
    assert len(sound(BASE).etcd_members()) == 3
    assert sound(WITHOUT_MACHINES).machines == ()


def test_one_hypervisor_alone_is_told_once_for_each_thing_missing() -> None:
    lone = WITHOUT_MACHINES.replace("  - {name: tower-b, role: hypervisor, address: 192.168.10.12}\n", "")
    assert [p.path for p in problems_of(lone)] == ["hosts"]


def test_a_refused_role_does_not_make_hypervisors_look_missing() -> None:
    problem = only_problem(bend("name: tower-b, role: hypervisor => name: tower-b, role: hypervisr"))
    assert problem.path == "hosts[1].role"


def test_problems_of_a_changed_spec_have_no_lines() -> None:
    spec = sound(BASE)
    worse = replace(spec, hosts=(*spec.hosts, HostSpec("nas", "hypervisor", "192.168.10.150")))
    problems = worse.problems()
    assert [(p.path, p.line) for p in problems] == [("hosts[3].address", None)]


def test_a_spec_made_by_hand_with_nonsense_in_it_does_not_raise() -> None:
    spec = sound(BASE)
    odd = replace(spec, network=replace(spec.network, cidr="x", gateway="", pod_cidr="1/99"))
    assert isinstance(odd.problems(), tuple)


def test_hosts_machines_and_apps_by_name() -> None:
    spec = sound(BASE)
    assert spec.host("pi").role == "witness"
    assert spec.machine("etcd-b").memory == 2 << 30
    assert spec.app("traefik") is not None
    assert spec.app("nextcloud") is None
    assert [h.name for h in spec.hypervisors] == ["tower-a", "tower-b"]
    for find in (spec.host, spec.machine):
        with pytest.raises(KeyError):
            find("nobody")
