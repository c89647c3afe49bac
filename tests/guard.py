"""Nothing in these tests may speak to another machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import pytest


class OutsideWorldError(AssertionError):
    """A test tried to reach something that is not this machine."""


def allow_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let connects and name look-ups fail loudly unless they are about this machine."""
    _guard(monkeypatch, "connect", socket.socket.connect)
    _guard(monkeypatch, "connect_ex", socket.socket.connect_ex)
    look_up = socket.getaddrinfo

    def careful(host: str | None, *rest: object, **options: object) -> object:
        if host not in {"localhost", "127.0.0.1", "::1", None}:
            if str(host).endswith(".invalid"):
                str(host).encode("idna")  # as the real one does, which raises UnicodeError for a long label
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            raise OutsideWorldError(f"a test looks up {host}")
        return look_up(host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", careful)


def _guard(monkeypatch: pytest.MonkeyPatch, name: str, real: Callable[..., object]) -> None:
    def careful(self: socket.socket, address: tuple[str, int] | str) -> object:
        inet = self.family in {socket.AF_INET, socket.AF_INET6}
        if inet and not ipaddress.ip_address(socket.gethostbyname(address[0])).is_loopback:
            raise OutsideWorldError(f"a test connects to {address}")
        return real(self, address)

    monkeypatch.setattr(socket.socket, name, careful)
