"""The script itself, with tools that say what real ones were seen to say: each kind of arping, nmap, an unwilling one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from steps.parse import wire
from wizard.core.decide.wire import Offer
from wizard.core.host import script_text

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
BASE = ("awk", "sed", "sleep", "timeout", "sh", "cat")
ASKED = ("10.0.0.12", "10.0.0.77")
MAC = "02:42:0a:57:db:0c"

IPUTILS = """
case $1 in -V) echo "arping from iputils 20240905"; exit;; esac
for a; do :; done
echo "ARPING $a from 10.0.0.11 br0"
[ "$a" != 10.0.0.12 ] || echo "Unicast reply from $a [02:42:0A:57:DB:0C]  0.577ms"
[ "$a" != 10.0.0.12 ] || echo "Unicast reply from $a [02:42:0A:57:DB:0D]  0.577ms"
[ "$a" != 10.0.0.12 ] || echo "Unicast reply from $a [02:42:0A:57:DB:0C]  0.561ms"
echo "Sent 2 probes (2 broadcast(s))"
echo "Received 2 response(s)"
"""

BUSYBOX = """
case $1 in -V) echo "arping: invalid option -- 'V'" >&2; echo "BusyBox v1.35.0 (Debian) multi-call binary." >&2
    exit 1;; esac
for a; do :; done
echo "ARPING $a from 10.0.0.11 br0"
[ "$a" != 10.0.0.12 ] || echo "Unicast reply from $a [02:42:0a:57:db:0c] 0.011ms"
echo "Sent 2 probe(s) (0 broadcast(s))"
echo "Received 2 response(s) (0 request(s), 0 broadcast(s))"
"""

HABETS = """
case $1 in -V) echo "arping: option requires an argument -- 'V'" >&2
    echo "ARPing 2.23, by Thomas Habets <thomas@habets.se>" >&2; exit 1;; esac
for a; do :; done
echo "ARPING $a"
[ "$a" != 10.0.0.12 ] || echo "42 bytes from 02:42:0a:57:db:0c ($a): index=0 time=8.538 usec"
[ "$a" = 10.0.0.12 ] || echo Timeout
echo
echo "--- $a statistics ---"
echo "2 packets transmitted, 0 packets received, 100% unanswered (0 extra)"
"""

UNWILLING = """
case $1 in -V) echo "arping from iputils 20240905"; exit;; esac
echo "arping: socket: Operation not permitted" >&2
exit 2
"""

NMAP = """
cat <<'TEXT'
Starting Nmap 7.93 ( https://nmap.org ) at 2026-11-27 23:20 UTC
Pre-scan script results:
| broadcast-dhcp-discover:
|   Response 1 of 2:
|     Interface: br0
|     IP Offered: 10.0.0.114
|     DHCP Message Type: DHCPOFFER
|     Server Identifier: 10.0.0.1
|     Router: 10.0.0.1
|     Domain Name Server: 10.0.0.1
|   Response 2 of 2:
|     Interface: br0
|     IP Offered: 10.0.0.205
|     DHCP Message Type: DHCPOFFER
|     Server Identifier: 10.0.0.99
|_    Router: 10.0.0.99, 10.0.0.98
WARNING: No targets were specified, so 0 hosts scanned.
Nmap done: 0 IP addresses (0 hosts up) scanned in 4.22 seconds
TEXT
"""

NMAP_SILENT = 'echo "Nmap done: 0 IP addresses (0 hosts up) scanned in 4.22 seconds"'
NMAP_BROKEN = 'echo "NSE: failed to initialize the script engine:"; echo "QUITTING!"'


def answer(folder: Path, shell: str, parts: str, **tools: str) -> str:
    """What the script prints where nothing but these tools is to be found."""
    bin_ = folder / "bin"
    bin_.mkdir()
    for name in BASE:
        found = shutil.which(name)
        assert found, name
        (bin_ / name).symlink_to(found)
    for name, text in tools.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{text}")
        (bin_ / name).chmod(0o755)
    args = f"arg_nic=lo\narg_addresses='{' '.join(ASKED)}'\narg_parts='{parts}'\n"
    done = subprocess.run(
        [shutil.which(shell) or shell, "-c", args + script_text("read/wire")],
        env={"PATH": str(bin_), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert wire.whole(done.stdout)
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("arping", "tool", "macs"),
    [
        (IPUTILS, "arping (iputils)", (MAC, "02:42:0a:57:db:0d")),
        (BUSYBOX, "arping (busybox)", (MAC,)),
        (HABETS, "arping (habets)", (MAC,)),
    ],
    ids=["iputils", "busybox", "habets"],
)
def test_every_arping_is_understood(
    tmp_path: Path, shell: str, arping: str, tool: str, macs: tuple[str, ...]
) -> None:
    text = answer(tmp_path, shell, "arp", arping=arping)
    found = wire.arp_probe(text, "tower-a", 1.0, ASKED, [])
    assert (found.tool, found.asked, found.why) == (tool, ASKED, "")
    assert found.answers == tuple(("10.0.0.12", mac) for mac in macs)


def test_an_arping_that_may_not_ask_is_no_silence(tmp_path: Path) -> None:
    found = wire.arp_probe(answer(tmp_path, "sh", "arp", arping=UNWILLING), "tower-a", 1.0, ASKED, [])
    assert (found.asked, found.answers) == ((), ())
    assert found.why == "arping: socket: Operation not permitted"


@pytest.mark.parametrize(
    ("state", "answers", "asked"),
    [
        ("REACHABLE", (("10.0.0.12", MAC),), {"10.0.0.12", "10.0.0.77"}),
        ("STALE", (), {"10.0.0.77"}),
        ("PERMANENT", (), {"10.0.0.77"}),
    ],
)
def test_the_kernels_answers_count_when_they_are_fresh(
    tmp_path: Path, state: str, answers: tuple[tuple[str, str], ...], asked: set[str]
) -> None:
    told = (f"10.0.0.12 lladdr {MAC.upper()} {state}", "10.0.0.77 FAILED", f"10.0.0.5 lladdr {MAC} REACHABLE")
    neigh = "\n".join(f'echo "{line}"' for line in told)
    found = wire.arp_probe(answer(tmp_path, "sh", "arp", ping="exit 1", ip=neigh), "tower-a", 1.0, ASKED, [])
    assert found.answers == answers
    assert set(found.asked) == asked


@pytest.mark.parametrize(
    ("nmap", "offers", "why"),
    [
        (
            NMAP,
            (Offer("10.0.0.114", "10.0.0.1", "10.0.0.1"), Offer("10.0.0.205", "10.0.0.99", "10.0.0.99")),
            "",
        ),
        (NMAP_SILENT, (), ""),
        (NMAP_BROKEN, (), "NSE: failed to initialize the script engine:"),
    ],
    ids=["offers", "silent", "broken"],
)
def test_nmap_asks_where_there_is_no_dhcpcd(
    tmp_path: Path, nmap: str, offers: tuple[Offer, ...], why: str
) -> None:
    found = wire.dhcp_probe(answer(tmp_path, "sh", "dhcp", nmap=nmap), "tower-a", 1.0)
    assert (found.tool, found.offers, found.why) == ("nmap", offers, why)


def test_only_what_is_wanted_is_measured(tmp_path: Path) -> None:
    text = answer(tmp_path, "sh", "vrrp")
    assert "== vrrp" in text
    assert "== arp" not in text
    assert "== dhcp" not in text
