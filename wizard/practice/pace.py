"""How long things take in the simulated homelab, and how fast its time goes by."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import field

from wizard.core.dataclass import dataclass

RATE = 1.0
"""Seconds of the simulated homelab that go by in one of ours at `--speed 1`: a whole install takes two minutes."""

HASTE = 200.0
"""The highest rate of a wait for somebody else: their work takes our time, however fast the homelab's goes by."""

READ_SECONDS = 0.3
"""A round trip of SSH over a LAN with a script of ours at its end, as the lab answers."""

BOOT_SECONDS = 45.0
"""From the start of a Debian cloud image to the end of cloud-init, on an SSD with KVM."""

LAN_SPEED = 80e6
"""Bytes a second that SSH carries over a gigabit LAN."""

NET_SPEED = 15e6
"""Bytes a second of a download at home."""

SECONDS = {
    "do/marker": 0.5,
    "do/guest-folder": 0.5,
    "do/guest-create": 8.0,
    "do/guest-unpack": 8.0,
    "do/guest-seal": 2.0,
    "do/guest-start": 2.0,
    "do/guest-define": 6.0,
    "do/guest-remove": 5.0,
    "do/etcd-install": 5.0,
    "do/etcd-package": 0.5,
    "do/packages": 12.0,
    "do/etcd-configure": 2.0,
    "do/etcd-start": 4.0,
    "do/etcd-member": 3.0,
    "do/etcd-leave": 3.0,
    "do/etcd-prove": 1.0,
    "do/etcd-auth": 0.5,
    "do/k3s-install": 4.0,
    "do/k3s-configure": 1.0,
    "do/k3s-start": 20.0,
    "do/backup-run": 5.0,
    "do/witness-fsync": 8.5,
}
"""What a script takes on hardware; one that is not named takes a second."""

SIZES = {
    "debian-cloud-image": 340_000_000,
    "lxc-guest-root": 120_000_000,
    "etcd": 24_000_000,
    "k3s": 75_000_000,
    "k3s-airgap-images": 210_000_000,
}
"""Bytes of the real files that the small ones of practice stand for."""

PIECES = 20
"""How often a transfer says how far it is."""


class Ahead(threading.local):
    """By how much this thread's clock of the simulated homelab is ahead of ours."""

    seconds = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The time of a simulated homelab.

    Args:
        rate: its seconds in one of ours; None = nothing takes any time.
        seed: latencies scatter by it, always the same way.
        closed: set when nobody waits any longer.
    """

    rate: float | None = None
    seed: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    ahead: Ahead = field(default_factory=Ahead)

    def clock(self) -> float:
        """Its own monotonic clock for this thread, seconds: waits count by its time, the wizard's own work by ours."""
        return time.monotonic() + self.ahead.seconds

    def event(self) -> threading.Event:
        """An event whose waits are told in its seconds."""
        return PacedEvent(self) if self.rate else threading.Event()

    def wait_for(self, event: Callable[[float | None], bool], seconds: float | None) -> bool:
        """Wait for an event, seconds of the simulated homelab.

        Args:
            event: its `wait`.
            seconds: how long; None = for ever.
        """
        if self.rate is None or seconds is None:
            return event(seconds)
        rate = min(self.rate, HASTE)
        began = time.monotonic()
        found = event(seconds / rate)
        waited = time.monotonic() - began
        self.ahead.seconds += min(seconds, waited * rate) - waited
        return found

    def ours(self, seconds: float) -> float:
        """How long a time of it takes us; 0 where nothing takes any time."""
        return seconds / self.rate if self.rate else 0.0

    def spend(self, host: str, script: str, number: int, more: float = 0.0) -> bool:
        """Let the time go by that a script takes.

        Args:
            host: name of the host that runs it.
            script: e.g. `do/guest-create`.
            number: of the request on that host: it makes the scatter.
            more: seconds that its link adds.

        Returns:
            Whether it was waited out; False = nobody waits any longer.
        """
        usual = SECONDS.get(script, 1.0) if script.startswith("do/") else READ_SECONDS
        return self._wait(usual * scatter(f"{self.seed} {host} {script} {number}") + more)

    def transfer(
        self, data: bytes, on_bytes: Callable[[int, int], None] | None, *, speed: float = LAN_SPEED
    ) -> bool:
        """Let the time go by that a file takes, telling how far it is.

        Args:
            data: its content; a file of practice stands for a larger one.
            on_bytes: is called with (bytes sent, bytes in all).
            speed: bytes a second.

        Returns:
            Whether it was waited out.
        """
        size = real_size(data)
        pieces = PIECES if self.rate and size > PIECES else 1
        for number in range(1, pieces + 1):
            if not self._wait(size / speed / pieces):
                return False
            if on_bytes is not None:
                on_bytes(size * number // pieces, size)
        return True

    def pause(self, seconds: float) -> bool:
        """Let a time of it go by.

        Args:
            seconds: of the simulated homelab.

        Returns:
            Whether it was waited out.
        """
        return self._wait(seconds)

    def _wait(self, seconds: float) -> bool:
        if self.rate is None:
            return True
        if self.rate < HASTE:
            return not self.wait_for(self.closed.wait, seconds)
        return not self.closed.wait(seconds / self.rate)


class PacedEvent(threading.Event):
    """An event for waits of a simulated homelab.

    Args:
        pace: its time.
    """

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def wait(self, timeout: float | None = None) -> bool:
        """As `Event.wait`, in seconds of the simulated homelab."""
        return self._pace.wait_for(super().wait, timeout)


def scatter(words: str) -> float:
    """A factor between 0.8 and 1.2, the same one for the same words."""
    return 0.8 + 0.4 * hashlib.sha256(words.encode()).digest()[0] / 255


def real_size(data: bytes) -> int:
    """Bytes of the file that a file of practice stands for; others are what they are."""
    words = data[:80].split(b" ")
    if words[:2] == [b"practice", b"artifact"]:
        return SIZES.get(words[2].decode(), len(data))
    return len(data)


INSTANT = Pace()
"""Nothing takes any time."""
