"""A small sound spec, and how a test bends one part of it."""

from __future__ import annotations

from wizard.core.spec import ClusterSpec, Problem, parse_spec

BASE = """\
schema: 1
name: home
ssh: {user: root, key: ~/.ssh/id_ed25519}
network:
  cidr: 192.168.10.0/24
  gateway: 192.168.10.1
  domain: home.arpa
  dhcp: 192.168.10.100-192.168.10.199
  api_vip: 192.168.10.20
  load_balancer: 192.168.10.230-192.168.10.250
  upstream_dns: [9.9.9.9]
  pod_cidr: 10.42.0.0/16
  service_cidr: 10.43.0.0/16
hosts:
  - {name: tower-a, role: hypervisor, address: 192.168.10.11}
  - {name: tower-b, role: hypervisor, address: 192.168.10.12}
  - {name: pi, role: witness, address: 192.168.10.13}
storage: {kind: longhorn, replicas: 2}
machines:
  - {name: etcd-a, host: tower-a, role: etcd, address: 192.168.10.21, cpus: 2, memory: 2G, disk: 20G}
  - {name: etcd-b, host: tower-b, role: etcd, address: 192.168.10.22, cpus: 2, memory: 2G, disk: 20G}
  - {name: server-a, host: tower-a, role: server, address: 192.168.10.23, cpus: 2, memory: 4G, disk: 20G}
  - {name: server-b, host: tower-b, role: server, address: 192.168.10.24, cpus: 2, memory: 4G, disk: 20G}
k3s: {version: v1.36.4+k3s1}
etcd: {version: 3.6.14}
dns: {kind: adguard}
apps: {metallb: {}, traefik: {}}
"""


def bend(*changes: str) -> str:
    """The base with lines replaced: `old => new`, where `old` must be in it exactly once. An empty `old` appends."""
    text = BASE
    for change in changes:
        old, _, new = change.partition(" => ")
        if not old:
            text += f"{new}\n"
            continue
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the base"
        text = text.replace(old, new)
    return text


def line_of(text: str, mark: str = "# HERE") -> int:
    """The line of the last mark, counted from 1."""
    lines = [number for number, line in enumerate(text.split("\n"), 1) if mark in line]
    assert lines, "no line is marked"
    return lines[-1]


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    """What is wrong with a spec."""
    return parse_spec(text, source="cluster.yaml")[1]


def only_problem(text: str | bytes) -> Problem:
    """The one problem of a spec."""
    problems = problems_of(text)
    assert len(problems) == 1, problems
    return problems[0]


def sound(text: str | bytes) -> ClusterSpec:
    """A spec without problems."""
    spec, problems = parse_spec(text, source="cluster.yaml")
    assert not problems, problems
    assert spec is not None
    return spec
