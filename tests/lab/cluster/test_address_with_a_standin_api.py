"""keepalived of the two servers moves the API's address; K3s is not there, a small TLS server stands in for its API."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from steps.address_seen import files_of
from steps.parse.keepalived import KeepalivedSeen, parse_keepalived
from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import SCRIPTS, tower_of
from tests.lab.story.world import tell, until
from wizard.core.host import script_text
from wizard.payload.certificates import make_authority, make_client, make_member
from wizard.payload.etcd_files import bundle
from wizard.payload.keepalived import CONFIG, DROP_IN, READY

pytestmark = pytest.mark.lab

SERVERS = ("server-a", "server-b")
DATA = "/var/lib/rancher/k3s"
TLS = f"{DATA}/server/tls"
SECONDS = 60.0
"""Deadline of a move: on a quiet machine it is done in eight at most."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the API, and the servers that share it."""

    cluster: Cluster

    @property
    def shared(self) -> str:
        return self.cluster.spec.network.api_vip

    def seen(self, server: str) -> KeepalivedSeen:
        """What the wizard's own script says of it."""
        words = (f"arg_own={self.cluster.address(server)}", f"arg_address={self.shared}")
        given = script_text("read/keepalived").encode()
        return parse_keepalived(self.cluster.inside(server, *words, "/bin/sh", "-s", given=given))

    def holds(self, server: str) -> bool:
        found = self.cluster.shell(server, f"ip -o -4 address show to {self.shared}/32")
        return bool(found.strip())

    def owners(self, *among: str) -> list[str]:
        return [one for one in among or SERVERS if self.holds(one)]

    def answers(self) -> bool:
        """Asked from the Pi, which is no server: whoever has the address, somebody speaks TLS there."""
        words = ("curl", "-k", "-s", "-S", "--max-time", "2", f"https://{self.shared}:6443/readyz")
        done = subprocess.run(self.cluster.command("pi", *words), capture_output=True, text=True, check=False)
        return "certificate required" in done.stderr

    def moved(self, server: str, why: str) -> None:
        """Wait until a server has the address and answers for it, and tell how long that took."""
        began = time.monotonic()
        until(
            lambda: self.holds(server) and self.answers(),
            f"{server} has the address",
            seconds=SECONDS,
            pause=0.2,
        )
        tell(f"API address: {why}: at {server} after {time.monotonic() - began:.1f} s")

    def configure(self, server: str, nic: str) -> str:
        """As the wizard does it."""
        spec = self.cluster.spec
        spec = replace(spec, k3s=replace(spec.k3s, enabled=True))
        files = files_of(spec, spec.machine(server), nic, 51)
        self.cluster.inside(
            server, "tee", "/run/configure.sh", given=script_text("do/keepalived-configure").encode()
        )
        given = bundle(list(files)).reveal().encode()
        return self.cluster.inside(server, "/bin/sh", "/run/configure.sh", given=given)

    def down(self, server: str, *, down: bool) -> None:
        """Let the API of a server be ready or not."""
        self.cluster.shell(server, f"touch {TLS}/down" if down else f"rm {TLS}/down")

    def stand_in(self) -> None:
        """Certificates and a program for each server, in the places K3s has them."""
        now = datetime.now(UTC)
        authority = make_authority("stand-in", now)
        admin = make_client(authority, "system:admin", now)
        program = (SCRIPTS / "standin_api.py").read_bytes()
        for server in SERVERS:
            own = make_member(
                authority,
                server,
                [self.cluster.address(server), self.shared, "127.0.0.1"],
                ["localhost"],
                now,
            )
            files = {
                "server-ca.crt": authority.certificate,
                "client-admin.crt": admin.certificate,
                "client-admin.key": admin.key.reveal(),
                "serving.crt": own.certificate,
                "serving.key": own.key.reveal(),
                "program.py": program.decode(),
            }
            self.cluster.shell(server, f"mkdir -p -m 700 {TLS}")
            for name, text in files.items():
                self.cluster.inside(server, "tee", f"{TLS}/{name}", given=text.encode())
            self.cluster.shell(server, f"systemd-run -q --unit=standin-api python3 {TLS}/program.py {TLS}")

    def clear(self) -> None:
        """As before: keepalived sleeps, and nothing of ours is left."""
        for server in SERVERS:
            self.cluster.shell(
                server,
                "systemctl disable --quiet --now keepalived; systemctl stop standin-api;"
                f"rm -rf {CONFIG} {READY} {DROP_IN} {DATA} /run/configure.sh; systemctl daemon-reload;"
                "systemctl reset-failed",
                ok=False,
            )


@pytest.fixture(scope="module")
def address(cluster: Cluster) -> Iterator[Address]:
    """Shared by both servers; the first one has it."""
    found = Address(cluster)
    try:
        found.stand_in()
        for server in SERVERS:
            assert found.seen(server).installed
            said = found.configure(server, found.seen(server).nic)
            assert said.splitlines()[-1] == "started", said
        until(lambda: bool(found.owners()), "a server has the address", seconds=SECONDS, pause=0.2)
        yield found
    finally:
        found.clear()


def test_one_server_has_it_and_both_reach_the_api_by_it(address: Address) -> None:
    until(lambda: len(address.owners()) == 1, "one server has it", seconds=SECONDS, pause=0.2)
    (owner,) = address.owners()
    other = next(one for one in SERVERS if one != owner)
    until(address.answers, "the API answers at its address", seconds=SECONDS, pause=0.2)
    has, waits = address.seen(owner), address.seen(other)
    assert (has.state, has.held, waits.state, waits.held) == ("MASTER", has.nic, "BACKUP", "")
    assert waits.at == has.mac
    for seen in (has, waits):
        assert seen.unit.enabled and seen.runs and seen.group == 51
        assert seen.ready is not None and seen.ready.yes, seen
        assert seen.answers is not None and seen.answers.yes, seen
    assert address.configure(owner, has.nic).splitlines() == ["running"]


def test_it_moves_with_whatever_takes_its_owner_away_and_does_not_move_back(address: Address) -> None:
    (owner,) = address.owners()
    other = next(one for one in SERVERS if one != owner)

    address.down(owner, down=True)
    address.moved(other, "the owner's API is not ready")
    assert address.owners() == [other]
    until(lambda: address.seen(owner).state == "FAULT", "its old owner knows", seconds=SECONDS, pause=0.5)
    ready = address.seen(owner).ready
    assert ready is not None and not ready.yes and "500" in ready.said
    address.down(owner, down=False)
    until(lambda: address.seen(owner).state == "BACKUP", "it takes part again", seconds=SECONDS, pause=0.5)
    assert address.owners() == [other]

    address.cluster.shell(other, "systemctl stop keepalived")
    address.moved(owner, "keepalived of the owner is stopped")
    address.cluster.shell(other, "systemctl start keepalived")
    until(lambda: address.seen(other).state == "BACKUP", "it takes part again", seconds=SECONDS, pause=0.5)
    assert address.owners() == [owner]


def test_it_moves_when_its_owner_is_paused_and_one_has_it_when_that_wakes_up(address: Address) -> None:
    (owner,) = address.owners()
    other = next(one for one in SERVERS if one != owner)
    address.cluster.virsh(tower_of(owner), "suspend", owner)
    try:
        address.moved(other, "the owner is paused")
    finally:
        address.cluster.virsh(tower_of(owner), "resume", owner)
    until(lambda: len(address.owners()) == 1, "one server has it", seconds=SECONDS, pause=0.2)
    tell(f"API address: after the owner woke up it is at {address.owners()[0]}")


def test_where_no_api_is_ready_nobody_has_it_and_it_comes_back_by_itself(address: Address) -> None:
    for server in SERVERS:
        address.down(server, down=True)
    until(lambda: not address.owners(), "nobody has the address", seconds=SECONDS, pause=0.2)
    for server in SERVERS:
        address.down(server, down=False)
    until(lambda: bool(address.owners()), "a server has the address", seconds=SECONDS, pause=0.2)
    until(address.answers, "the API answers at its address", seconds=SECONDS, pause=0.2)
    assert len(address.owners()) == 1
