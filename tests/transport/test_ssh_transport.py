"""The wait for a host that takes log-ins: no longer than it takes, and never for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from paramiko import ECDSAKey, ServerInterface, SSHException, Transport

from wizard.transport.ssh_transport import PromptTransport


@pytest.fixture
def ends() -> Iterator[tuple[PromptTransport, Transport]]:
    """Client and server after the key exchange, in this process."""
    ours, theirs = socket.socketpair()
    server = Transport(theirs)
    server.add_server_key(ECDSAKey.generate())
    ready = threading.Event()
    server.start_server(event=ready, server=ServerInterface())
    client = PromptTransport(ours)
    client.start_client(timeout=30)
    assert ready.wait(30)
    yield client, server
    client.close()
    server.close()


def deafen(server: Transport) -> None:
    """Have the server leave every request to log in unanswered."""
    server.auth_handler = None


def test_an_accepted_request_is_made_once(ends: tuple[PromptTransport, Transport]) -> None:
    client, server = ends
    client.ensure_session()
    handler = client.auth_handler
    assert handler is not None
    deafen(server)
    client.ensure_session()
    assert client.auth_handler is handler


def test_a_link_that_breaks_meanwhile_ends_the_wait(ends: tuple[PromptTransport, Transport]) -> None:
    client, server = ends
    deafen(server)
    breaker = threading.Timer(0.2, server.close)
    breaker.start()
    with pytest.raises((SSHException, EOFError)):
        client.ensure_session()
    breaker.join()
    assert not client.is_active()


def test_a_host_that_never_answers_is_given_up(ends: tuple[PromptTransport, Transport]) -> None:
    client, server = ends
    deafen(server)
    client.auth_timeout = 0.2
    with pytest.raises(SSHException, match="does not answer"):
        client.ensure_session()


def test_nothing_is_asked_without_a_connection(ends: tuple[PromptTransport, Transport]) -> None:
    client, _ = ends
    client.close()
    with pytest.raises(SSHException, match="No existing session"):
        client.ensure_session()
