"""Configuration, unit and payload of a member, as etcd, systemd and the script read them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml

from wizard.core.secret import MASK, Secret
from wizard.payload.etcd_config import EtcdConfig, config_text, in_force
from wizard.payload.etcd_files import MemberFile, bundle
from wizard.payload.etcd_unit import unit_text

CONFIG = EtcdConfig(
    name="pi",
    address="10.0.0.13",
    base="/mnt/usb/etcd",
    members={"etcd-a": "10.0.0.31", "etcd-b": "10.0.0.32", "pi": "10.0.0.13"},
    token="home-6f1d",
    unit="abcd",
)

GOLDEN = {
    "name": "pi",
    "data-dir": "/mnt/usb/etcd/data",
    "listen-client-urls": "https://10.0.0.13:2379,https://127.0.0.1:2379",
    "advertise-client-urls": "https://10.0.0.13:2379",
    "listen-peer-urls": "https://10.0.0.13:2380",
    "initial-advertise-peer-urls": "https://10.0.0.13:2380",
    "listen-metrics-urls": "http://127.0.0.1:2381",
    "initial-cluster": "etcd-a=https://10.0.0.31:2380,etcd-b=https://10.0.0.32:2380,pi=https://10.0.0.13:2380",
    "initial-cluster-token": "home-6f1d",
    "initial-cluster-state": "new",
    "heartbeat-interval": 250,
    "election-timeout": 2500,
    "quota-backend-bytes": 2147483648,
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention": "1h",
    "client-transport-security": {
        "cert-file": "/etc/etcd/pki/member.crt",
        "key-file": "/etc/etcd/pki/member.key",
        "trusted-ca-file": "/etc/etcd/pki/ca.crt",
        "client-cert-auth": True,
    },
    "peer-transport-security": {
        "cert-file": "/etc/etcd/pki/member.crt",
        "key-file": "/etc/etcd/pki/member.key",
        "trusted-ca-file": "/etc/etcd/pki/ca.crt",
        "client-cert-auth": True,
    },
    "log-level": "info",
}


def test_the_configuration_is_that_of_the_domain_page() -> None:
    assert yaml.safe_load(config_text(CONFIG)) == GOLDEN


def test_what_differs_between_forming_and_joining_is_no_difference_once_there_is_data() -> None:
    forming, joining = config_text(CONFIG), config_text(replace(CONFIG, joining=True))
    assert yaml.safe_load(joining)["initial-cluster-state"] == "existing"
    assert in_force(forming, bootstrapped=True) == in_force(joining, bootstrapped=True)
    assert in_force(forming, bootstrapped=False) != in_force(joining, bootstrapped=False)
    other = config_text(replace(CONFIG, heartbeat_ms=300))
    assert in_force(forming, bootstrapped=True) != in_force(other, bootstrapped=True)
    assert "initial-" not in in_force(forming, bootstrapped=True).replace("initial-advertise", "")


def test_the_unit_waits_for_its_disk_and_for_its_peers_and_always_comes_back() -> None:
    lines = unit_text("home", "/mnt/usb/etcd").splitlines()
    for line in (
        "RequiresMountsFor=/mnt/usb/etcd",
        "ExecStartPre=/usr/bin/test -f /mnt/usb/etcd/wizard",
        "ExecStart=/usr/local/bin/etcd --config-file /etc/etcd/etcd.yml",
        "Type=notify",
        "TimeoutStartSec=infinity",
        "Restart=always",
        "RestartSec=5",
        "StartLimitIntervalSec=0",
        "User=etcd",
        "IOSchedulingClass=best-effort",
        "IOSchedulingPriority=0",
        "LimitNOFILE=65536",
    ):
        assert line in lines
    # A container may refuse the priority: that must not keep etcd from running.
    assert any(re.fullmatch(r"ExecStartPost=-\+.*renice -n -10 .*", line) for line in lines)
    assert not any(line.startswith("Nice=") for line in lines)


def test_the_payload_carries_every_file_whole_and_shows_nothing() -> None:
    files = [
        MemberFile("/etc/a", Secret("one\n== two\n|three\n\n")),
        MemberFile("/etc/k", Secret("key\n"), "600", "etcd:etcd"),
    ]
    made = bundle(files)
    assert made.reveal().splitlines() == [
        "== /etc/a 644 root:root",
        "|one",
        "|== two",
        "||three",
        "|",
        "== /etc/k 600 etcd:etcd",
        "|key",
        "== end",
    ]
    assert str(made) == MASK
    assert "key" not in repr(files)


def test_a_file_without_a_last_newline_would_arrive_changed() -> None:
    with pytest.raises(ValueError, match="/etc/a"):
        bundle([MemberFile("/etc/a", Secret("one"))])
