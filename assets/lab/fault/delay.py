"""Delays every packet of one host, both ways, in user space: kernels without netem have no other way.

Runs in a helper container that shares the host's network; packets come by NFQUEUE and are let go, in order, when
their time has come. Usage: `python3 -c THIS MILLISECONDS` (half of it is spent each way) or `python3 -c THIS off`.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque

NETLINK_NETFILTER = 12
QUEUE = 77
SUBSYSTEM = 3 << 8  # NFNL_SUBSYS_QUEUE
PACKET, VERDICT, CONFIG = SUBSYSTEM, SUBSYSTEM | 1, SUBSYSTEM | 2
ATTR_PACKET_HEADER, ATTR_VERDICT = 1, 2
CONFIG_COMMAND, CONFIG_PARAMS, CONFIG_LENGTH = 1, 2, 3
BIND, COPY_META, ACCEPT = 1, 1, 1
TARGET = ("-j", "NFQUEUE", "--queue-num", str(QUEUE), "--queue-bypass")
RULES = (("INPUT", "!", "-i", "lo", *TARGET), ("OUTPUT", "!", "-o", "lo", *TARGET))


def rules(action: str) -> None:
    """Insert (`-I`) or delete (`-D`) our rules; without a listener the packets just pass (bypass)."""
    for rule in RULES:
        subprocess.run(["iptables", "-t", "mangle", action, *rule], check=action == "-I")


def attribute(kind: int, body: bytes) -> bytes:
    """A netlink attribute, padded to four bytes."""
    return struct.pack("=HH", 4 + len(body), kind) + body + b"\0" * (-len(body) % 4)


def message(kind: int, body: bytes) -> bytes:
    """A netlink message of the netfilter queue; NLM_F_REQUEST."""
    head = struct.pack("=BBH", socket.AF_UNSPEC, 0, socket.htons(QUEUE))
    return struct.pack("=IHHII", 16 + len(head) + len(body), kind, 1, 0, 0) + head + body


def packet_ids(data: bytes) -> list[int]:
    """Ids of the packets in one read of the socket."""
    found, at = [], 0
    while at + 20 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        end, inner = at + length, at + 20
        while kind == PACKET and inner + 4 <= end:
            size, name = struct.unpack_from("=HH", data, inner)
            if name & 0x3FFF == ATTR_PACKET_HEADER:
                found.append(struct.unpack_from("!I", data, inner + 4)[0])
            inner += (size + 3) & ~3
        at += (length + 3) & ~3
    return found


def opened() -> socket.socket:
    """A socket bound to our queue: headers only, room for bursts."""
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    link.bind((0, 0))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    link.send(message(CONFIG, attribute(CONFIG_COMMAND, struct.pack("!BBH", BIND, 0, 0))))
    link.send(message(CONFIG, attribute(CONFIG_PARAMS, struct.pack("!IB", 0, COPY_META))))
    link.send(message(CONFIG, attribute(CONFIG_LENGTH, struct.pack("!I", 20000))))
    return link


def main() -> None:
    """Queue, wait, let go, for ever."""
    if sys.argv[1] == "off":
        rules("-D")
        return
    delay = float(sys.argv[1]) / 2000
    link = opened()
    rules("-I")
    os.write(1, b"ready\n")
    waiting: deque[tuple[float, int]] = deque()
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([link], [], [], left)[0]:
            due = time.monotonic() + delay
            waiting.extend((due, packet) for packet in packet_ids(link.recv(1 << 20)))
        while waiting and waiting[0][0] <= time.monotonic():
            body = struct.pack("!II", ACCEPT, waiting.popleft()[1])
            link.send(message(VERDICT, attribute(ATTR_VERDICT, body)))


main()
