"""A server on loopback that speaks as a Kubernetes API: real TLS, a certificate of the client's asked for, JSON."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from wizard.core.kubeconfig import Admin
from wizard.payload.certificates import Pair, make_authority, make_client, make_member


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: str
    content: str
    body: Any
    client: str
    """Common name of the certificate that was shown; empty = none."""


Reply = tuple[int, Any]
Behaviour = Callable[[Asked], Reply | None]
"""What is answered: status and document or text; None = the connection is closed without a word."""


def status(code: int, reason: str, message: str) -> Reply:
    """How the API says no."""
    return code, {"kind": "Status", "status": "Failure", "message": message, "reason": reason, "code": code}


@dataclass
class Cluster:
    """An authority and who it vouches for."""

    name: str = "k3s-server-ca"
    authority: Pair = field(default_factory=lambda: make_authority("k3s-server-ca", datetime.now(UTC)))

    def admin(self, name: str = "system:admin") -> Admin:
        """An administrator's certificate."""
        pair = make_client(self.authority, name, datetime.now(UTC))
        return Admin(self.authority.certificate, pair.certificate, pair.key)

    def serving(self, addresses: tuple[str, ...] = ("127.0.0.1",)) -> ssl.SSLContext:
        """What a server of it shows."""
        pair = make_member(self.authority, "kube-apiserver", addresses, ("kubernetes",), datetime.now(UTC))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.authority.certificate)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(pair.certificate + pair.key.reveal())
            file.flush()
            context.load_cert_chain(file.name)
        return context


class ApiServer:
    """Answers by path and method; a path nobody prepared is not found."""

    def __init__(self, cluster: Cluster, addresses: tuple[str, ...] = ("127.0.0.1",)) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._routes: dict[tuple[str, str], Behaviour] = {}
        self._released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def answer(self) -> None:
                outer._answer(self)

            do_GET = do_PATCH = do_DELETE = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that does not trust us goes away in the middle."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._server.socket = cluster.serving(addresses).wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def on(self, method: str, path: str, answer: Behaviour | Reply) -> None:
        """Prepare an answer."""
        self._routes[method, path] = answer if callable(answer) else lambda _: answer

    def stalls(self, _asked: Asked) -> None:
        """Says nothing until the server is stopped."""
        self._released.wait(20)

    def stop(self) -> None:
        """Nobody listens there any more."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        path, _, query = handler.path.partition("?")
        asked = Asked(
            handler.command,
            path,
            query,
            handler.headers.get("Content-Type", ""),
            json.loads(body) if body else None,
            _common_name(cast("ssl.SSLSocket", handler.connection)),
        )
        self.asked.append(asked)
        default: Behaviour = lambda _: status(404, "NotFound", f"{path} not found")  # noqa: E731
        said = self._routes.get((asked.method, path), default)(asked)
        if said is None:
            handler.close_connection = True
            return
        code, document = said
        text = document if isinstance(document, str) else json.dumps(document)
        handler.send_response(code)
        handler.send_header("Content-Type", "text/plain" if isinstance(document, str) else "application/json")
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())


def _common_name(connection: ssl.SSLSocket) -> str:
    shown: Any = connection.getpeercert() or {}
    return next(
        (value for part in shown.get("subject", ()) for key, value in part if key == "commonName"), ""
    )
