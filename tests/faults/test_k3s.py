"""Rows 73, 74 and 78: tokens that do not fit, versions that go back, a node made anew under its old name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.k3s_files import AGENT_TOKEN, TOKEN
from steps.parse.nodes import parse_node
from tests.practice import k3s_site as site
from tests.practice.cluster import Cluster, without_proxy
from tests.practice.k3s_by_hand import start
from tests.rows import assert_explained
from wizard.core.check import Status
from wizard.core.engine.apply import ApplyResult
from wizard.core.errors import ExitCode, WizardError
from wizard.core.secret import Secret
from wizard.core.spec.model import K3sSpec
from wizard.payload import k3s_config as config
from wizard.practice.k3s_process import PASSWORD, cluster_of, nodes
from wizard.practice.machine import File

GOOD = "the right secrets.yaml"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return site.made(tmp_path_factory.mktemp("k3s-faults"))


@pytest.fixture
def done(whole: Cluster) -> Cluster:
    return whole.clone()


def the_error(result: ApplyResult) -> WizardError:
    """The one that ended a run."""
    assert result.status != "done"
    return (*result.errors, *result.unmet)[0]


# --- 73: tokens


@pytest.mark.row("F", 73)
def test_row_f73_another_token_than_the_clusters_is_noticed_before_anything_is_changed(done: Cluster) -> None:
    done.secrets.put({TOKEN: Secret("0" * 32)})
    before = done.picture()
    assert_explained(
        the_error(site.apply(done)),
        exit_code=ExitCode.FAILED,
        says=["another token", "/etc/homelab/k3s-token"],
        do=GOOD,
        unchanged=done.picture,
        before=before,
    )


@pytest.mark.row("F", 73)
def test_row_f73_secrets_that_were_lost_are_not_made_anew(done: Cluster) -> None:
    kept = done.secrets.get(AGENT_TOKEN)
    values = dict(done.secrets.values)  # type: ignore[attr-defined]
    del values[TOKEN], values[AGENT_TOKEN]
    done.secrets.values = values  # type: ignore[attr-defined]
    before = done.picture()
    error = the_error(site.apply(done))
    assert_explained(
        error,
        exit_code=ExitCode.FAILED,
        says=["another token"],
        do=GOOD,
        unchanged=done.picture,
        before=before,
    )
    assert done.secrets.get(TOKEN) is None and kept is not None


@pytest.mark.row("F", 73)
def test_row_f73_a_server_whose_etcd_knows_another_token_says_k3s_own_reason(done: Cluster) -> None:
    found = cluster_of(done.world, done.machines["server-a"])
    assert found is not None
    found.token = "another"
    machine = done.machines["server-b"]
    machine.files[config.CONFIG] = File(b"# edited by hand\n", 0o600)
    error = the_error(site.apply(done))
    assert_explained(
        error,
        exit_code=ExitCode.FAILED,
        says=["K3s on server-b does not come up", "encrypted with different token"],
        do=GOOD,
    )
    assert "deadline" not in str(error)


@pytest.mark.parametrize(("name", "path"), [("server-b", config.TOKEN), ("worker-b", config.AGENT_TOKEN)])
def test_row_f73_another_token_on_one_node_is_told_with_k3s_own_reason_and_put_right(
    done: Cluster, name: str, path: str
) -> None:
    before = done.picture()
    machine = done.machines[name]
    machine.files[path] = File(b"of another cluster\n", 0o600)
    start(machine)
    says = "encrypted with different token" if name == "server-b" else "401 Unauthorized"
    told = site.found(done, "k3s.running", name)
    assert told.status is Status.FAIL and says in told.cause
    assert site.apply(done).status == "done"
    assert site.failing(done) == set() and site.planned(done) == []
    assert done.picture() == before


def test_row_f73_an_agent_that_read_another_token_is_started_anew_though_its_file_is_right_by_now(
    done: Cluster,
) -> None:
    """The wizard was killed after it had put the file right, and before the restart."""
    machine = done.machines["worker-b"]
    right = machine.files[config.AGENT_TOKEN]
    machine.files[config.AGENT_TOKEN] = File(b"of another cluster\n", 0o600)
    start(machine)
    machine.files[config.AGENT_TOKEN] = right
    assert site.planned(done) == ["k3s-agents/restart:worker-b"]
    assert site.apply(done).status == "done"
    assert site.failing(done) == set() and site.planned(done) == []


# --- 74: versions


@pytest.mark.row("F", 74)
@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("v1.36.3+k3s1", "cannot go back"),
        ("v1.35.9+k3s1", "cannot go back"),
        ("v1.38.0+k3s1", "at once"),
        ("v2.0.0+k3s1", "at once"),
    ],
)
def test_row_f74_a_version_that_cannot_follow_is_refused_before_anything_is_changed(
    done: Cluster, wanted: str, says: str
) -> None:
    done.spec = replace(done.spec, k3s=K3sSpec(wanted))
    before = done.picture()
    assert_explained(
        the_error(site.apply(done)),
        exit_code=ExitCode.FAILED,
        says=[says, "v1.36.4+k3s1", wanted],
        do="Set k3s.version in cluster.yaml",
        unchanged=done.picture,
        before=before,
    )


@pytest.mark.parametrize("wanted", ["v1.36.4+k3s2", "v1.36.9+k3s1", "v1.37.1+k3s1"])
def test_row_f74_a_version_that_may_follow_is_installed(done: Cluster, wanted: str) -> None:
    done.spec = replace(done.spec, k3s=K3sSpec(wanted))
    assert site.apply(done).status == "done"
    assert {node.version for node in nodes(done.world)} == {wanted}


# --- 78: a node made anew


@pytest.mark.parametrize("name", ["worker-b", "server-b"])
def test_row_f78_a_node_made_anew_takes_the_place_of_the_old_one(done: Cluster, name: str) -> None:
    before = done.picture()
    done.lose_guest(name)
    assert site.apply(done).status == "done"
    assert any("the password of the old one was deleted" in str(event) for event in done.events)
    assert site.failing(done) == set() and site.planned(done) == []
    assert done.picture() == before


def test_row_f78_a_node_that_is_turned_away_is_told_and_mended_by_the_next_apply(done: Cluster) -> None:
    machine = done.machines["worker-b"]
    machine.files[PASSWORD] = File(b"of another\n", 0o600)
    start(machine)
    told = site.found(done, "k3s.running", "worker-b")
    assert (told.status, told.fix) == (Status.FAIL, "wizard apply")
    assert "turns this one away" in told.detail and "Node password rejected" in told.evidence
    assert site.apply(done).status == "done"
    assert site.failing(done) == set() and site.planned(done) == []


@pytest.mark.row("F", 78)
def test_row_f78_nothing_is_taken_from_another_machine_that_is_alive_under_the_name(
    done: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    done.lose_guest("worker-b")
    monkeypatch.setattr("steps.k3s_password.SILENT_SECONDS", 0.0)
    monkeypatch.setattr("steps.k3s_password.parse_node", lambda found: replace(parse_node(found), ready=True))
    assert_explained(
        the_error(site.apply(done)),
        exit_code=ExitCode.FAILED,
        says=["Another machine is the node worker-b", "it is not that node"],
        do="kubectl get node worker-b",
    )
    known = cluster_of(done.world, done.machines["server-a"])
    assert known is not None and known.nodes["worker-b"].password


def test_a_node_of_another_cluster_is_left_alone(done: Cluster) -> None:
    machine = done.machines["worker-b"]
    machine.files[config.MARK] = File(b"lineage=another\nnode=worker-b\n")
    before = done.picture()
    error = the_error(site.apply(done))
    assert_explained(error, exit_code=ExitCode.FAILED, says=["node of another cluster"], do="ssh root@")
    assert done.picture() == before
    assert [one.status for one in site.looked_at(done, ("k3s.config",)) if one.host == "worker-b"] == [
        Status.FAIL
    ]
