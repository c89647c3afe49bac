"""Rows 29 to 31: the wire has other ideas of whose an address is."""

from __future__ import annotations

import json

import pytest

from tests.faults.cluster_site import ClusterSite
from tests.practice.cluster import NET
from tests.rows import CliRun, assert_explained, assert_found
from wizard.core.errors import ExitCode
from wizard.practice.lan import Lan, Leader

FOREIGN = "b8:27:eb:00:00:07"
ROUTER = f"{NET}.1"
POOL = f"{NET}.230-{NET}.250"


def lan_of(site: ClusterSite) -> Lan:
    """What else is on the homelab's network."""
    world = site.cluster.machines["tower-a"].world
    assert world is not None
    return world.lan


def layout(site: ClusterSite) -> CliRun:
    return site.run("layout", "--json")


def refusals(run: CliRun) -> str:
    """What of the network is refused, as text."""
    found = json.loads(run.stdout)["problems"]
    return "\n".join(one["text"] for one in found if one["level"] == "refused" and NET in one["text"])


def address(run: CliRun, wanted: str) -> dict[str, str]:
    """One address of the document."""
    found: dict[str, str] = next(
        one for one in json.loads(run.stdout)["addresses"] if one["address"] == wanted
    )
    return found


# --- 29: the load balancer's range and DHCP


@pytest.mark.row("B", 29)
def test_row_b29_dhcp_offers_an_address_of_the_pool(grown: ClusterSite) -> None:
    grown.applied()
    lan_of(grown).offers = [(f"{NET}.235", ROUTER)]
    run = layout(grown)
    assert run.exit_code == ExitCode.FAILED
    assert f"offered tower-a {NET}.235, which is in network.load_balancer ({POOL})" in refusals(run)
    says = [f"{NET}.235", POOL, "network.load_balancer"]
    fix = f"set the range to {NET}.100-{NET}.199"
    assert_found(grown.doctor(), "machines.offers", says=says, fix=fix, status="warn")


@pytest.mark.row("B", 29)
def test_row_b29_the_router_gives_out_other_addresses_than_the_spec_says(grown: ClusterSite) -> None:
    grown.applied()
    lan_of(grown).offers = [(f"{NET}.77", ROUTER)]
    assert not refusals(layout(grown))
    says = [f"outside of network.dhcp ({NET}.100-{NET}.199)"]
    assert_found(grown.doctor(), "machines.offers", says=says, fix="network.dhcp", status="warn")


# --- 30: the pool holds an address that answers


@pytest.mark.row("B", 30)
def test_row_b30_somebody_answers_at_an_address_of_the_pool(grown: ClusterSite) -> None:
    lan_of(grown).strangers[f"{NET}.240"] = (FOREIGN,)
    run = layout(grown)
    assert (run.exit_code, address(run, f"{NET}.240")["mac"]) == (ExitCode.FAILED, FOREIGN)
    says = [f"{NET}.240 (load_balancer) is answered by {FOREIGN} (Raspberry Pi)", "tower-a and tower-b"]
    told = grown.apply()
    do = "network.load_balancer"
    assert_explained(
        told, exit_code=ExitCode.FAILED, says=says, do=do, unchanged=grown.guests_and_etcd, before=[]
    )


@pytest.mark.row("B", 30)
def test_row_b30_somebody_has_the_address_of_a_machine(grown: ClusterSite) -> None:
    lan_of(grown).strangers[f"{NET}.31"] = (FOREIGN,)
    says = [f"{NET}.31 (etcd-a) is answered by {FOREIGN}"]
    assert_explained(
        grown.apply(),
        exit_code=ExitCode.FAILED,
        says=says,
        do="give etcd-a another address",
        unchanged=grown.guests_and_etcd,
        before=[],
    )
    lan_of(grown).strangers.pop(f"{NET}.31")
    grown.applied()
    grown.content()


@pytest.mark.row("B", 30)
def test_row_b30_somebody_takes_the_address_of_a_machine_that_runs(grown: ClusterSite) -> None:
    grown.applied()
    lan_of(grown).strangers[f"{NET}.41"] = (FOREIGN,)
    says = [f"{FOREIGN} (Raspberry Pi), heard by tower-a and tower-b and by our server-a"]
    fix = "give server-a another address"
    assert_found(grown.doctor(), "machines.wire", says=says, fix=fix, status="fail")


# --- 31: the API address, and VRRP


@pytest.mark.row("B", 31)
def test_row_b31_somebody_has_the_address_of_the_api(grown: ClusterSite) -> None:
    lan_of(grown).strangers[f"{NET}.20"] = (FOREIGN,)
    one = address(layout(grown), f"{NET}.20")
    assert (one["probe"], one["by"]) == ("used", "Raspberry Pi")
    says = [f"{NET}.20 (api_vip) is answered by {FOREIGN}"]
    do = "choose another network.api_vip"
    assert_explained(
        grown.apply(), exit_code=ExitCode.FAILED, says=says, do=do, unchanged=grown.guests_and_etcd, before=[]
    )


@pytest.mark.row("B", 31)
def test_row_b31_two_vrrp_groups_have_the_same_id(grown: ClusterSite) -> None:
    grown.applied()
    lan_of(grown).leaders += [Leader(51, f"{NET}.2"), Leader(51, f"{NET}.3")]
    vrrp = json.loads(layout(grown).stdout)["vrrp"]
    assert (vrrp["taken"], vrrp["router_id"]) == ([51], 52)
    says = [f"VRRP id 51 is led by {NET}.2 and {NET}.3 at the same time", "ours takes 52"]
    grown.applied()  # ours had 51
    assert_found(grown.doctor(), "machines.routers", says=says, fix="virtual_router_id", status="warn")
