"""What hypervisors say of a wire: a network of its own for each case, so that it is the same on every machine."""

from __future__ import annotations

from tests.recordings.case import Case
from tests.recordings.guest_cases import TOWERS
from tests.recordings.recording import Said
from tests.recordings.stage import Stage

OURS, STRANGER, NOBODY = "198.51.100.1", "198.51.100.20", "198.51.100.30"


def ask(stage: Stage, parts: str = "arp dhcp vrrp", nic: str = "rec0") -> Said:
    """read/wire about three addresses."""
    args = {"nic": nic, "addresses": f"{OURS} {STRANGER} {NOBODY}", "parts": parts}
    return stage.run("read/wire", args)


def answered(stage: Stage) -> Said:
    with stage.lan(inhabited=True):
        said = ask(stage)
    assert f"answer={STRANGER} 02:42:c6:33:64:14" in said.stdout
    assert "offer=198.51.100.20" in said.stdout
    return said


def silent(stage: Stage) -> Said:
    with stage.lan(inhabited=False):
        return ask(stage)


def kernel(stage: Stage) -> Said:
    with stage.lan(inhabited=True), stage.without("arping"):
        said = ask(stage, "arp")
    assert f"answer={STRANGER} 02:42:c6:33:64:14" in said.stdout
    assert f"silent={NOBODY}" in said.stdout
    return said


def no_tools(stage: Stage) -> Said:
    with stage.lan(inhabited=True), stage.without("arping", "ping", "dhcpcd", "tcpdump"):
        return ask(stage)


def no_nic(stage: Stage) -> Said:
    return ask(stage, nic="rec9")


WIRE_CASES = tuple(
    Case("read/wire", name, play, hosts=TOWERS)
    for name, play in (
        ("answered", answered),
        ("silent", silent),
        ("kernel", kernel),
        ("no-tools", no_tools),
        ("no-nic", no_nic),
    )
)
