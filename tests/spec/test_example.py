"""The annotated example: sound as it is, complete, and sound with every commented line switched on."""

from __future__ import annotations

import re
from pathlib import Path

from tests.spec.base import problems_of, sound
from wizard.core.spec import example_text
from wizard.core.spec.schema import known_keys

SECTIONS: tuple[tuple[str | int, ...], ...] = (
    (), ("ssh",), ("network",), ("hosts", 0), ("storage",), ("machines", 0), ("k3s",), ("etcd",), ("dns",),
    ("apps",), ("apps", "traefik"), ("apps", "mariadb"), ("apps", "nextcloud"), ("witness",), ("backup",),
    ("artifacts",), ("waivers", 0),
)  # fmt: skip

CONTRACT = (
    "schema", "name", "ssh", "user", "key", "network", "cidr", "gateway", "domain", "dhcp", "api_vip",
    "load_balancer", "upstream_dns", "pod_cidr", "service_cidr", "vlan", "mtu", "hosts", "role",
    "address", "platform", "guests", "port", "bridge", "vm_dir", "storage_disk", "etcd_dir", "circuit",
    "storage", "kind", "replicas", "class", "backup_target", "machines", "host", "cpus", "memory",
    "disk", "data_disk", "mac", "k3s", "version", "enabled", "etcd", "heartbeat_ms", "election_ms", "dns",
    "records", "apps", "metallb", "traefik", "mariadb", "size", "redis", "nextcloud", "tls", "witness",
    "accept_slow", "backup", "target", "schedule", "keep", "apps_dir", "artifacts", "accept_built",
    "dir", "waivers", "check", "reason", "until",
)  # fmt: skip
"""Every key of design section 7a, `artifacts.dir` and `k3s.enabled`."""


def switched_on() -> str:
    """The example with every optional key in use."""
    lines = []
    for line in example_text().splitlines():
        optional = re.match(r"^( *)# ( *(?:- )?(?:[a-z0-9_]+|nas\.home\.arpa):(?: .*)?)$", line)
        prose = (line.startswith("#") and line.endswith((".", ","))) or line.startswith("#   wizard")
        lines.append(line if not optional or prose else optional[1] + optional[2])
    return "\n".join(lines)


def test_the_example_is_sound() -> None:
    assert sound(example_text()).name == "home"


def test_every_key_of_the_contract_is_in_the_example_and_in_the_schema() -> None:
    known = {key for section in SECTIONS for key in known_keys(section)}
    assert known == set(CONTRACT)
    for key in CONTRACT:
        assert re.search(rf"(^|[ #{{-]){key}:", example_text(), re.MULTILINE), f"{key} is not in the example"


def test_every_optional_line_can_be_switched_on() -> None:
    text = (
        switched_on()
        .replace("kind: longhorn", "kind: existing")
        .replace("  backup_target:", "  # backup_target:")
    )
    text = text.replace("    etcd_dir: /mnt/nvme/etcd ", "    # ")
    told = {(p.path, p.level) for p in problems_of(text)}
    # the one etcd machine shown is not yet a majority, and without Kubernetes there are no apps; everything else fits
    assert told == {("machines", "error"), ("k3s.enabled", "warning")}
    assert all(
        f"\n{key}:" in text for key in ("machines", "witness", "backup", "apps_dir", "artifacts", "waivers")
    )


def test_the_example_holds_no_secret_and_fits_a_terminal() -> None:
    assert not re.search(r"(password|token): *\S", example_text())
    assert max(len(line) for line in example_text().splitlines()) <= 120


def test_the_guide_names_every_key() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "spec.md").read_text()
    for section in SECTIONS:
        for key in known_keys(section):
            assert re.search(rf"[`.]{key}[`.\[]", guide), f"{key} is not in docs/spec.md"
