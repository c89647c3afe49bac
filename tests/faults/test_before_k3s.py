"""Rows 66 to 68 on guests that shall become nodes: busy ports, a kernel that lacks something, clocks that differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.practice import k3s_site as site
from tests.practice.cluster import NET, Cluster, built, without_proxy
from tests.rows import assert_explained, assert_warned
from wizard.core.engine.apply import ApplyResult
from wizard.core.errors import ExitCode, WizardError
from wizard.practice.machine import Machine

LOGIN = f"ssh root@{NET}.42"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Guests and etcd; nothing of K3s is there yet."""
    cluster = site.fresh(tmp_path_factory.mktemp("before-k3s"))
    spec = replace(cluster.spec, k3s=replace(cluster.spec.k3s, enabled=False))
    return built(cluster, spec, site.STORY)


@pytest.fixture
def guests(whole: Cluster) -> Cluster:
    """The same, for one test alone."""
    return whole.clone()


def the_error(result: ApplyResult) -> WizardError:
    """The one that ended a run."""
    assert result.status == "failed"
    return (*result.errors, *result.unmet)[0]


def k3s_of(cluster: Cluster) -> list[str]:
    """Everything of K3s on every machine."""
    return [
        path for one in cluster.machines.values() for path in one.files if "k3s" in path or "rancher" in path
    ]


def refused(guests: Cluster, says: list[str], do: str) -> None:
    """Told as every fault must be, before anything of K3s was put anywhere."""
    error = the_error(site.apply(guests))
    assert_explained(
        error, exit_code=ExitCode.FAILED, says=says, do=do, unchanged=lambda: k3s_of(guests), before=[]
    )


# --- 66: ports


@pytest.mark.row("F", 66)
@pytest.mark.parametrize(("name", "port"), [("server-b", 6443), ("server-b", 10259), ("worker-b", 10250)])
def test_row_f66_a_port_that_k3s_needs_is_busy(guests: Cluster, name: str, port: int) -> None:
    guests.machines[name].listens[port] = "nginx"
    refused(guests, [f"Port {port} of {name} is used by nginx; K3s needs it"], f"ss -lntp 'sport = :{port}'")
    guests.machines[name].listens.clear()
    assert site.apply(guests).status == "done"


def test_the_ports_of_servers_may_be_busy_on_agents(guests: Cluster) -> None:
    guests.machines["worker-b"].listens[10259] = "nginx"
    assert site.apply(guests).status == "done"


# --- 67: swap, kernel, firewall


def no_module(machine: Machine) -> None:
    machine.lacks.add("br_netfilter")


def no_memory(machine: Machine) -> None:
    machine.cgroups = ("cpuset", "cpu", "pids")


@pytest.mark.row("F", 67)
@pytest.mark.parametrize(
    ("wreck", "says", "do"),
    [
        (no_module, "The kernel of server-b has no br_netfilter", f"{LOGIN} reboot"),
        (
            no_memory,
            "The cgroup controllers memory of server-b are off",
            "cgroup_memory=1 cgroup_enable=memory",
        ),
    ],
)
def test_row_f67_a_kernel_that_cannot_carry_containers(
    guests: Cluster, wreck: Callable[[Machine], None], says: str, do: str
) -> None:
    wreck(guests.machines["server-b"])
    refused(guests, [says], do)


def swaps(machine: Machine) -> None:
    machine.swap = 2 * 1024 * 1024


def walled(machine: Machine) -> None:
    machine.sections["file /etc/ufw/ufw.conf"] = ("ENABLED=yes",)


@pytest.mark.row("F", 67)
@pytest.mark.parametrize(
    ("wreck", "check", "says", "do"),
    [
        (swaps, "k3s.swap", "server-b has 2048 MiB of swap", f"{LOGIN} swapoff -a"),
        (walled, "k3s.firewall", "ufw on server-b may keep", f"{LOGIN} ufw allow from 10.42.0.0/16"),
    ],
)
def test_row_f67_swap_and_firewalls_are_told_and_stop_nothing(
    guests: Cluster, wreck: Callable[[Machine], None], check: str, says: str, do: str
) -> None:
    wreck(guests.machines["server-b"])
    result = site.apply(guests)
    assert result.status == "done"
    (told,) = (one for one in result.findings if one.check == check and one.host == "server-b")
    assert_warned(told, says=[says], fix=do)


# --- 68: clocks


@pytest.mark.row("F", 68)
def test_row_f68_clocks_of_nodes_that_differ_by_more_than_half_a_minute_stop_the_install(
    guests: Cluster,
) -> None:
    guests.machines["worker-b"].skew = -90.0
    refused(guests, ["The clock of worker-b is off by", "90."], f"ssh root@{NET}.62")
    guests.machines["worker-b"].skew = 0.0
    assert site.apply(guests).status == "done"


@pytest.mark.row("F", 68)
def test_row_f68_a_difference_of_seconds_is_told_and_stops_nothing(guests: Cluster) -> None:
    guests.machines["worker-b"].skew = 5.0
    result = site.apply(guests)
    assert result.status == "done"
    told = [one for one in result.findings if one.check == "k3s.clocks"]
    assert_warned(told[0], says=["The clock of worker-b is off by"], fix=f"ssh root@{NET}.62")
