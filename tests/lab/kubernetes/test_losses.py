"""Each loss on six nodes: for how long a client at the API's address got no write through, and that none was lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.lab.cluster.site import MEMBERS, TOWERS, Site, tower_of
from tests.lab.conftest import Lab
from tests.lab.kubernetes.counting import Client, Writer
from tests.lab.kubernetes.nodes import READY_SECONDS, SERVERS, Kubernetes
from tests.lab.story.world import tell, until
from wizard.core.kubeconfig import read_admin

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not os.environ.get("WIZARD_LAB_SIX_NODES"), reason="WIZARD_LAB_SIX_NODES=1 asks for it"
    ),
]

AGAIN = 8
"""Writes in a row that count as an API that is back."""

BACK_SECONDS = 240.0
"""Deadline of an API that comes back by itself, on a machine that is busy with other things."""


@dataclass(slots=True)
class Family:
    """The cluster, somebody who uses it, and what that person noticed of each loss."""

    cluster: Kubernetes
    lab: Lab
    writer: Writer
    noticed: list[tuple[str, float, int]] = field(default_factory=list)

    @property
    def vip(self) -> str:
        """The API's address."""
        return str(self.cluster.site.spec.network.api_vip)

    def owner(self) -> str:
        """The server that has the API's address."""
        has = [
            name
            for name in SERVERS
            if f" {self.vip}/" in self.cluster.site.inside(name, "ip", "-o", "-4", "address", ok=False)
        ]
        (only,) = has
        return only

    def virsh(self, verb: str, *guests: str) -> None:
        """Do something to guests, at their hypervisors."""
        for guest in guests:
            self.cluster.site.virsh(tower_of(guest), verb, guest)

    def writes_again(self, since: float) -> None:
        """Wait until writes are acknowledged, all by itself."""
        until(
            lambda: self.writer.since(since) >= AGAIN,
            "writes are acknowledged again",
            seconds=BACK_SECONDS,
            pause=0.2,
        )

    def whole_again(self) -> None:
        """Wait until nothing is missing any more: the next loss is one of a sound cluster."""
        until(
            lambda: healthy(self.cluster.site) == len(MEMBERS) and self.cluster.all_ready(),
            "three members and six nodes",
            seconds=READY_SECONDS,
            pause=1.0,
        )
        began = time.monotonic()
        self.writes_again(began)

    def note(self, what: str, since: float) -> None:
        """Keep what was noticed, and say it."""
        gap, lost = self.writer.gap(since), len(self.writer.lost())
        self.noticed.append((what, gap, lost))
        tell(f"{what}: {gap:.1f} s without a write, {lost} acknowledged writes lost")
        assert not lost


def healthy(site: Site) -> int:
    """How many of etcd's members take a write."""
    ends = ",".join(site.client(member) for member in MEMBERS)
    pki = "/etc/etcd/pki"
    keys = (f"--cacert={pki}/ca.crt", f"--cert={pki}/root.crt", f"--key={pki}/root.key")
    words = ("/usr/local/bin/etcdctl", f"--endpoints={ends}", *keys, "endpoint", "health")
    return site.inside("pi", *words, ok=False).count("is healthy")


@pytest.fixture(scope="module")
def family(six_nodes: Kubernetes, lab: Lab) -> Iterator[Family]:
    said = six_nodes.site.operator.run("kubeconfig", "--print", code=0).stdout
    writer = Writer(Client(str(six_nodes.site.spec.network.api_vip), read_admin(said)))
    writer.begin()
    made = Family(six_nodes, lab, writer)
    made.whole_again()
    yield made
    writer.end()
    rows = [f"| {what} | {gap:.1f} | {lost} |" for what, gap, lost in made.noticed]
    table = ["| lost | seconds without a write | acknowledged writes lost |", "|---|---|---|", *rows]
    tell("\n".join(table))


@pytest.fixture(autouse=True)
def whole(family: Family) -> Iterator[None]:
    """Whatever a test broke is mended after it, and waited for."""
    yield
    family.lab.mend_all()
    family.cluster.site.settle()
    for name in (*SERVERS, *MEMBERS[:2]):
        started(family, name)
    family.whole_again()


def started(family: Family, guest: str) -> None:
    """A guest that is off is started, one that is paused goes on."""
    state = family.cluster.site.virsh(tower_of(guest), "domstate", guest).strip()
    if state == "paused":
        family.virsh("resume", guest)
    elif state == "shut off":
        family.virsh("start", guest)


@pytest.mark.parametrize("whose", ["that has the address", "beside it"])
def test_a_server_is_cut_off(family: Family, whose: str) -> None:
    owner = family.owner()
    gone = owner if whose == "that has the address" else next(one for one in SERVERS if one != owner)
    began = time.monotonic()
    family.virsh("destroy", gone)
    family.writes_again(began + 3)
    family.note(f"the server {whose}", began)


def test_the_owner_of_the_address_is_paused(family: Family) -> None:
    began = time.monotonic()
    family.virsh("suspend", family.owner())
    family.writes_again(began + 3)
    family.note("the server that has the address, paused", began)


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_is_shut_down_in_order_and_started(family: Family, server: str) -> None:
    began = time.monotonic()
    family.cluster.site.inside(server, "systemctl", "poweroff", ok=False)
    family.writes_again(began + 3)
    family.note(f"{server}, shut down in order", began)


@pytest.mark.parametrize("member", MEMBERS[:2])
def test_the_first_endpoint_of_a_servers_list_is_gone(family: Family, member: str) -> None:
    began = time.monotonic()
    family.virsh("destroy", member)
    family.writes_again(began + 3)
    family.note(f"{member}, the first endpoint of the server beside it", began)


def test_the_pi_is_gone(family: Family) -> None:
    began = time.monotonic()
    family.lab.fault("host-killed", "pi")
    family.writes_again(began + 3)
    family.note("the Pi", began)


@pytest.mark.parametrize("tower", TOWERS)
def test_a_hypervisor_is_gone(family: Family, tower: str) -> None:
    has = "with" if tower_of(family.owner()) == tower else "without"
    began = time.monotonic()
    family.lab.fault("host-killed", tower)
    family.writes_again(began + 3)
    family.note(f"{tower}, {has} the address", began)


def test_both_hypervisors_lose_their_power_at_once(family: Family) -> None:
    began = time.monotonic()
    for tower in TOWERS:
        family.lab.fault("host-killed", tower)
    family.lab.mend_all()
    family.writes_again(time.monotonic())
    family.note("both hypervisors, started again", began)


def test_a_hypervisor_and_the_pi_are_gone_and_one_comes_back(family: Family) -> None:
    began = time.monotonic()
    gone = TOWERS[1]
    for host in (gone, "pi"):
        family.lab.fault("host-killed", host)
    until(
        lambda: family.writer.since(time.monotonic() - 5.0) == 0,
        "one of three members takes no write",
        seconds=60,
        pause=0.5,
    )
    family.lab.mend("host-killed", "pi")
    family.writes_again(time.monotonic())
    family.note(f"{gone} and the Pi, then the Pi back", began)
