"""Says every half second that it leads a VRRP group (version 2), as a router would. It answers for no address.

Usage: `python3 THIS ADDRESS GROUP PRIORITY`, ADDRESS being one of this machine's own.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

PROTOCOL = 112  # IANA: VRRP
EVERYBODY = "224.0.0.18"
VERSION_AND_TYPE = 0x21  # version 2, advertisement


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def advertisement(address: str, group: int, priority: int) -> bytes:
    """RFC 3768, section 5.1: one address, no authentication, one second between two of them."""
    rest = socket.inet_aton(address) + bytes(8)
    head = struct.pack("!BBBBBB", VERSION_AND_TYPE, group, priority, 1, 0, 1)
    return head + struct.pack("!H", checksum(head + b"\0\0" + rest)) + rest


def main() -> None:
    """Until it is stopped."""
    address, group, priority = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    wire.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    wire.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        wire.sendto(advertisement(address, group, priority), (EVERYBODY, 0))
        time.sleep(0.5)


main()
