"""A loopback TCP relay that can cut, stall, delay and reset a link."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

SEGMENT = 1460
"""Bytes of a TCP segment on Ethernet."""

FIRST_RETRY, LAST_RETRY = 0.2, 3.0
"""Seconds: Linux sends a lost segment again after 200 ms at the least, and doubles that as long as it stays unanswered."""


@dataclass(slots=True)
class Loss:
    """Lost segments as the two ends of a TCP connection see them: nothing is missing, everything behind comes late.

    A relay cannot lose a segment without breaking the stream, and this kernel has no netem; real losses are a fault of
    the lab (`link-lossy`).

    Args:
        seed: of the sequence.
        share: of the segments that get lost.
        burst: chance that the next segment, or the same one sent again, is lost after a lost one.
    """

    seed: int
    share: float = 0.05
    burst: float = 0.3
    lost: int = 0
    """Segments that were lost so far."""
    longest: float = 0.0
    """The longest wait for one, in seconds."""
    _random: random.Random = field(init=False)
    _after_loss: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def wait(self) -> float:
        """Seconds until the next segment has arrived."""
        with self._guard:
            waited, retry = 0.0, FIRST_RETRY
            while self._random.random() < (self.burst if waited or self._after_loss else self.share):
                self.lost += 1
                waited += retry
                retry = min(2 * retry, LAST_RETRY)
                self._after_loss = False
            self._after_loss = waited > 0
            self.longest = max(self.longest, waited)
            return waited


class Relay:
    """Passes bytes between its own port and a server's, until told otherwise.

    Args:
        port: of the server.
        cut_after: bytes from the client after which both sides are closed, once.
        delay: seconds every piece is held back, in each direction.
        loss: which segments get lost.
    """

    def __init__(
        self, port: int, *, cut_after: int | None = None, delay: float = 0.0, loss: Loss | None = None
    ) -> None:
        self._target = port
        self._cut_after = cut_after
        self._delay = delay
        self._loss = loss
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._abandoned = False
        self._left: list[tuple[socket.socket, socket.socket]] = []
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
                self._send(sink, data)
        for one in () if self._abandoned else (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _send(self, sink: socket.socket, data: bytes) -> None:
        if self._loss is None:
            sink.sendall(data)
            return
        for at in range(0, len(data), SEGMENT):
            time.sleep(self._loss.wait())
            sink.sendall(data[at : at + SEGMENT])

    def stall(self) -> None:
        """Hold everything back from now on: a half-open link."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let it pass again."""
        self._flowing.set()

    def flow_in(self, seconds: float) -> None:
        """Let it pass again after a while."""
        timer = threading.Timer(seconds, self.flow)
        timer.daemon = True
        timer.start()

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
        self._left, self._pairs = self._pairs, []

    def release(self) -> None:
        """Tell the server of the links it was left with."""
        for _, far in self._left:
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)
                far.close()

    def close(self) -> None:
        """End it all."""
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.release()
        self.reset()
