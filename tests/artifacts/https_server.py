"""A web server on loopback that misbehaves on request, over real TLS with certificates made for the test."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Request:
    """What came: the path and the headers, names in lower case."""

    path: str
    headers: dict[str, str]

    @property
    def start(self) -> int:
        """The first byte of a Range header; 0 without one."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0])


Behaviour = Callable[[Request, ssl.SSLSocket], None]
"""Answers one request on the socket; the connection is closed afterwards."""


def respond(
    connection: ssl.SSLSocket,
    status: str = "200 OK",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    length: int | None = -1,
) -> None:
    """Send an answer; `length` -1 = the true Content-Length, None = none."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def serving(content: bytes, *, etag: str = '"v1"', upto: int | None = None) -> Behaviour:
    """Serve a file properly, ranges and If-Range included; `upto` cuts each answer off after so many bytes."""

    def answer(request: Request, connection: ssl.SSLSocket) -> None:
        asked = "range" in request.headers and request.headers.get("if-range") == etag
        start = request.start if asked else 0
        if start >= len(content) and asked:
            return respond(connection, "416 Range Not Satisfiable")
        headers = {"ETag": etag} if etag else {}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start:]
        body = rest if upto is None else rest[:upto]
        status = "206 Partial Content" if asked else "200 OK"
        return respond(connection, status, body, headers, length=len(rest))

    return answer


def failing(status: str, headers: dict[str, str] | None = None) -> Behaviour:
    """Answer with this status."""
    return lambda _request, connection: respond(connection, status, b"no", headers)


def hanging_up(_request: Request, _connection: ssl.SSLSocket) -> None:
    """Close without a word."""


@dataclass
class Authority:
    """A certificate authority of the test's own."""

    folder: Path
    name: str = "test CA"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = (
            self._builder(self._subject, self.key, -DAY, DAY)
            .add_extension(basic, critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def trust(self) -> ssl.SSLContext:
        """A client's trust in this authority alone."""
        return ssl.create_default_context(cafile=str(self.file))

    def server_context(
        self, host: str = "localhost", since: dt.timedelta = -DAY, until: dt.timedelta = DAY
    ) -> ssl.SSLContext:
        """A server's context with a certificate for `host`, valid from `since` to `until` from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = (
            self._builder(subject, key, since, until)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.folder / f"{host}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, since: dt.timedelta, until: dt.timedelta
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + until)
        )


class Server:
    """Answers requests one after the other, each by the next behaviour queued for its path, the last one for ever."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.requests: list[Request] = []
        self._context = context
        self._routes: dict[str, list[Behaviour]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepter = threading.Thread(target=self._accept, daemon=True)
        self._accepter.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"https://localhost:{self.port}{path}"

    def on(self, path: str, *behaviours: Behaviour) -> str:
        """Queue behaviours for a path and return its address."""
        self._routes[path] = list(behaviours)
        return self.url(path)

    def asked(self, path: str) -> list[Request]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]

    def wait_for_stop(self, seconds: float) -> None:
        """For behaviours that stall: returns when the server is stopped, at the latest after `seconds`."""
        self._stopping.wait(seconds)

    def stop(self) -> None:
        """Stop listening and wait for the answers under way."""
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepter.join(5)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._handle, args=(raw,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _handle(self, raw: socket.socket) -> None:
        raw.settimeout(5)
        try:
            with self._context.wrap_socket(raw, server_side=True) as connection:
                if request := _read_request(connection):
                    self.requests.append(request)
                    self._next(request.path)(request, connection)
        except OSError:
            raw.close()  # the client went away, or refused our certificate

    def _next(self, path: str) -> Behaviour:
        queue = self._routes.get(path, [failing("404 Not Found")])
        return queue.pop(0) if len(queue) > 1 else queue[0]


def _read_request(connection: ssl.SSLSocket) -> Request | None:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(4096)
        if not chunk:
            return None
        head += chunk
    first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return Request(first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs})
