"""Faults B 26-36 as far as one value shows them, unknown and missing keys, and that all problems come at once."""

from __future__ import annotations

import pytest

from tests.spec.base import BASE, bend, line_of, only_problem, problems_of, sound
from wizard.core.spec import parse_spec

A = "name: tower-a, role: hypervisor, address: 192.168.10.11}"

CASES = [
    # B 33: names
    ("name: home => name: Home # HERE", "name", "upper case"),
    ("name: home => name: my_home # HERE", "name", "underscore"),
    ("name: home => name: küche # HERE", "name", "RFC 1123"),
    ("name: home => name: xn--a.b # HERE", "name", "RFC 1123"),
    ("name: home => name: home. # HERE", "name", "dot"),
    ("name: home => name: localhost # HERE", "name", "meaning of its own"),
    ("name: home => name: -a # HERE", "name", "both ends"),
    (f"name: home => name: {'a' * 64} # HERE", "name", "64 characters"),
    ('name: home => name: "123" # HERE', "name", "all digits"),
    ("name: home => name: $(reboot) # HERE", "name", "RFC 1123"),
    ("name: home => name: a;b # HERE", "name", "RFC 1123"),
    ("name: home => name: ../../etc # HERE", "name", "RFC 1123"),
    ("name: home => name: # HERE", "name", "no value"),
    ('name: home => name: "" # HERE', "name", "no value"),
    ("name: home => name: [home] # HERE", "name", "not a list"),
    ("name: home => name: {a: b} # HERE", "name", "not a section"),
    ("domain: home.arpa => domain: home..arpa # HERE", "network.domain", "empty part"),
    ("domain: home.arpa => domain: home.arpa. # HERE", "network.domain", "dot"),
    ("domain: home.arpa => domain: Home.arpa # HERE", "network.domain", "upper case"),
    # B 27, 34, 35: addresses
    ("gateway: 192.168.10.1 => gateway: 192.168.010.1 # HERE", "network.gateway", "leading zero"),
    ("gateway: 192.168.10.1 => gateway: fe80::1%eth0 # HERE", "network.gateway", "zone"),
    ("gateway: 192.168.10.1 => gateway: fd00::1 # HERE", "network.gateway", "IPv4 only"),
    ("gateway: 192.168.10.1 => gateway: ::ffff:192.168.10.1 # HERE", "network.gateway", "IPv6 clothing"),
    ("gateway: 192.168.10.1 => gateway: 192.168.10 # HERE", "network.gateway", "not an IPv4"),
    ("gateway: 192.168.10.1 => gateway: router # HERE", "network.gateway", "not an IPv4"),
    ("gateway: 192.168.10.1 => gateway: 127.0.0.1 # HERE", "network.gateway", "loopback"),
    ("gateway: 192.168.10.1 => gateway: 224.0.0.18 # HERE", "network.gateway", "multicast"),
    ("gateway: 192.168.10.1 => gateway: 169.254.1.1 # HERE", "network.gateway", "link-local"),
    ("gateway: 192.168.10.1 => gateway: 0.0.0.0 # HERE", "network.gateway", "unspecified"),
    ("cidr: 192.168.10.0/24 => cidr: fd00::/64 # HERE", "network.cidr", "IPv4 only"),
    # B 28: networks
    ("cidr: 192.168.10.0/24 => cidr: 192.168.10.5/24 # HERE", "network.cidr", "inside the network 192.168.10.0/24"),
    ("cidr: 192.168.10.0/24 => cidr: 192.168.10.0 # HERE", "network.cidr", "not a network"),
    ("cidr: 192.168.10.0/24 => cidr: 192.168.10.0/33 # HERE", "network.cidr", "not a network"),
    ("cidr: 192.168.10.0/24 => cidr: 192.168.10.0/255.255.255.0 # HERE", "network.cidr", "not a network"),
    ("cidr: 192.168.10.0/24 => cidr: 192.168.010.0/24 # HERE", "network.cidr", "leading zero"),
    ("dhcp: 192.168.10.100-192.168.10.199 => dhcp: 192.168.10.199-192.168.10.100 # HERE", "network.dhcp", "before it"),
    ("dhcp: 192.168.10.100-192.168.10.199 => dhcp: 192.168.10.100-199 # HERE", "network.dhcp", "not a range"),
    ("dhcp: 192.168.10.100-192.168.10.199 => dhcp: 192.168.10.100 # HERE", "network.dhcp", "not a range"),
    ("upstream_dns: [9.9.9.9] => upstream_dns: 9.9.9.9 # HERE", "network.upstream_dns", "list"),
    ("upstream_dns: [9.9.9.9] => upstream_dns: [9.9.9.9, x.y] # HERE", "network.upstream_dns[1]", "not an IPv4"),
    # B 36: VLAN and MTU
    ("domain: home.arpa => domain: home.arpa\n  vlan: 0 # HERE", "network.vlan", "out of range"),
    ("domain: home.arpa => domain: home.arpa\n  vlan: 4095 # HERE", "network.vlan", "out of range"),
    ("domain: home.arpa => domain: home.arpa\n  vlan: ten # HERE", "network.vlan", "not a whole number"),
    ('domain: home.arpa => domain: home.arpa\n  vlan: "10" # HERE', "network.vlan", "in quotes"),
    ("domain: home.arpa => domain: home.arpa\n  mtu: 1279 # HERE", "network.mtu", "out of range"),
    ("domain: home.arpa => domain: home.arpa\n  mtu: 9217 # HERE", "network.mtu", "out of range"),
    (f"domain: home.arpa => domain: home.arpa\n  mtu: {'9' * 4000} # HERE", "network.mtu", "out of range"),
    # words, versions, sizes
    ("role: witness, address: 192.168.10.13} => role: Witness, address: 192.168.10.13} # HERE", "hosts[2].role", "known"),
    ("version: v1.36.4+k3s1} => version: 1.36.4} # HERE", "k3s.version", "vX.Y.Z+k3sN"),
    ("version: v1.36.4+k3s1} => version: v1.36.4+k3s0} # HERE", "k3s.version", "vX.Y.Z+k3sN"),
    ("version: v1.36.4+k3s1} => version: latest} # HERE", "k3s.version", "vX.Y.Z+k3sN"),
    ("version: 3.6.14} => version: 3.4.23} # HERE", "etcd.version", "too old"),
    ("version: 3.6.14} => version: 3.5.15} # HERE", "etcd.version", "3.5.16 of Debian 13"),
    ("version: 3.6.14} => version: v3.6.14} # HERE", "etcd.version", "X.Y.Z"),
    ("kind: longhorn => kind: ceph # HERE\n ", "storage.kind", "not known"),
    ("kind: adguard} => kind: bind} # HERE", "dns.kind", "not known"),
    ("cpus: 2, memory: 2G, disk: 20G}\n  - {name: etcd-b => cpus: 2, memory: 2048, disk: 20G} # HERE\n"
     "  - {name: etcd-b", "machines[0].memory", "not text"),
    ("cpus: 2, memory: 2G, disk: 20G}\n  - {name: etcd-b => cpus: 2, memory: 2 GB, disk: 20G} # HERE\n"
     "  - {name: etcd-b", "machines[0].memory", "not a size"),
    # hosts' further keys
    (f"{A} => {A[:-1]}, port: 0}} # HERE", "hosts[0].port", "out of range"),
    (f"{A} => {A[:-1]}, user: ro ot}} # HERE", "hosts[0].user", "login name"),
    (f"{A} => {A[:-1]}, user: -oProxyCommand=x}} # HERE", "hosts[0].user", "login name"),
    (f"{A} => {A[:-1]}, bridge: a/b}} # HERE", "hosts[0].bridge", "bridge"),
    (f"{A} => {A[:-1]}, bridge: bridge-too-long-1}} # HERE", "hosts[0].bridge", "bridge"),
    (f"{A} => {A[:-1]}, vm_dir: vms}} # HERE", "hosts[0].vm_dir", "absolute"),
    (f"{A} => {A[:-1]}, vm_dir: /mnt/../etc}} # HERE", "hosts[0].vm_dir", ".."),
    (f'{A} => {A[:-1]}, vm_dir: "/mnt/a\\nb"}} # HERE', "hosts[0].vm_dir", "shell"),
    (f'{A} => {A[:-1]}, vm_dir: "/mnt/a\\0b"}} # HERE', "hosts[0].vm_dir", "NUL"),
    (f"{A} => {A[:-1]}, vm_dir: /mnt/$(x)}} # HERE", "hosts[0].vm_dir", "shell"),
    (f"{A} => {A[:-1]}, vm_dir: /}} # HERE", "hosts[0].vm_dir", "root"),
    (f"{A} => {A[:-1]}, key: id_rsa}} # HERE", "hosts[0].key", "absolute"),
    (f"{A} => {A[:-1]}, circuit: a;b}} # HERE", "hosts[0].circuit", "plain name"),
    (f"{A} => {A[:-1]}, platform: proxmox}} # HERE", "hosts[0].platform", "not known"),
    # unknown and missing keys
    ("name: home => nam: home # HERE", "nam", "no key nam"),
    (f"{A} => {A[:-1]}, adress: 1.2.3.4}} # HERE", "hosts[0].adress", "no key adress"),
    (" => password: x # HERE", "password", "no key"),
    ("hosts: => hosts:\n  - tower # HERE", "hosts[0]", "section"),
    ("traefik: {}} => traefik: {}, redis: {size: 1G}} # HERE", "apps.redis.size", "no key"),
    ("traefik: {}} => traefik: {}, plex: {}} # HERE", "apps.plex", "no key"),
    # backup, waivers, records
    (" => backup: {target: relative, schedule: '@daily', keep: 3} # HERE", "backup.target", "absolute"),
    (" => backup: {target: 'nfs://nas/x', schedule: '@daily', keep: 3} # HERE", "backup.target", "is a URL"),
    (" => backup: {target: /b, schedule: '61 * * * *', keep: 3} # HERE", "backup.schedule", "not a schedule"),
    (" => backup: {target: /b, schedule: daily, keep: 3} # HERE", "backup.schedule", "not a schedule"),
    (" => backup: {target: /b, schedule: '@daily', keep: 0} # HERE", "backup.keep", "out of range"),
    ("replicas: 2} => replicas: 2, backup_target: 'http://nas/x'} # HERE", "storage.backup_target", "target"),
    ("replicas: 2} => replicas: 2, backup_target: 'cifs://u:pw@nas/x'} # HERE", "storage.backup_target", "secrets"),
    (" => waivers: [{check: a.b, reason: x, until: soon}] # HERE", "waivers[0].until", "not a date"),
    (" => waivers: [{check: 'a b', reason: x, until: 2027-01-01}] # HERE", "waivers[0].check", "id of a check"),
    ("kind: adguard} => kind: adguard, records: {nas_1.lan: 192.168.10.5}} # HERE", "dns.records.nas_1.lan", "underscore"),
    ("kind: adguard} => kind: adguard, records: {nas.lan: 10.0.0.05}} # HERE", "dns.records.nas.lan", "leading zero"),
    ("schema: 1 => schema: 2 # HERE", "schema", "out of range"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "path", "words"), CASES, ids=[f"{c[1]}-{c[2]}-{i}" for i, c in enumerate(CASES)]
)
def test_one_bad_value_is_found_with_path_line_and_reason(change: str, path: str, words: str) -> None:
    text = bend(change)
    found = [p for p in problems_of(text) if p.path == path]
    assert len(found) == 1, problems_of(text)
    assert words in found[0].text
    assert found[0].line == line_of(text)
    assert found[0].hint
    assert parse_spec(text, source="x")[0] is None


@pytest.mark.parametrize(
    ("mac", "words"),
    [
        ("01:00:5e:00:00:01", "multicast"),
        ("ff:ff:ff:ff:ff:ff", "multicast"),
        ("00:00:00:00:00:00", "libvirt"),
        ("fe:54:00:00:00:01", "libvirt"),
        ("52-54-00-00-00-01", "not a MAC"),
        ("52:54:00:00:01", "not a MAC"),
        ("52:54:00:00:00:0g", "not a MAC"),
    ],
)
def test_b32_mac_addresses(mac: str, words: str) -> None:
    problem = only_problem(bend(f"address: 192.168.10.21, => address: 192.168.10.21, mac: '{mac}',"))
    assert (problem.path, problem.line) == ("machines[0].mac", 20)
    assert words in problem.text


def test_b32_a_vendors_mac_is_a_warning() -> None:
    problem = only_problem(
        bend("address: 192.168.10.21, => address: 192.168.10.21, mac: 'b8:27:eb:00:00:01',")
    )
    assert problem.level == "warning"


def test_b38_certificates_from_the_internet_are_refused_with_the_reason() -> None:
    apps = "apps: {metallb: {}, traefik: {}, mariadb: {size: 1G}, redis: {}, nextcloud: {host: a.lan, size: 1G, tls: acme}}"
    problem = only_problem(bend(f"apps: {{metallb: {{}}, traefik: {{}}}} => {apps}"))
    assert problem.path == "apps.nextcloud.tls"
    assert "ACME" in problem.hint


@pytest.mark.parametrize("key", ["name", "network", "hosts", "k3s", "etcd", "dns", "schema"])
def test_a_missing_key_is_named(key: str) -> None:
    lines = BASE.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((i for i in range(start + 1, len(lines)) if lines[i] and lines[i][0] != " "), len(lines))
    problem = only_problem("\n".join(lines[:start] + lines[end:]))
    assert (problem.path, problem.text) == (key, f"The key {key} is missing.")


def test_a_missing_key_of_an_item_has_the_items_line() -> None:
    text = bend("role: witness, address: 192.168.10.13} => role: witness} # HERE")
    problem = only_problem(text)
    assert (problem.path, problem.line) == ("hosts[2].address", line_of(text))


def test_the_nearest_known_key_is_offered() -> None:
    assert only_problem(bend("storage: {kind => Storage: {kind")).hint == "Did you mean storage?"
    assert only_problem(bend("replicas: 2 => replica: 2")).hint == "Did you mean replicas?"
    problems = {p.path: p.hint for p in problems_of(bend("load_balancer: 192 => load-balancer: 192"))}
    assert problems["network.load-balancer"] == "Did you mean load_balancer?"


def test_a_password_is_answered_with_where_it_belongs() -> None:
    assert "no secrets" in only_problem(bend("user: root, => user: root, password: hunter2,")).hint


def test_all_problems_come_at_once_and_in_order_of_lines() -> None:
    text = bend(
        "name: home => name: Home",
        "vlan => vlan" if "vlan" in BASE else "cidr: 192.168.10.0/24 => cidr: 192.168.10.0/24\n  vlan: 5000",
        "gateway: 192.168.10.1 => gateway: 192.168.010.1",
        "role: hypervisor, address: 192.168.10.11 => role: boss, address: 192.168.10.300",
        "role: hypervisor, address: 192.168.10.12 => role: hypervisor, address: 192.168.10.120",
        "version: v1.36.4+k3s1 => version: v1",
        "load_balancer: 192.168.10.230 => load_balancer: 192.168.10.190",
    )
    problems = problems_of(text)
    assert [p.path for p in problems] == [
        "name",
        "network.vlan",
        "network.gateway",
        "network.load_balancer",
        "hosts[0].address",
        "hosts[0].role",
        "hosts[1].address",
        "k3s.version",
    ]
    assert [p.line for p in problems] == sorted(p.line or 0 for p in problems)


def test_the_items_after_a_bad_one_keep_their_number() -> None:
    text = bend(
        "upstream_dns: [9.9.9.9] => upstream_dns: [x, 9.9.9.9, 9.9.9.9]",
        "hosts: => hosts:\n  - 5",
        "address: 192.168.10.13} => address: 192.168.10.12}",
    )
    paths = {p.path for p in problems_of(text)}
    assert paths == {"network.upstream_dns[0]", "network.upstream_dns[2]", "hosts[0]", "hosts[3].address"}


def test_an_app_of_ones_own_is_accepted_with_apps_dir() -> None:
    spec = sound(bend("traefik: {}} => traefik: {}, plex: {port: 32400}}", " => apps_dir: ~/apps"))
    plex = spec.app("plex")
    assert plex is not None
    assert dict(plex.options) == {"port": "32400"}


def test_an_app_without_options_may_be_left_empty() -> None:
    spec = sound(bend("apps: {metallb: {}, traefik: {}} => apps:\n  metallb:\n  traefik:"))
    assert [app.name for app in spec.apps] == ["metallb", "traefik"]


@pytest.mark.parametrize("name", ["a[0]", "a[", "x.y", "", "[", "ä"])
def test_an_app_of_ones_own_needs_a_plain_name(name: str) -> None:
    text = bend(f"traefik: {{}}}} => traefik: {{}}, '{name}': {{}}}}", " => apps_dir: ~/apps")
    assert problems_of(text)


def test_no_more_than_a_hundred_problems_are_listed() -> None:
    problems = problems_of(BASE + "".join(f"key{i}: 1\n" for i in range(2_000)))
    assert len(problems) == 101
    assert any("1900 further" in p.text for p in problems)
