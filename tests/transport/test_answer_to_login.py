"""An answer to a log-in counts however soon it comes: under load a lost one cost a minute, and then the host."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from paramiko import Message
from paramiko.auth_handler import AuthOnlyHandler

from wizard.transport.ssh_transport import PromptAuthHandler, PromptTransport


class AnsweredAtOnce(PromptTransport):
    """The host's answer is parsed before the sending call returns."""

    handler: AuthOnlyHandler

    def _send_message(self, data: Message) -> None:
        self.handler._parse_userauth_success(Message())  # type: ignore[attr-defined]

    def _auth_trigger(self) -> None:
        """No key exchange stands behind this transport."""

    def is_active(self) -> bool:
        return True


@pytest.fixture
def transport() -> Iterator[AnsweredAtOnce]:
    ours, theirs = socket.socketpair()
    made = AnsweredAtOnce(ours)
    made.auth_timeout = 0.3
    yield made
    made.close()
    theirs.close()


def nothing(_message: Message) -> None:
    """No further fields."""


def test_an_answer_that_comes_at_once_is_heard(transport: AnsweredAtOnce) -> None:
    transport.handler = transport.get_auth_handler()
    assert isinstance(transport.handler, PromptAuthHandler)
    assert transport.handler.send_auth_request("anna", "none", nothing) == []
    assert transport.handler.is_authenticated()


def test_the_library_itself_still_loses_it(transport: AnsweredAtOnce) -> None:
    """Where this no longer holds, `PromptAuthHandler` has had its day."""
    from paramiko import AuthenticationException

    transport.handler = AuthOnlyHandler(transport)
    with pytest.raises(AuthenticationException, match="timeout"):
        transport.handler.send_auth_request("anna", "none", nothing)
