from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd
from wizard.core.errors import ExitCode, LinkLostError, StateError
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


def test_lost_lock_is_noticed_before_the_next_change(client: Client, own: Sshd, tmp_path: Path) -> None:
    relay = Relay(own.port)
    host = client.host(own, port=relay.port)
    with host.run_lock("me", 1, LINEAGE):
        relay.reset()
        with pytest.raises(LinkLostError) as caught:
            for _ in range(100):
                host.put(b"x", str(tmp_path / "file"))
                time.sleep(0.02)
        assert "no longer held" in caught.value.what
    relay.close()


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
