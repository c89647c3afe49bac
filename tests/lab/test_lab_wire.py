"""`wizard layout` on the lab's own network: quiet, and with a stranger, a DHCP server and two routers on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Lab, talk
from wizard.core.errors import UsageError
from wizard.lab import faults, network

FAULTS = (("foreign-address", "tower-a"), ("rogue-dhcp", "tower-b"), ("vrrp-twice", "pi"))
STRANGER = "b8:27:eb:00:00:14"
"""The MAC of whoever has the API address, by the last byte of that."""

lab_test = pytest.mark.lab


def layout(lab: Lab, folder: Path, *more: str) -> dict[str, Any]:
    """What `wizard layout --json` says, as a person would run it."""
    spec = folder / "cluster.yaml"
    spec.write_text(lab.spec_text())
    words = ["layout", "--json", "-f", str(spec), "--dir", str(folder / "home"), *lab.host_key_options, *more]
    done = subprocess.run(
        [sys.executable, "-m", "wizard", *words],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def verdict(document: dict[str, Any], lab: Lab) -> dict[str, Any]:
    """What it comes to of the API address, DHCP and VRRP."""
    vip = str(network.Net(lab.store.subnet)[20])
    (api,) = [one for one in document["addresses"] if one["address"] == vip]
    told = " ".join(one["text"] for one in document["problems"])
    return {
        "api": (api["probe"], api["mac"], api["by"]),
        "offers": sorted({offer["server"] for one in document["dhcp"] for offer in one["offers"]}),
        "taken": document["vrrp"]["taken"],
        "id": document["vrrp"]["router_id"],
        "told": [
            word
            for word in ("(api_vip) is answered by", "in network.load_balancer", "VRRP id 51")
            if word in told
        ],
    }


QUIET = {"api": ("free", None, None), "offers": [], "taken": [], "id": 51, "told": []}


@lab_test
def test_strangers_on_the_network_change_the_verdict_and_leave_no_trace(lab: Lab, tmp_path: Path) -> None:
    net = network.Net(lab.store.subnet)
    for name, host in FAULTS:
        lab.fault(name, host)
    loud = layout(lab, tmp_path)
    assert verdict(loud, lab) == {
        "api": ("used", STRANGER, "Raspberry Pi"),
        "offers": [str(net[251])],
        "taken": [51],
        "id": 52,
        "told": ["(api_vip) is answered by", "in network.load_balancer", "VRRP id 51"],
    }
    hosts = {one["address"]: one["by"] for one in loud["addresses"] if one["for"] in lab.names}
    assert hosts == {lab.address(name): name for name in lab.names}
    (deaf,) = [one for one in loud["vrrp"]["probes"] if one["why"]]
    assert (deaf["host"], "tcpdump" in deaf["why"]) == ("tower-b", True)
    for name, host in FAULTS:
        lab.mend(name, host)
    assert verdict(layout(lab, tmp_path, "--last"), lab) == verdict(loud, lab)
    assert verdict(layout(lab, tmp_path), lab) == QUIET
    left = lab.inside(
        "tower-a", "sh", "-c", "ls /var/lib/dhcpcd /run/dhcpcd 2>/dev/null; ip -4 -o addr show br0"
    )
    assert "lease" not in left
    assert left.count(" inet ") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("foreign-address", "192.0.2.1"),
        ("foreign-address", "x"),
        ("rogue-dhcp", "10.0.0.1"),
        ("vrrp-twice", "256"),
    ],
)
@lab_test
def test_values_that_are_not_of_the_lab_are_refused(lab: Lab, name: str, value: str) -> None:
    with pytest.raises(UsageError, match="does not fit this fault"):
        faults.add(lab.store, name, "tower-a", value, talk)
