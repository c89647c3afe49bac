from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd
from wizard.core.errors import ExitCode, StateError, UnreachableError
from wizard.core.events import Note
from wizard.core.host import OpStatus
from wizard.transport import runlock
from wizard.transport.ssh import SshHost

MakeServer = Callable[..., Sshd]
LINEAGE = "11111111-2222-3333-4444-555555555555"

HOLDER = """
import sys
from pathlib import Path
from wizard.core.prompt import Silent
from wizard.transport.credentials import Credentials
from wizard.transport.ssh import SshHosts, Target
port, key, known = sys.argv[1:]
hosts = SshHosts([Target("tower", "127.0.0.1", "root", int(port), Path(key))], known_hosts=Path(known), pinned={},
                 prompter=Silent(), credentials=Credentials(), events=lambda event: None, config_files=())
with hosts["tower"].run_lock("bert@desk pid 1", 1, "x"):
    print("held", flush=True)
    sys.stdin.read()
hosts.close()
"""


@pytest.fixture
def own(make_server: MakeServer) -> Sshd:
    return make_server().start()


def take(host: SshHost, seconds: float = 10.0) -> None:
    """Take the lock and let go, waiting for a holder that has just died."""
    end = time.monotonic() + seconds
    while True:
        try:
            with host.run_lock("me", 1, LINEAGE):
                return
        except StateError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_row_a13_second_operator_is_refused_by_name_and_time(client: Client, own: Sshd) -> None:
    host = client.host(own)
    other = client.host(own)
    with host.run_lock("anna@laptop pid 4711 \x1b[2J", 5, LINEAGE):
        with pytest.raises(StateError) as caught, other.run_lock("bert@desk", 6, LINEAGE):
            pytest.fail("two operators at once")
        year = time.strftime("%Y-")
        assert_explained(caught.value, exit_code=ExitCode.STATE, says=["anna@laptop pid 4711", year])
    take(other, 2.0)


def test_work_goes_on_under_the_lock(client: Client, own: Sshd, tmp_path: Path) -> None:
    host = client.host(own)
    with host.run_lock("me", 1, LINEAGE):
        assert host.put(b"x", str(tmp_path / "file")) is True
    assert host.put(b"y", str(tmp_path / "file")) is True


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_host_lets_go_when_the_wizard_is_killed(client: Client, own: Sshd, how: signal.Signals) -> None:
    client.known.write_text(own.known_line())
    command = [sys.executable, "-c", HOLDER, str(own.port), str(own.client_key), str(client.known)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        host = client.host(own)
        with pytest.raises(StateError), host.run_lock("me", 1, LINEAGE):
            pytest.fail("two operators at once")
        process.send_signal(how)
        process.wait()
    take(host)


@pytest.fixture
def broken(client: Client, own: Sshd) -> Iterator[tuple[SshHost, Relay]]:
    """A host that we hold over a way that can be broken."""
    relay = Relay(own.port)
    client.known.write_text(own.known_line() + own.known_line(f"[127.0.0.1]:{relay.port}"))
    yield client.host(own, port=relay.port), relay
    relay.close()


def break_link(host: SshHost, relay: Relay) -> None:
    """Reset every connection, and wait until our side has noticed."""
    relay.reset()
    lock = host.lock
    assert lock is not None and lock._hold is not None
    end = time.monotonic() + 10
    while lock._hold.stands:
        assert time.monotonic() < end, "the reset never came"
        time.sleep(0.01)


def notes(client: Client) -> str:
    return "\n".join(event.text for event in client.events if isinstance(event, Note))


@pytest.mark.usefixtures("scripts")
def test_lost_lock_is_taken_anew_before_the_next_change(
    client: Client, own: Sshd, broken: tuple[SshHost, Relay], tmp_path: Path
) -> None:
    host, relay = broken
    with host.run_lock("me", 1, LINEAGE):
        for number in range(2):
            break_link(host, relay)
            if number:
                host.do("do/test/echo", {"text": "hello"}, op="lock.again", timeout=20)
            else:
                assert host.put(b"x", str(tmp_path / "file")) is True
            with pytest.raises(StateError, match="somebody else") as caught:
                client.host(own).run_lock("bert@desk", 1, LINEAGE).__enter__()
            assert "Held by me since" in caught.value.why
        break_link(host, relay)
    assert notes(client).count("tower is held for this run again") == 2
    take(client.host(own))


def test_host_taken_by_somebody_else_meanwhile(
    client: Client, own: Sshd, broken: tuple[SshHost, Relay], tmp_path: Path
) -> None:
    host, relay = broken
    other = client.host(own)
    with host.run_lock("me", 1, LINEAGE):
        break_link(host, relay)
        lock = other.run_lock("bert@desk pid 12", 1, LINEAGE)
        enter_when_free(lock)
        for _ in range(2):
            with pytest.raises(StateError) as caught:
                host.put(b"x", str(tmp_path / "file"))
            assert_explained(caught.value, exit_code=ExitCode.STATE, says=["bert@desk pid 12", "UTC"])
        assert host.operation("nobody.1").status is OpStatus.ABSENT, "reads need no lock"
        lock.__exit__(None, None, None)
        with pytest.raises(StateError, match="while its link was broken") as caught:
            host.put(b"x", str(tmp_path / "file"))
        assert_explained(caught.value, exit_code=ExitCode.STATE, says=["bert@desk pid 12"])
    assert not (tmp_path / "file").exists(), "a change was made without the lock"
    take(other)


def enter_when_free(lock: AbstractContextManager[None]) -> None:
    """Take a lock whose holder has just lost its link."""
    end = time.monotonic() + 10
    while True:
        try:
            lock.__enter__()
        except StateError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name=beach\nlineage=other\nserial=1\n", "another cluster"),
        (f"name=home\nlineage={LINEAGE}\nserial=9\n", "older than what"),
    ],
)
def test_host_given_to_another_state_meanwhile(
    with_marker: Sshd, broken: tuple[SshHost, Relay], tmp_path: Path, text: str, says: str
) -> None:
    host, relay = broken
    with host.run_lock("me", 4, LINEAGE):
        break_link(host, relay)
        file = marker(with_marker, text)
        with pytest.raises(StateError, match=says):
            host.put(b"x", str(tmp_path / "file"))
        assert file.read_text() == text
    assert not (tmp_path / "file").exists()


def test_no_change_where_the_lock_cannot_be_had(broken: tuple[SshHost, Relay], tmp_path: Path) -> None:
    host, relay = broken
    with host.run_lock("me", 1, LINEAGE):
        relay.refuse = True
        break_link(host, relay)
        with pytest.raises(UnreachableError):
            host.put(b"x", str(tmp_path / "file"))
        assert not (tmp_path / "file").exists()
        relay.refuse = False
        assert host.put(b"x", str(tmp_path / "file")) is True


def test_host_that_does_not_know_of_the_broken_link(
    client: Client, broken: tuple[SshHost, Relay], tmp_path: Path
) -> None:
    """The host holds its end until it notices: we wait for ourselves, say so, and change nothing meanwhile."""
    host, relay = broken
    file = tmp_path / "file"
    with host.run_lock("me", 1, LINEAGE), ThreadPoolExecutor(1) as pool:
        relay.abandon()
        stored = pool.submit(host.put, b"x", str(file))
        end = time.monotonic() + 60
        while "tower still waits for the connection that broke" not in notes(client):
            assert time.monotonic() < end and not stored.done(), notes(client)
            time.sleep(0.02)
        assert not file.exists(), "a change was made without the lock"
        relay.release()
        assert stored.result(60) is True
    assert "tower is held for this run again" in notes(client)


def test_host_lets_go_of_a_link_that_stays_silent(
    client: Client, own: Sshd, broken: tuple[SshHost, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody ever tells it: after the silence it gives the lock to whoever asks."""
    monkeypatch.setattr(runlock, "SILENCE_SECONDS", 2)
    host, relay = broken
    with host.run_lock("me", 1, LINEAGE):
        relay.abandon()
        take(client.host(own), 30.0)


def marker(own: Sshd, text: str) -> Path:
    """A marker that only this server sees."""
    file = own.inside("/var/lib/wizard/marker")
    file.write_text(text)
    return file


@pytest.fixture
def with_marker(own: Sshd) -> Sshd:
    """Gives the server a /var/lib/wizard of its own."""
    assert own.process is not None
    script = "mkdir -p /var/lib/wizard && mount -t tmpfs tmpfs /var/lib/wizard"
    subprocess.run(["nsenter", "-m", "-t", str(own.process.pid), "sh", "-c", script], check=True)
    return own


def test_serial_of_our_marker_is_raised(client: Client, with_marker: Sshd) -> None:
    file = marker(with_marker, f"name=home\nlineage={LINEAGE}\nserial=3\n")
    with client.host(with_marker).run_lock("me", 4, LINEAGE):
        assert file.read_text() == f"name=home\nlineage={LINEAGE}\nserial=4\n"


def test_marker_of_another_cluster_is_refused_and_left_alone(client: Client, with_marker: Sshd) -> None:
    text = "name=summer house\nlineage=other\nserial=3\n"
    file = marker(with_marker, text)
    with pytest.raises(StateError) as caught, client.host(with_marker).run_lock("me", 4, LINEAGE):
        pytest.fail("another cluster's host was taken")
    assert_explained(caught.value, exit_code=ExitCode.STATE, says=["summer house"])
    assert file.read_text() == text


def test_state_older_than_the_marker_is_refused(client: Client, with_marker: Sshd) -> None:
    file = marker(with_marker, f"name=home\nlineage={LINEAGE}\nserial=9\n")
    with pytest.raises(StateError) as caught, client.host(with_marker).run_lock("me", 4, LINEAGE):
        pytest.fail("an old state was taken")
    assert_explained(caught.value, exit_code=ExitCode.STATE, says=["older", "serial 9"])
    assert "serial=9" in file.read_text()


def test_no_marker_is_made(client: Client, with_marker: Sshd) -> None:
    with client.host(with_marker).run_lock("me", 4, LINEAGE):
        assert list(with_marker.inside("/var/lib/wizard").iterdir()) == []
