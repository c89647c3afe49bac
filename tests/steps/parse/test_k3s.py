"""What real hosts said of K3s, parsed; and the line of a log that tells why."""

from __future__ import annotations

import pytest

from steps.parse.k3s import K3sSeen, last_line, log_reason, parse_k3s
from tests.recordings.k3s_cases import IMAGES, VERSION
from tests.recordings.recording import load_all
from tests.recordings.stage import LINEAGE
from wizard.payload.k3s_unit import BINARY, RUNNING_CONFIG

STARTED = 'time="2026-11-28T06:00:00Z" level=info msg="Starting k3s v1.36.4+k3s1"'
TOKEN = (
    'time="2026-11-28T06:00:01Z" level=fatal msg="Error: starting kubernetes: preparing server: bootstrap data already '
    'found and encrypted with different token"'
)
EXITED = "k3s.service: Main process exited, code=exited, status=1/FAILURE"
KLOG = "E1128 06:00:02.123456     812 controller.go:145] failed to ensure lease exists: connection refused"
WAITING = (
    'time="2026-11-28T06:00:00Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: failed to '
    'retrieve configuration from server: https://10.0.0.20:6443/v1-k3s/config: 401 Unauthorized"'
)


def seen(case: str, host: str = "pi") -> K3sSeen:
    return parse_k3s(load_all()[f"read-k3s/{case}.{host}"].said.stdout)


@pytest.mark.parametrize("host", ["tower-a", "tower-b", "pi"])
def test_a_host_without_k3s(host: str) -> None:
    found = seen("absent", host)
    assert (found.version, found.digests, found.files, found.texts) == ("", {}, {}, {})
    assert not found.runs and not found.serves and not found.unit.enabled
    assert found.node.lineage == "" and not found.node.joined


def test_programs_that_lie_there() -> None:
    found = seen("installed")
    assert found.version == VERSION
    assert set(found.digests) == {BINARY, f"/var/lib/rancher/k3s/agent/images/{IMAGES}"}
    assert all(len(digest) == 64 for digest in found.digests.values())
    assert found.unit.fragment == ""


def test_a_node_that_was_set_up_and_not_started() -> None:
    found = seen("configured")
    assert (found.name, found.unit.active, found.unit.enabled) == ("k3s.service", "inactive", False)
    assert found.files["/etc/homelab/k3s-token"].mode == "600"
    assert (found.node.lineage, found.node.name, found.node.joined) == (LINEAGE, "pi", False)


def test_a_server_that_runs() -> None:
    found = seen("running")
    assert found.serves and found.unit.enabled
    assert found.texts[RUNNING_CONFIG].startswith("# Written by the homelab wizard")
    assert found.node.server and found.node.joined and found.node.password
    assert "-----BEGIN CERTIFICATE-----" in found.texts["/var/lib/rancher/k3s/server/tls/server-ca.crt"]


def test_a_server_that_ends_says_why() -> None:
    found = seen("failing")
    assert not found.runs and found.unit.restarts > 0
    assert found.reason == "Error: open /etc/homelab/k3s-token: no such file or directory"
    assert not found.hopeless


@pytest.mark.parametrize(
    ("lines", "reason", "hopeless"),
    [
        ((), "", False),
        ((STARTED,), "Starting k3s v1.36.4+k3s1", False),
        ((STARTED, TOKEN, EXITED), "bootstrap data already found and encrypted with different token", True),
        ((STARTED, KLOG, STARTED), "failed to ensure lease exists: connection refused", False),
        ((WAITING, KLOG), "401 Unauthorized", True),
        ((STARTED, EXITED), EXITED, False),
        (
            ('time="x" level=fatal msg="Error: listen tcp \\":6443\\": address already in use"',),
            '":6443"',
            False,
        ),
    ],
)
def test_the_line_that_tells_why(lines: tuple[str, ...], reason: str, hopeless: bool) -> None:
    found = K3sSeen(log=lines)
    assert reason in log_reason(lines)
    assert (found.reason == "") == (not lines)
    assert found.hopeless == hopeless


def test_the_last_line_is_read_as_a_person_would() -> None:
    assert last_line((TOKEN, KLOG)) == "failed to ensure lease exists: connection refused"
    assert last_line(()) == ""


def test_anything_else_is_unknown() -> None:
    found = parse_k3s("== programs\n|nonsense\n== unit\n|NRestarts=many\n== ready\n|[-]etcd failed\nstray\n")
    assert (found.digests, found.unit.restarts, found.ready, found.serves) == ({}, 0, "[-]etcd failed", False)
