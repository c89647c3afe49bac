from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd
from wizard.core.errors import LinkLostError, RemoteError
from wizard.core.host import Operation, OpStatus
from wizard.core.secret import Secret
from wizard.transport import operations
from wizard.transport.ssh import SshHost

pytestmark = pytest.mark.usefixtures("scripts")


def fresh_op() -> str:
    return f"test.{uuid.uuid4().hex[:12]}"


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a state of the world, failing when it does not come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def in_background(call: Callable[[], Operation]) -> tuple[threading.Thread, list[object]]:
    result: list[object] = []

    def run() -> None:
        try:
            result.append(call())
        except (LinkLostError, RemoteError) as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, result


def slow(host: SshHost, op: str, folder: Path, **more: float) -> Callable[[], Operation]:
    args = {"file": str(folder / "runs"), "gate": str(folder / "gate")}
    timeout = more.get("timeout", 30)
    return lambda: host.do("do/test/slow", args, op=op, payload=Secret("0123456789"), timeout=timeout)


def test_an_operation_runs_once_and_tells_its_output(client: Client, server: Sshd) -> None:
    host, op, lines = client.host(server), fresh_op(), list[str]()
    first = host.do(
        "do/test/echo", {"text": "hello"}, op=op, payload=b"body\nno end", timeout=20, on_line=lines.append
    )
    assert first == Operation(op, OpStatus.DONE, 0, "hello\nbody\nno end")
    assert lines == ["hello", "body", "no end"]
    again = host.do("do/test/echo", {"text": "other"}, op=op, payload=b"", timeout=20)
    assert again == first, "a second do() of the same operation returns the first one's result"
    assert host.operation(op) == first


def test_binary_payload_arrives_byte_for_byte(client: Client, server: Sshd, tmp_path: Path) -> None:
    payload = bytes(range(256)) * 1000
    done = client.host(server).do("do/test/echo", {"text": ""}, op=fresh_op(), payload=payload, timeout=20)
    assert done.output == "\n" + payload.decode("utf-8", "replace").replace("\0", "\ufffd")


def test_failure_names_script_code_and_last_words(client: Client, server: Sshd) -> None:
    with pytest.raises(RemoteError) as caught:
        client.host(server).do(
            "do/test/echo", {"text": "no \x1b[2J disk", "code": "3"}, op=fresh_op(), timeout=20
        )
    assert "do/test/echo" in caught.value.what
    assert "exit code 3" in caught.value.why
    assert "disk" in caught.value.why
    assert "\x1b" not in caught.value.why


def test_absent_is_absent(client: Client, server: Sshd) -> None:
    assert client.host(server).operation(fresh_op()).status is OpStatus.ABSENT


def test_deadline_leaves_it_running_and_reattach_gets_the_result(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    host, op = client.host(server), fresh_op()
    with pytest.raises(RemoteError) as caught:
        slow(host, op, tmp_path, timeout=1)()
    assert "still busy" in caught.value.what
    assert host.operation(op).status is OpStatus.RUNNING
    (tmp_path / "gate").touch()
    assert slow(host, op, tmp_path)().output == "waiting\nlength 10\n"
    assert (tmp_path / "runs").read_text() == "run\n"


def test_killed_operation_is_lost(client: Client, server: Sshd, tmp_path: Path) -> None:
    host, op = client.host(server), fresh_op()
    thread, result = in_background(slow(host, op, tmp_path))
    until((tmp_path / "runs").exists)
    for pid in _processes_of(op):
        pid.kill()
    thread.join(20)
    assert host.operation(op).status is OpStatus.LOST
    assert isinstance(result[0], RemoteError)
    assert "killed" in result[0].why


def test_operations_of_one_host_queue_up(client: Client, server: Sshd, tmp_path: Path) -> None:
    host = client.host(server)
    thread, result = in_background(slow(host, fresh_op(), tmp_path))
    until((tmp_path / "runs").exists)
    other, second = in_background(
        lambda: host.do("do/test/echo", {"text": "late"}, op=fresh_op(), timeout=20)
    )
    other.join(1.0)
    assert other.is_alive(), "the second waits for the first"
    (tmp_path / "gate").touch()
    thread.join(20)
    other.join(20)
    assert [one.output for one in (*result, *second) if isinstance(one, Operation)] == [
        "waiting\nlength 10\n",
        "late\n",
    ]


def test_cut_link_is_taken_up_again(client: Client, server: Sshd, tmp_path: Path) -> None:
    relay = Relay(server.port)
    host, op = client.host(server, port=relay.port), fresh_op()
    thread, result = in_background(slow(host, op, tmp_path))
    until((tmp_path / "runs").exists)
    relay.reset()
    (tmp_path / "gate").touch()
    thread.join(30)
    relay.close()
    assert isinstance(result[0], Operation)
    assert result[0].output == "waiting\nlength 10\n"
    assert (tmp_path / "runs").read_text() == "run\n"


def test_link_that_stays_away_is_link_lost_and_the_operation_goes_on(
    client: Client, server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "RECONNECT_SECONDS", 1.0)
    relay = Relay(server.port)
    op = fresh_op()
    thread, result = in_background(slow(client.host(server, port=relay.port), op, tmp_path))
    until((tmp_path / "runs").exists)
    relay.close()
    thread.join(30)
    assert isinstance(result[0], LinkLostError)
    assert "Running again is safe" in result[0].again
    (tmp_path / "gate").touch()
    client.known.unlink()
    host = client.host(server)
    until(lambda: host.operation(op).status is OpStatus.DONE)
    assert (tmp_path / "runs").read_text() == "run\n"


@pytest.mark.parametrize("cut", [1, 400, 1500, 4000, 8000])
def test_start_cut_at_byte_n_never_runs_twice(client: Client, server: Sshd, tmp_path: Path, cut: int) -> None:
    relay = Relay(server.port)
    host, op = client.host(server, port=relay.port), fresh_op()
    (tmp_path / "gate").touch()
    host.read("read/operation", {"op": op, "offset": "0", "max": "0", "wait": "0"})
    relay.cut_after(cut)
    thread, result = in_background(slow(host, op, tmp_path))
    thread.join(30)
    relay.close()
    if isinstance(result[0], LinkLostError):
        client.known.unlink()
        assert client.host(server).operation(op).status is OpStatus.ABSENT
        assert not (tmp_path / "runs").exists()
    else:
        assert isinstance(result[0], Operation)
        assert (tmp_path / "runs").read_text() == "run\n"


def test_arguments_and_payload_are_in_no_argv_and_no_environment(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    canary = f"canary-{uuid.uuid4().hex}"
    host, op = client.host(server), fresh_op()
    args = {"file": str(tmp_path / "runs"), "gate": str(tmp_path / "gate"), "note": canary}
    thread, _ = in_background(
        lambda: host.do("do/test/slow", args, op=op, payload=Secret(canary), timeout=30)
    )
    until((tmp_path / "runs").exists)
    assert _processes_of(op), "the operation is seen running"
    assert canary.encode() not in _argv_and_environ()
    stored = server.inside(f"/run/wizard/op.{op}")
    assert stored.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in stored.iterdir())
    (tmp_path / "gate").touch()
    thread.join(20)
    left = b"".join(path.read_bytes() for path in stored.iterdir())
    assert canary.encode() not in left, "arguments and payload are deleted at the end"


class _Process:
    def __init__(self, folder: Path) -> None:
        self.pid = int(folder.name)

    def kill(self) -> None:
        import os
        import signal

        os.kill(self.pid, signal.SIGKILL)


def _processes_of(op: str) -> list[_Process]:
    return [_Process(folder) for folder, text in _proc("cmdline") if f"op.{op}".encode() in text]


def _argv_and_environ() -> bytes:
    return b"".join(text for name in ("cmdline", "environ") for _, text in _proc(name))


def _proc(name: str) -> list[tuple[Path, bytes]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder, (folder / name).read_bytes()))
        except OSError:
            continue
    return found
