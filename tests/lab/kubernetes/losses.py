"""Each loss that a cluster is to outlive, and somebody at the API's address who counts what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from tests.lab.cluster.site import MEMBERS, TOWERS, Site, tower_of
from tests.lab.conftest import Lab
from tests.lab.kubernetes.counting import Client, Writer
from tests.lab.kubernetes.nodes import READY_SECONDS, SERVERS, Kubernetes
from tests.lab.story.world import tell, until
from wizard.core.kubeconfig import read_admin

AGAIN = 8
"""Writes in a row that count as an API that is back."""

BACK_SECONDS = 240.0
"""Deadline of an API that comes back by itself, on a machine that is busy with other things."""

NOTICED_SECONDS = 3.0
"""What was acknowledged sooner after a loss may have been on its way already."""

SAMPLE = "WIZARD_LAB_LOSSES"
"""Variable that names the losses of a sample, with a comma between them, in place of the day's."""

A_DAY = 2
"""How many losses a day's sample has."""


@dataclass(slots=True)
class Family:
    """A cluster, somebody who uses it, and what that person noticed of each loss."""

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

    def virsh(self, verb: str, guest: str) -> None:
        """Do something to a guest, at its hypervisor."""
        self.cluster.site.virsh(tower_of(guest), verb, guest)

    def outlive(self, loss: Loss) -> None:
        """Lose something, wait until writes are acknowledged again, all by itself, and find all of them; then mend it."""
        try:
            self._suffer(loss)
        finally:
            self._mend()

    def _suffer(self, loss: Loss) -> None:
        began = time.monotonic()
        what = loss.happens(self)
        self._writes_since(max(time.monotonic(), began + NOTICED_SECONDS))
        gap, lost = self.writer.gap(began), len(self.writer.lost())
        self.noticed.append((what, gap, lost))
        tell(f"{what}: {gap:.1f} s without a write, {lost} acknowledged writes lost")
        assert not lost

    def _mend(self) -> None:
        """The next loss is one of a sound cluster."""
        self.lab.mend_all()
        self.cluster.site.settle()
        for guest in (*SERVERS, *MEMBERS[:2]):
            self._start(guest)
        self.whole()

    def whole(self) -> None:
        """Wait until nothing is missing."""
        until(
            lambda: healthy(self.cluster.site) == len(MEMBERS) and self.cluster.all_ready(),
            "three members, and every node ready",
            seconds=READY_SECONDS,
            pause=1.0,
        )
        self._writes_since(time.monotonic())

    def table(self) -> str:
        """What was noticed, as docs/losses.md has it."""
        rows = [f"| {what} | {gap:.1f} | {lost} |" for what, gap, lost in self.noticed]
        head = ["| lost | seconds without a write | acknowledged writes lost |", "|---|---|---|"]
        return "\n".join([*head, *rows])

    def _writes_since(self, moment: float) -> None:
        until(
            lambda: self.writer.since(moment) >= AGAIN,
            "writes are acknowledged again",
            seconds=BACK_SECONDS,
            pause=0.2,
        )

    def _start(self, guest: str) -> None:
        state = self.cluster.site.virsh(tower_of(guest), "domstate", guest).strip()
        if state == "paused":
            self.virsh("resume", guest)
        elif state == "shut off":
            self.virsh("start", guest)


@contextmanager
def family(cluster: Kubernetes, lab: Lab) -> Iterator[Family]:
    """Somebody who writes for as long as losses are suffered; the table is said at the end."""
    said = cluster.site.operator.run("kubeconfig", "--print", code=0).stdout
    writer = Writer(Client(str(cluster.site.spec.network.api_vip), read_admin(said)))
    writer.begin()
    made = Family(cluster, lab, writer)
    try:
        made.whole()
        yield made
    finally:
        writer.end()
        tell(made.table())


def healthy(site: Site) -> int:
    """How many of etcd's members take a write."""
    ends = ",".join(site.client(member) for member in MEMBERS)
    pki = "/etc/etcd/pki"
    keys = (f"--cacert={pki}/ca.crt", f"--cert={pki}/root.crt", f"--key={pki}/root.key")
    words = ("/usr/local/bin/etcdctl", f"--endpoints={ends}", *keys, "endpoint", "health")
    return site.inside("pi", *words, ok=False).count("is healthy")


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that may be lost."""

    name: str
    """Its words in a test's name and in the variable."""
    happens: Callable[[Family], str]
    """Takes it away, and says what it was."""


def _owner_is_cut_off(family: Family) -> str:
    family.virsh("destroy", family.owner())
    return "the server that has the address"


def _other_is_cut_off(family: Family) -> str:
    owner = family.owner()
    family.virsh("destroy", next(one for one in SERVERS if one != owner))
    return "the server beside it"


def _owner_is_paused(family: Family) -> str:
    family.virsh("suspend", family.owner())
    return "the server that has the address, paused"


def _is_shut_down(server: str) -> Callable[[Family], str]:
    def happens(family: Family) -> str:
        family.cluster.site.inside(server, "systemctl", "poweroff", ok=False)
        return f"{server}, shut down in order"

    return happens


def _member_is_cut_off(member: str) -> Callable[[Family], str]:
    def happens(family: Family) -> str:
        family.virsh("destroy", member)
        return f"{member}, the first endpoint of the server beside it"

    return happens


def _pi_is_killed(family: Family) -> str:
    family.lab.fault("host-killed", "pi")
    return "the Pi"


def _tower_is_killed(tower: str) -> Callable[[Family], str]:
    def happens(family: Family) -> str:
        has = "with" if tower_of(family.owner()) == tower else "without"
        family.lab.fault("host-killed", tower)
        return f"{tower}, {has} the address"

    return happens


def _towers_are_restarted(family: Family) -> str:
    for tower in TOWERS:
        family.lab.fault("host-killed", tower)
    family.lab.mend_all()
    return "both hypervisors at once, started again"


def _majority_is_lost(family: Family) -> str:
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
    return f"{gone} and the Pi (no majority), then the Pi back"


LOSSES = (
    Loss("owner", _owner_is_cut_off),
    Loss("majority", _majority_is_lost),
    Loss("other-server", _other_is_cut_off),
    Loss("tower-a", _tower_is_killed("tower-a")),
    Loss("owner-paused", _owner_is_paused),
    Loss("server-a-shut-down", _is_shut_down("server-a")),
    Loss("both-towers", _towers_are_restarted),
    Loss("server-b-shut-down", _is_shut_down("server-b")),
    Loss("tower-b", _tower_is_killed("tower-b")),
    Loss("etcd-a", _member_is_cut_off("etcd-a")),
    Loss("etcd-b", _member_is_cut_off("etcd-b")),
    Loss("pi", _pi_is_killed),
)
"""Every one of them, the days' samples one after the other: at most one of each takes a hypervisor, which costs minutes."""


def sample(today: date, named: str) -> tuple[Loss, ...]:
    """The losses of a day: as days go by each of them comes round, by the day or by the week alike.

    Args:
        today: the day.
        named: the losses that are wanted instead, with a comma between them; empty = the day's.

    Raises:
        ValueError: there is no loss of a name.
    """
    known = {loss.name: loss for loss in LOSSES}
    wanted = [name.strip() for name in named.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"{SAMPLE}: no such loss: {', '.join(unknown)}; known: {', '.join(known)}")
    first = today.toordinal() * A_DAY
    return tuple(known[name] for name in wanted) or tuple(
        LOSSES[(first + number) % len(LOSSES)] for number in range(A_DAY)
    )
