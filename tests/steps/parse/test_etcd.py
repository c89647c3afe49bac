"""What `read/etcd` said on real members, taken apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.parse.etcd import EtcdSeen, log_reason, parse_etcd, quantile
from wizard.payload.certificates import read_certificate
from wizard.payload.etcd_config import AUTHORITY, CONFIG, PKI
from wizard.payload.etcd_unit import RUNNING_CONFIG, UNIT

FIXTURES = Path(__file__).parent / "fixtures"


def seen(name: str) -> EtcdSeen:
    return parse_etcd((FIXTURES / f"etcd-{name}.txt").read_text())


def test_a_running_member_tells_everything() -> None:
    found = seen("running")
    assert (found.version, found.ctl_version, found.account) == ("3.6.14", "3.6.14", True)
    assert (found.unit.active, found.unit.enabled, found.unit.fragment) == ("active", True, UNIT)
    assert (found.data.state, found.data.marker_member, found.data.root) == ("member", "etcd-a", False)
    assert found.data.free
    assert found.answers
    assert found.status
    assert (found.status.cluster, found.status.version) == ("e8fad556d47e6035", "3.6.14")
    assert found.members
    assert sorted(one.name for one in found.members) == ["etcd-a", "etcd-b", "pi"]
    assert all(one.started and not one.learner for one in found.members)
    assert found.status.member in {one.id for one in found.members}
    assert found.metrics
    assert (found.metrics.has_leader, found.metrics.quota) == (True, 2 * 1024**3)
    assert found.metrics.fsync[-1][0] == float("inf")
    assert found.errors == ()


def test_files_of_a_running_member() -> None:
    found = seen("running")
    assert (found.files[f"{PKI}/member.key"].mode, found.files[f"{PKI}/member.key"].owner) == (
        "600",
        "etcd:etcd",
    )
    assert (found.files[f"{PKI}/doctor.key"].mode, found.files[f"{PKI}/doctor.key"].owner) == (
        "600",
        "root:root",
    )
    assert found.texts[CONFIG] == found.texts[RUNNING_CONFIG]
    own, signer = read_certificate(found.texts[f"{PKI}/member.crt"]), read_certificate(found.texts[AUTHORITY])
    assert own
    assert signer
    assert own.issuer == signer.name
    assert not any("PRIVATE" in text for text in found.texts.values())


def test_a_stopped_member_has_its_data_and_no_voice() -> None:
    found = seen("stopped")
    assert (found.unit.active, found.data.state, found.status, found.members) == (
        "inactive",
        "member",
        None,
        None,
    )
    assert not found.answers


def test_a_member_alone_runs_and_follows_nobody() -> None:
    found = seen("no-quorum")
    assert found.status
    assert (found.unit.active, found.status.leader, found.answers) == ("active", "", False)
    # Its own view of the list needs no quorum.
    assert found.members
    assert len(found.members) == 3
    assert found.metrics
    assert found.metrics.has_leader is False


def test_a_member_that_waits_for_its_peers_is_not_asked_as_a_client() -> None:
    found = seen("waiting")
    assert (found.unit.active, found.unit.sub, found.status) == ("activating", "start", None)
    assert found.metrics
    assert found.metrics.has_leader is False


def test_a_member_that_crashes_says_why() -> None:
    found = seen("crashing")
    assert (found.unit.active, found.unit.sub) == ("activating", "auto-restart")
    assert found.reason == "discovery failed: open /etc/etcd/pki/member.key: permission denied"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], ""),
        (["Starting etcd.service"], "Starting etcd.service"),
        (['{"level":"fatal","msg":"a","error":"b"}', "Failed"], "a: b"),
        (
            [
                '{"level":"error","msg":"early"}',
                '{"level":"panic","msg":"worst"}',
                '{"level":"error","msg":"late"}',
            ],
            "worst",
        ),
        (
            [
                '{"level":"warn","msg":"server error","error":"the member has been permanently removed from the cluster"}',
                '{"level":"fatal","msg":"listener failed","error":"server is stopping"}',
            ],
            "server error: the member has been permanently removed from the cluster",
        ),
        (
            ['{"level":"warn","msg":"rejected connection","error":"tls: bad certificate"}', "x"],
            "rejected connection: tls: bad certificate",
        ),
        (['{"broken'], '{"broken'),
    ],
)
def test_the_line_that_tells_why(lines: list[str], reason: str) -> None:
    assert log_reason(lines) == reason


@pytest.mark.parametrize(
    ("histogram", "expected"),
    [
        ((), None),
        (((0.001, 0), (float("inf"), 0)), None),
        (((0.001, 99), (0.002, 100), (float("inf"), 100)), 0.001),
        (((0.001, 50), (0.002, 100), (float("inf"), 100)), 0.00198),
        (((0.001, 50), (0.002, 60), (float("inf"), 100)), 0.002),
    ],
)
def test_the_ninety_ninth_percentile(
    histogram: tuple[tuple[float, int], ...], expected: float | None
) -> None:
    assert quantile(histogram, 0.99) == (expected if expected is None else pytest.approx(expected))


def test_an_id_of_64_bits_keeps_every_digit() -> None:
    said = '== status\n|[{"Status":{"header":{"cluster_id":17237436991929493444,"member_id":1,"revision":1},"leader":1}}]'
    found = parse_etcd(said)
    assert found.status
    assert found.status.cluster == f"{17237436991929493444:x}"


WORDS = st.sampled_from(
    [
        "== status",
        "== members",
        "== data",
        "== metrics",
        "== files",
        "== log",
        "|",
        "|state=",
        "|size=",
        "|[{",
        '|{"members":[1,{}]}',
    ]
)


@given(st.lists(st.one_of(WORDS, st.text())))
def test_nothing_a_host_says_is_an_error(lines: list[str]) -> None:
    parse_etcd("\n".join(lines)).reason  # noqa: B018 - that it can be asked is what is asserted
