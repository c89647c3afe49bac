"""Letting go of the hosts: whoever waits for one is sent away at once, what runs there goes on."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.sshd import Answers, Client, Sshd
from wizard.core.errors import CancelledError, ExitCode, HostError
from wizard.core.host import OpStatus
from wizard.core.prompt import HostKeyQuestion
from wizard.core.secret import Secret


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.mark.usefixtures("scripts")
def test_who_waits_for_an_operation_is_sent_away_and_it_goes_on(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    host, op = client.host(server), f"test.{uuid.uuid4().hex[:12]}"
    args = {"file": str(tmp_path / "runs"), "gate": str(tmp_path / "gate")}
    ended: list[CancelledError] = []

    def wait() -> None:
        with pytest.raises(CancelledError) as caught:
            host.do("do/test/slow", args, op=op, payload=Secret("0123456789"), timeout=60)
        ended.append(caught.value)

    waiter = threading.Thread(target=wait)
    waiter.start()
    until((tmp_path / "runs").exists)
    began = time.monotonic()
    client.opened[-1].close()
    waiter.join(20)
    assert time.monotonic() - began < 5, "neither the operation's end nor a new connection was waited for"
    assert_explained(ended[0], exit_code=ExitCode.CANCELLED, do="run the same command again")
    other = client.host(server)
    assert other.operation(op).status is OpStatus.RUNNING
    (tmp_path / "gate").touch()
    until(lambda: other.operation(op).status is OpStatus.DONE)


def test_a_question_that_nobody_answers_does_not_keep_us(client: Client, server: Sshd) -> None:
    client.known.write_text("")
    asked, answer = threading.Event(), threading.Event()

    class Slow(Answers):
        def trust(self, question: HostKeyQuestion) -> bool:
            asked.set()
            return not answer.wait(20)

    client.prompter = Slow()
    host = client.host(server)

    def read() -> None:
        with pytest.raises((CancelledError, HostError)):
            host.read("read/operation", {"op": "none", "offset": "0", "max": "0", "wait": "0"})

    reader = threading.Thread(target=read)
    reader.start()
    assert asked.wait(20)
    client.opened[-1].close()
    answer.set()
    reader.join(20)
    assert not reader.is_alive()
