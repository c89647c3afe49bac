"""Writes down whom the wizard connects to or looks up; Python loads this before anything of the wizard.

CLUSTER_CONNECTIONS names a file that gets one line each: the kind of call, and the address as Python says it.
"""

from __future__ import annotations

import os
import sys

CALLS = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}


def hear(event: str, args: tuple[object, ...]) -> None:
    """Called by Python for every audited call, right before it."""
    if event in CALLS:
        address = args[1] if event in {"socket.connect", "socket.sendto"} else args[0]
        descriptor = os.open(os.environ["CLUSTER_CONNECTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{event} {address!r}\n".encode())
        os.close(descriptor)


if os.environ.get("CLUSTER_CONNECTIONS"):
    sys.addaudithook(hear)
