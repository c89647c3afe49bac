"""A way to one host that the test holds in its hand: it can be slowed, and cut at a chosen moment."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gate:
    """A relay on loopback in front of one SSH server."""

    target: tuple[str, int]
    delay: float = 0.0
    """Seconds every piece is held back on its way, each direction by itself."""
    cuts: int = 0
    carried: int = 0
    """Bytes that were passed on to the server."""
    _open: threading.Event = field(default_factory=threading.Event)
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def __post_init__(self) -> None:
        self._open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Both ends lose the connection; what was held back is lost; no new one comes about until `join`."""
        self._open.clear()
        self.cuts += 1
        for pair in self._pairs:
            _shut(*pair)
        self._pairs.clear()

    def join(self) -> None:
        self._open.set()

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        for near in _comers(self._listener):
            if not self._open.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection(self.target, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink, sink is far), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, there: bool) -> None:
        cuts = self.cuts
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if self.delay:
                    time.sleep(self.delay)
                if self.cuts != cuts:
                    break
                sink.sendall(piece)
                if there:
                    with self._guard:
                        self.carried += len(piece)
        _shut(source, sink)


def _comers(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            yield listener.accept()[0]
        except OSError:
            return


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
