"""A loopback TCP relay that can cut, stall, delay and reset a link."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time


class Relay:
    """Passes bytes between its own port and a server's, until told otherwise.

    Args:
        port: of the server.
        cut_after: bytes from the client after which both sides are closed, once.
        delay: seconds every piece is held back, in each direction.
    """

    def __init__(self, port: int, *, cut_after: int | None = None, delay: float = 0.0) -> None:
        self._target = port
        self._cut_after = cut_after
        self._delay = delay
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._abandoned = False
        self.accepted = 0
        self.refuse = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.refuse:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._pairs.append((near, far))
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if self._delay:
                    time.sleep(self._delay)
                if counted and self._cut_after is not None:
                    if len(data) >= self._cut_after:
                        sink.sendall(data[: self._cut_after])
                        self._cut_after = None
                        break
                    self._cut_after -= len(data)
                sink.sendall(data)
        for one in () if self._abandoned else (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Hold everything back from now on: a half-open link."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let it pass again."""
        self._flowing.set()

    def cut_after(self, count: int) -> None:
        """Close both sides after so many more bytes from the client."""
        self._cut_after = count

    def reset(self) -> None:
        """End every link with RST."""
        for near, far in self._pairs:
            with contextlib.suppress(OSError):
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.shutdown(socket.SHUT_RD)
                near.close()
            with contextlib.suppress(OSError):
                # Closed while a thread still reads from it, it would stay open until something comes.
                far.shutdown(socket.SHUT_RDWR)
                far.close()
        self._pairs.clear()

    def abandon(self) -> None:
        """RST to the client only: the server is not told, and keeps its end of every link."""
        self._abandoned = True
        for near, _ in self._pairs:
            with contextlib.suppress(OSError):
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.shutdown(socket.SHUT_RD)
                near.close()

    def close(self) -> None:
        """End it all."""
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()
