"""One HTTPS request against a server that misbehaves: each failure has its own kind and all five parts."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.artifacts.fixtures import authority, client, no_proxy, server
from tests.artifacts.https_server import (
    DAY,
    Authority,
    Behaviour,
    Request,
    Server,
    failing,
    hanging_up,
    respond,
    serving,
)
from tests.rows import assert_explained
from wizard.core.errors import ExitCode
from wizard.transport.http import HttpClient, HttpError, Kind, Timeouts
from wizard.transport.http_errors import seconds_to_wait

__all__ = ["authority", "client", "no_proxy", "server"]

CONTENT = bytes(range(256)) * 40
QUICK = Timeouts(connect=1.0, read=0.3)


def body_of(client: HttpClient, url: str, *, offset: int = 0, validator: str = "") -> bytes:
    with client.get(url, offset=offset, validator=validator) as reply:
        return b"".join(reply.chunks())


def failure_of(client: HttpClient, url: str, *, offset: int = 0, validator: str = "") -> HttpError:
    with pytest.raises(HttpError) as caught:
        body_of(client, url, offset=offset, validator=validator)
    assert_explained(caught.value, exit_code=ExitCode.FAILED, do="wizard artifacts fetch ./artifacts")
    return caught.value


def test_a_file_comes_whole_with_its_length_and_version(server: Server, client: HttpClient) -> None:
    with client.get(server.on("/f", serving(CONTENT))) as reply:
        assert (reply.offset, reply.total, reply.validator) == (0, len(CONTENT), '"v1"')
        assert b"".join(reply.chunks()) == CONTENT
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_the_rest_of_a_file_comes_by_range(server: Server, client: HttpClient) -> None:
    with client.get(server.on("/f", serving(CONTENT)), offset=100, validator='"v1"') as reply:
        assert (reply.offset, reply.total) == (100, len(CONTENT))
        assert b"".join(reply.chunks()) == CONTENT[100:]


def test_another_version_comes_whole_although_the_rest_was_asked_for(
    server: Server, client: HttpClient
) -> None:
    url = server.on("/f", serving(CONTENT, etag='"v2"'))
    with client.get(url, offset=100, validator='"v1"') as reply:
        assert reply.offset == 0
        assert b"".join(reply.chunks()) == CONTENT


def test_without_a_validator_no_range_is_asked_for(server: Server, client: HttpClient) -> None:
    assert body_of(client, server.on("/f", serving(CONTENT)), offset=100) == CONTENT
    assert "range" not in server.requests[0].headers


def test_a_weak_etag_is_no_validator_but_a_date_is(server: Server, client: HttpClient) -> None:
    date = "Mon, 05 Oct 2026 10:00:00 GMT"

    def answer(_request: Request, connection: ssl.SSLSocket) -> None:
        respond(connection, body=b"x", headers={"ETag": 'W/"v1"', "Last-Modified": date})

    with client.get(server.on("/f", answer)) as reply:
        assert reply.validator == date


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [
        ("404 Not Found", Kind.NOT_FOUND, False),
        ("410 Gone", Kind.NOT_FOUND, False),
        ("403 Forbidden", Kind.DENIED, False),
        ("407 Proxy Authentication Required", Kind.PROXY, False),
        ("408 Request Timeout", Kind.SERVER, True),
        ("416 Range Not Satisfiable", Kind.RANGE, True),
        ("418 I'm a teapot", Kind.STATUS, False),
        ("429 Too Many Requests", Kind.BUSY, True),
        ("500 Internal Server Error", Kind.SERVER, True),
        ("503 Service Unavailable", Kind.SERVER, True),
    ],
)
def test_each_status_is_told_apart(
    server: Server, client: HttpClient, status: str, kind: Kind, transient: bool
) -> None:
    error = failure_of(client, server.on("/f", failing(status)))
    assert (error.kind, error.transient) == (kind, transient)
    assert server.url("/f") in error.where


def test_retry_after_is_understood(server: Server, client: HttpClient) -> None:
    error = failure_of(client, server.on("/f", failing("429 Too Many Requests", {"Retry-After": "17"})))
    assert error.retry_after == 17.0
    assert "17 seconds" in error.why


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("٣", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after_in_every_form(header: str, expected: float | None) -> None:
    assert seconds_to_wait(header, dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)) == expected


def test_a_redirect_is_followed_and_the_range_goes_with_it(server: Server, client: HttpClient) -> None:
    server.on("/real", serving(CONTENT))
    url = server.on("/f", failing("302 Found", {"Location": "/real"}))
    assert body_of(client, url, offset=10, validator='"v1"') == CONTENT[10:]
    assert server.asked("/real")[0].headers["range"] == "bytes=10-"


def test_a_redirect_to_http_is_refused(server: Server, client: HttpClient) -> None:
    url = server.on("/f", failing("301 Moved", {"Location": f"http://localhost:{server.port}/real"}))
    error = failure_of(client, url)
    assert error.kind is Kind.REDIRECT
    assert "only https" in error.why
    assert not server.asked("/real")


def test_redirects_without_end_are_refused(server: Server, client: HttpClient) -> None:
    error = failure_of(client, server.on("/f", failing("302 Found", {"Location": "/f"})))
    assert (error.kind, error.transient) == (Kind.REDIRECT, False)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "https://[::x",
        "https://[].invalid/",
        f"https://{'a' * 300}.invalid/",
        "javascript:1",
        "//",
        "https://:x",
    ],
)
def test_a_senseless_redirect_is_told(server: Server, client: HttpClient, location: str) -> None:
    failure_of(client, server.on("/f", failing("302 Found", {"Location": location})))


def test_a_stall_ends_in_time(server: Server, client: HttpClient) -> None:
    def stalling(_request: Request, connection: ssl.SSLSocket) -> None:
        respond(connection, body=b"begin", length=1000)
        server.wait_for_stop(5)

    error = failure_of(client, server.on("/f", stalling))
    assert (error.kind, error.transient) == (Kind.STALL, True)


def test_a_server_that_never_answers_is_a_stall(server: Server, client: HttpClient) -> None:
    error = failure_of(client, server.on("/f", lambda *_: server.wait_for_stop(5)))
    assert error.kind is Kind.STALL


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (hanging_up, Kind.DROPPED),
        (serving(CONTENT, upto=500), Kind.DROPPED),
        (lambda _r, c: c.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Kind.PROTOCOL),
        (lambda _r, c: respond(c, body=b"x", length=None, headers={"Content-Length": "many"}), Kind.PROTOCOL),
        (lambda _r, c: respond(c, body=b"x", headers={"Content-Encoding": "gzip"}), Kind.PROTOCOL),
    ],
)
def test_a_broken_answer_is_told(
    server: Server, client: HttpClient, behaviour: Behaviour, kind: Kind
) -> None:
    assert failure_of(client, server.on("/f", behaviour)).kind is kind


@pytest.mark.parametrize("told", ["bytes 99-10239/10240", "bytes 5-9/10", "", "words", "bytes 100-x/10"])
def test_a_range_that_was_not_asked_for_is_refused(server: Server, client: HttpClient, told: str) -> None:
    def lying(_request: Request, connection: ssl.SSLSocket) -> None:
        respond(connection, "206 Partial Content", b"x" * 10, {"Content-Range": told})

    error = failure_of(client, server.on("/f", lying), offset=100, validator='"v1"')
    assert (error.kind, error.transient) == (Kind.RANGE, True)


def test_part_of_a_file_nobody_asked_a_part_of_is_refused(server: Server, client: HttpClient) -> None:
    def lying(_request: Request, connection: ssl.SSLSocket) -> None:
        respond(connection, "206 Partial Content", b"x", {"Content-Range": "bytes 0-0/1"})

    assert failure_of(client, server.on("/f", lying)).kind is Kind.RANGE


@contextmanager
def running(context: ssl.SSLContext) -> Iterator[Server]:
    server = Server(context)
    server.on("/f", serving(CONTENT))
    yield server
    server.stop()


def test_an_unknown_ca_is_told_with_the_way_to_trust_it(server: Server, tmp_path: Path) -> None:
    stranger = HttpClient(verify=Authority(tmp_path).trust(), timeouts=QUICK)
    error = failure_of(stranger, server.on("/f", serving(CONTENT)))
    assert error.kind is Kind.UNKNOWN_CA
    assert any("SSL_CERT_FILE=" in line for line in error.do)
    assert not server.requests


def test_an_expired_certificate_points_at_the_clock(authority: Authority) -> None:
    client = HttpClient(verify=authority.trust(), timeouts=QUICK)
    with running(authority.server_context(since=-DAY, until=-DAY / 2)) as server:
        error = failure_of(client, server.url("/f"))
    assert (error.kind, error.transient) == (Kind.EXPIRED, False)
    assert "date" in error.do[0]


def test_a_certificate_from_the_future_points_at_the_clock(authority: Authority) -> None:
    client = HttpClient(verify=authority.trust(), timeouts=QUICK)
    with running(authority.server_context(since=DAY / 2, until=DAY)) as server:
        assert failure_of(client, server.url("/f")).kind is Kind.EXPIRED


def test_a_certificate_of_another_name_is_told(authority: Authority) -> None:
    client = HttpClient(verify=authority.trust(), timeouts=QUICK)
    with running(authority.server_context("elsewhere.test")) as server:
        error = failure_of(client, server.url("/f"))
    assert (error.kind, error.transient) == (Kind.WRONG_NAME, False)


def test_a_port_that_speaks_no_tls_is_told(client: HttpClient) -> None:
    with plain_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = failure_of(client, f"https://localhost:{port}/f")
    assert error.kind in {Kind.TLS, Kind.REFUSED}


def test_a_closed_port_is_refused(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure_of(client, f"https://127.0.0.1:{port}/f")
    assert (error.kind, error.transient) == (Kind.REFUSED, True)


def test_an_unknown_name_is_told(client: HttpClient) -> None:
    error = failure_of(client, "https://nowhere.invalid/f")
    assert (error.kind, error.transient) == (Kind.NAME, True)
    assert "getent hosts nowhere.invalid" in error.do[0]


def test_plain_http_is_never_asked(client: HttpClient) -> None:
    assert failure_of(client, "http://localhost/f").kind is Kind.REDIRECT


@contextmanager
def plain_server(answer: bytes) -> Iterator[int]:
    """A server without TLS that gives one answer: a proxy that refuses, or another protocol."""

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
        except OSError:
            pass  # nobody came

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Auth\r\n\r\n", b"HTTP/1.1 403 No\r\n\r\n"])
def test_a_proxy_that_refuses_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, answer: bytes
) -> None:
    with plain_server(answer) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://anna:canary-42@127.0.0.1:{port}")
        client = HttpClient(verify=authority.trust(), timeouts=QUICK)
        error = failure_of(client, "https://download.invalid/f")
    assert (error.kind, error.transient) == (Kind.PROXY, False)
    assert f"127.0.0.1:{port}" in error.what
    assert "canary-42" not in f"{error.what}{error.why}{error.do}"
    assert "_proxy" in error.do[0]


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    error = failure_of(HttpClient(verify=authority.trust(), timeouts=QUICK), "https://download.invalid/f")
    assert error.kind is Kind.PROXY
    assert f"127.0.0.1:{port}" in error.what


@pytest.mark.parametrize("value", ["gopher://127.0.0.1", "http://[::x", "socks5://127.0.0.1:1"])
def test_a_proxy_variable_that_makes_no_sense_is_told(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    error = failure_of(HttpClient(verify=authority.trust(), timeouts=QUICK), "https://download.invalid/f")
    assert error.kind is Kind.PROXY


def test_httpx_is_loaded_only_when_something_is_asked() -> None:
    code = (
        "import sys, wizard.artifacts.commands, wizard.transport.http as h; h.HttpClient();"
        "print('httpx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "False"
