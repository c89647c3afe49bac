"""The address of the API with the real step: shared by the servers, moved when it must be, and doctor's words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.practice.cluster import NET, Cluster, bad, built, without_proxy
from tests.practice.k3s_site import STORY, apply, found, looked_at, planned
from wizard.core.check import Status
from wizard.core.measurements import Measurement
from wizard.payload.keepalived import CONFIG, group_of
from wizard.practice.faults import Moment
from wizard.practice.k3s_process import settle_k3s
from wizard.practice.machine import File, Machine

VIP = f"{NET}.20"
STRANGER = "b8:27:eb:00:00:07"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Two servers of K3s; nobody shares an address yet."""
    before = STORY[: next(at for at, step in enumerate(STORY) if step.id == "api-address")]
    return built(Cluster.fresh(tmp_path_factory.mktemp("address")), steps=before)


@pytest.fixture(scope="module")
def made(servers: Cluster) -> Cluster:
    """The address was set up."""
    return built(servers.clone(), steps=STORY)


@pytest.fixture
def bare(servers: Cluster) -> Cluster:
    """The servers without the address, for one test alone."""
    return servers.clone()


@pytest.fixture
def done(made: Cluster) -> Cluster:
    """Servers and address, for one test alone."""
    return made.clone()


def owners(cluster: Cluster) -> list[str]:
    settle_k3s(cluster.world)
    return [one.name for one in cluster.world.holders(VIP)]


def set_k3s(machine: Machine, wanted: bool) -> None:
    machine.k3s.wanted = wanted


def pause(cluster: Cluster, name: str, state: str = "paused") -> None:
    machine = cluster.machines[name]
    cluster.machines[machine.carrier].domains[name].state = state


def test_one_server_has_it_and_nothing_is_left_to_do(done: Cluster) -> None:
    assert owners(done) == ["server-a"]
    assert planned(done) == []
    report = looked_at(done, [""])
    told = {item.check: item for item in report if item.check.startswith("address.")}
    assert {item.status for item in told.values()} == {Status.PASS}
    assert told["address.one_owner"].detail == f"server-a has {VIP}."
    assert told["address.standby"].detail == f"server-b can take {VIP} from server-a."
    assert not bad(report)


def test_nothing_is_shared_where_there_is_no_kubernetes(bare: Cluster) -> None:
    spec = replace(bare.spec, k3s=replace(bare.spec.k3s, enabled=False))
    plan, _ = bare.session(spec, STORY).plan()
    assert not [change.key for step in plan.steps for change in step.changes]
    assert not [
        one for one in bare.session(spec, STORY).doctor().findings if one.check.startswith("address.")
    ]


def test_it_moves_with_the_api_and_does_not_move_back(done: Cluster) -> None:
    server_a = done.machines["server-a"]
    set_k3s(server_a, wanted=False)
    assert owners(done) == ["server-b"]
    assert found(done, "address.answers").status is Status.PASS
    standby = found(done, "address.standby")
    assert (standby.status, standby.detail) == (Status.WARN, f"Nobody could take {VIP} from server-b.")
    set_k3s(server_a, wanted=True)
    assert owners(done) == ["server-b"]


def test_it_moves_when_its_owner_is_paused_and_there_are_never_two_for_long(done: Cluster) -> None:
    pause(done, "server-a")
    assert owners(done) == ["server-b"]
    pause(done, "server-a", "running")
    assert owners(done) == ["server-a"]
    assert done.machines["server-b"].keepalived.state == "BACKUP"


def test_it_comes_back_by_itself_when_all_were_without_power(done: Cluster) -> None:
    for tower in ("tower-a", "tower-b"):
        done.power_cut(tower)
    assert owners(done) == ["server-a"]


def test_a_router_that_has_the_usual_id_has_it_to_itself(bare: Cluster) -> None:
    heard = {"tool": "tcpdump", "routers": [{"group": 51, "source": f"{NET}.2", "priority": 100}], "why": ""}
    bare.measurements.keep([Measurement("wire-vrrp", "tower-a", 1.0, heard)])
    assert apply(bare).status == "done"
    config = bare.machines["server-a"].files[CONFIG].content.decode()
    assert group_of(config) == 52
    # Once it is in use it stays, also when the other one is gone.
    bare.measurements.keep([Measurement("wire-vrrp", "tower-a", 2.0, heard | {"routers": []})])
    assert planned(bare) == []


def test_somebody_who_takes_the_address_at_the_last_moment_stops_the_step(bare: Cluster) -> None:
    def come() -> None:
        bare.world.lan.strangers[VIP] = (STRANGER,)

    bare.hosts.faults.moments.append(Moment("", "after read/wire", come, 2))
    result = apply(bare)
    assert result.status == "failed"
    (finding,) = (one for one in result.findings if one.check == "address.foreign")
    assert STRANGER in finding.evidence
    assert "network.api_vip" in finding.fix
    assert owners(bare) == []


def changed(cluster: Cluster) -> None:
    files = cluster.machines["server-a"].files
    files[CONFIG] = File(files[CONFIG].content.replace(b"nopreempt", b"preempt_delay 5"))


def switched_off(cluster: Cluster) -> None:
    cluster.machines["server-a"].keepalived.enabled = False


def stopped(cluster: Cluster) -> None:
    cluster.machines["server-a"].keepalived.wanted = False


@pytest.mark.parametrize(
    ("wreck", "says"),
    [
        (changed, f"{CONFIG} is not as it shall be"),
        (switched_off, "keepalived does not start at boot"),
        (stopped, "keepalived is inactive"),
    ],
)
def test_what_is_not_right_on_a_server_is_named_and_mended(
    done: Cluster, wreck: Callable[[Cluster], None], says: str
) -> None:
    wreck(done)
    boot = found(done, "address.boot", "server-a")
    assert boot.status is Status.FAIL
    assert says in boot.detail
    assert boot.evidence and boot.cause
    assert boot.fix.startswith("wizard apply")
    assert planned(done) == ["api-address/address:server-a"]
    assert apply(done).status == "done"
    assert planned(done) == []
    assert found(done, "address.boot", "server-a").status is Status.PASS
    assert not done.twice()


def test_the_owner_is_changed_last(done: Cluster) -> None:
    for name in ("server-a", "server-b"):
        del done.machines[name].files["/etc/systemd/system/keepalived.service.d/10-homelab.conf"]
    plan, _ = done.session(steps=STORY).plan()
    after = {change.key: change.after for step in plan.steps for change in step.changes}
    assert after == {"address:server-a": ("address:server-b",), "address:server-b": ()}


def both_stopped(cluster: Cluster) -> None:
    for name in ("server-a", "server-b"):
        cluster.machines[name].keepalived.wanted = False


def no_api(cluster: Cluster) -> None:
    for name in ("server-a", "server-b"):
        set_k3s(cluster.machines[name], wanted=False)


def robbed(cluster: Cluster) -> None:
    cluster.machines["server-a"].keepalived.robbed = True


def two(cluster: Cluster) -> None:
    cluster.machines["server-b"].keepalived.deaf = True


@pytest.mark.parametrize(
    ("wreck", "detail", "cause", "fix"),
    [
        (
            both_stopped,
            f"No server has {VIP}.",
            "keepalived does not run on server-a and server-b.",
            "systemctl restart keepalived",
        ),
        (no_api, f"No server has {VIP}.", "has an API that is ready", "journalctl -u k3s"),
        (
            robbed,
            f"No server has {VIP}.",
            "It was taken off server-a",
            f"ssh root@{NET}.41 systemctl restart keepalived",
        ),
        (
            two,
            f"server-a and server-b have {VIP} at the same time.",
            "IP protocol 112",
            f"ssh root@{NET}.42 systemctl restart keepalived",
        ),
    ],
)
def test_no_owner_or_two_are_named_with_what_helps(
    done: Cluster, wreck: Callable[[Cluster], None], detail: str, cause: str, fix: str
) -> None:
    wreck(done)
    one = found(done, "address.one_owner")
    assert (one.status, one.detail) == (Status.FAIL, detail)
    assert cause in one.cause
    assert fix in one.fix
    assert "server-a: keepalived" in one.evidence


def test_a_stranger_at_the_address_is_told_once_as_the_cause(done: Cluster) -> None:
    done.world.lan.strangers[VIP] = (STRANGER,)
    one = found(done, "address.foreign")
    assert (one.status, one.explained_by) == (Status.FAIL, "machines.wire")
    assert STRANGER in one.evidence
    answers = found(done, "address.answers")
    assert (answers.status, answers.explained_by) == (Status.FAIL, "address.foreign")
    assert "server-b: curl" in answers.evidence


def test_a_stranger_whom_only_a_server_meets_is_told_too(done: Cluster) -> None:
    done.world.lan.strangers[VIP] = (STRANGER,)
    for tower in ("tower-a", "tower-b"):
        done.machines[tower].lacks |= {"arping", "ping"}
    one = found(done, "address.foreign")
    assert (one.status, one.explained_by) == (Status.FAIL, "")
    assert one.evidence == f"server-b is answered by {STRANGER}"


def test_servers_that_do_not_answer_are_no_verdict_on_the_address(done: Cluster) -> None:
    pause(done, "server-b")
    assert found(done, "address.one_owner").status is Status.PASS
    assert found(done, "address.boot", "server-b").explained_by == "machines.running"
    standby = found(done, "address.standby")
    assert (standby.status, standby.fix) == (Status.WARN, "wizard doctor machines.running")
