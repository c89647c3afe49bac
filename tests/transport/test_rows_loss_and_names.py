"""Row 48 of the fault list: what a lossy network and a name that changes its address do to a run."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.relay import FIRST_RETRY, Loss, Relay
from tests.transport.sshd import Client, Sshd
from wizard.core.errors import ExitCode, HostKeyChangedError, UnreachableError
from wizard.core.events import Note
from wizard.core.host import OpStatus
from wizard.transport.ssh import SshHost, Target

MakeServer = Callable[..., Sshd]
NAME = "tower.example"
LINEAGE = "11111111-2222-3333-4444-555555555555"
LARGE = bytes(range(256)) * 300

Found = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
"""What `socket.getaddrinfo` gives."""


# Loss


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize("seed", [1, 2])
def test_row_c48_five_percent_loss(
    client: Client, make_server: MakeServer, tmp_path: Path, seed: int
) -> None:
    """Answers come late, in bursts and out of rhythm; none is lost, nothing is done twice, the host stays ours."""
    server = make_server().start()
    loss = Loss(seed)
    relay = Relay(server.port, loss=loss)
    host = client.host(server, port=relay.port)
    with host.run_lock("me", 1, LINEAGE):
        for number in range(2):
            assert host.operation(f"none.{number}").status is OpStatus.ABSENT
        assert host.put(LARGE, str(tmp_path / "file")) is True
        for number in range(2):
            args = {"file": str(tmp_path / "runs"), "gate": str(tmp_path)}
            assert host.do("do/test/slow", args, op=f"row48.{number}", timeout=30).exit_code == 0
    relay.close()
    assert loss.lost >= 2, "too little was lost for this to say anything"
    assert loss.longest >= FIRST_RETRY
    assert (tmp_path / "file").read_bytes() == LARGE
    assert (tmp_path / "runs").read_text() == "run\n" * 2
    assert not [event for event in client.events if isinstance(event, Note)], "the link was given up"
    assert relay.accepted == 1


def test_row_c48_link_that_stalls_and_goes_on(
    client: Client, make_server: MakeServer, tmp_path: Path
) -> None:
    """Three seconds without a packet in the middle of a file: no time-out of ours is that short."""
    server = make_server().start()
    relay = Relay(server.port)
    host = client.host(server, port=relay.port)
    stalled: list[float] = []

    def stall(sent: int, _total: int) -> None:
        if sent > len(LARGE) // 2 and not stalled:
            stalled.append(time.monotonic())
            relay.stall()
            relay.flow_in(3.0)

    with host.run_lock("me", 1, LINEAGE):
        assert host.put(LARGE, str(tmp_path / "file"), on_bytes=stall) is True
        assert time.monotonic() - stalled[0] >= 3.0
    relay.close()
    assert (tmp_path / "file").read_bytes() == LARGE
    assert relay.accepted == 1


# Names


class Names:
    """A name server that we hold in our hand: one name, and where it leads now."""

    def __init__(self, where: int | None) -> None:
        self.where = where
        self._real = socket.getaddrinfo

    def getaddrinfo(self, host: str, port: int, *more: int, **options: int) -> Sequence[Found]:
        """As `socket.getaddrinfo`; the port leads to the right one of the servers on loopback."""
        if host != NAME:
            return self._real(host, port, *more, **options)
        if self.where is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.where))]


@pytest.fixture
def named(
    client: Client, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Sshd, Names]]:
    """A server known by its name, and the name's way to it."""
    server = make_server().start()
    names = Names(server.port)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    client.known.write_text(server.known_line(NAME))
    yield server, names


def host_of(client: Client, server: Sshd, way: str) -> SshHost:
    """The host by its name in the spec, or by an alias whose HostName it is."""
    if way == "HostName":
        client.config.write_text(f"Host tower\n  HostName {NAME}\n")
    address = "tower" if way == "HostName" else NAME
    return client.hosts(Target("tower", address, "root", 22, server.client_key))["tower"]


def break_link(host: SshHost) -> None:
    host.session.connect().close()


@pytest.mark.parametrize("way", ["address", "HostName"])
def test_row_c48_name_leads_to_another_machine_mid_run(
    client: Client, named: tuple[Sshd, Names], make_server: MakeServer, tmp_path: Path, way: str
) -> None:
    server, names = named
    other = make_server().start()
    other.authorize(server.client_key)  # it would let us in
    host = host_of(client, server, way)
    with host.run_lock("me", 1, LINEAGE):
        assert host.put(b"x", str(tmp_path / "before")) is True
        break_link(host)
        names.where = other.port
        for attempt in (lambda: host.put(b"x", str(tmp_path / "after")), lambda: host.operation("row48.1")):
            with pytest.raises(HostKeyChangedError) as caught:
                attempt()
            assert_explained(
                caught.value, exit_code=ExitCode.UNREACHABLE, says=[server.fingerprint(), other.fingerprint()]
            )
    assert not (tmp_path / "after").exists()
    assert "Accepted publickey" not in other.log.read_text(), "we logged in to a stranger"
    assert client.known.read_text() == server.known_line(NAME)
    assert not client.own.exists()


@pytest.mark.parametrize("way", ["address", "HostName"])
def test_row_c48_name_leads_to_another_address_of_the_same_machine_mid_run(
    client: Client, named: tuple[Sshd, Names], tmp_path: Path, way: str
) -> None:
    server, names = named
    second = Relay(server.port)
    host = host_of(client, server, way)
    with host.run_lock("me", 1, LINEAGE):
        break_link(host)
        names.where = second.port
        assert host.put(b"x", str(tmp_path / "file")) is True
        assert host.operation("row48.1").status is OpStatus.ABSENT
    assert second.accepted == 1
    second.close()


def test_row_c48_name_is_unknown_for_a_while_mid_run(
    client: Client, named: tuple[Sshd, Names], tmp_path: Path
) -> None:
    server, names = named
    host = host_of(client, server, "address")
    with host.run_lock("me", 1, LINEAGE):
        break_link(host)
        names.where = None
        with pytest.raises(UnreachableError) as caught:
            host.put(b"x", str(tmp_path / "file"))
        assert_explained(
            caught.value,
            exit_code=ExitCode.UNREACHABLE,
            says=[f"The name {NAME} is not known"],
            do="getent hosts",
        )
        names.where = server.port
        assert host.put(b"x", str(tmp_path / "file")) is True
