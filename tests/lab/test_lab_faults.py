"""Every fault does what it says to a host, and goes away again."""

from __future__ import annotations

import re
import socket
import time

import pytest

from tests.lab.conftest import Lab, talk
from wizard.core.errors import UsageError
from wizard.lab import faults, lifecycle
from wizard.lab.store import Store

lab_test = pytest.mark.lab


def test_fault_names_are_fit_for_one_list() -> None:
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{3,}", name) for name in faults.FAULTS)


def test_an_unknown_fault_or_host_is_told_with_the_known_ones(store: Store) -> None:
    with pytest.raises(UsageError, match="There is no fault 'no-such'") as wrong:
        faults.add(store, "no-such", "pi", "", print)
    assert "link-cut" in wrong.value.why
    with pytest.raises(UsageError, match="no host 'tower-z'") as wrong:
        faults.clear(store, "link-cut", "tower-z", print)
    assert "tower-a, tower-b, pi" in wrong.value.why


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("lab"))


def greeting(lab: Lab, host: str) -> str:
    """`greets`, `refused`, `silent` (connected, no word) or `unreachable`."""
    try:
        with socket.create_connection((lab.address(host), 22), timeout=1.5) as link:
            return "greets" if link.recv(4) == b"SSH-" else "closed"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"
    except OSError:
        return "unreachable"


@lab_test
@pytest.mark.parametrize(
    ("fault", "host", "seen"),
    [
        ("host-stopped", "tower-b", {"unreachable", "silent"}),
        ("host-killed", "pi", {"unreachable", "silent"}),
        ("host-paused", "tower-a", {"silent"}),
        ("link-cut", "tower-a", {"unreachable", "silent"}),
        ("link-cut", "pi", {"unreachable", "silent"}),
        ("ssh-down", "tower-b", {"refused"}),
        ("ssh-down", "pi", {"refused"}),
    ],
)
def test_a_host_that_cannot_be_reached(lab: Lab, fault: str, host: str, seen: set[str]) -> None:
    assert greeting(lab, host) == "greets"
    lab.fault(fault, host)
    assert greeting(lab, host) in seen
    lab.mend(fault, host)
    done = lab.ssh(host, "hostname")
    assert done.stdout.strip() == host, done.stderr


@lab_test
def test_a_cut_link_cuts_the_way_out_as_well(lab: Lab) -> None:
    reach = ("ping", "-c1", "-W1", lab.address("tower-b"))
    assert lab.try_inside("pi", *reach) == 0
    lab.fault("link-cut", "pi")
    assert lab.try_inside("pi", *reach) != 0
    assert lab.inside("pi", "cat", "/sys/class/net/eth0/carrier").strip() == "0"
    lab.mend("link-cut", "pi")
    assert lab.try_inside("pi", *reach) == 0


def seconds_for(lab: Lab, host: str, command: str) -> float:
    began = time.monotonic()
    assert lab.ssh(host, command).returncode == 0
    return time.monotonic() - began


@lab_test
def test_a_slow_link_carries_its_rate_and_no_more(lab: Lab) -> None:
    send = "head -c 262144 /dev/zero | tr '\\0' x"
    lab.fault("link-slow", "pi", "1mbit")
    assert seconds_for(lab, "pi", send) > 1.5  # 2 Mbit at 1 Mbit/s
    lab.mend("link-slow", "pi")
    assert seconds_for(lab, "pi", send) < 1.5


@lab_test
def test_a_delayed_link_delays_every_round_trip(lab: Lab) -> None:
    lab.fault("link-delayed", "tower-b", "300")
    said = lab.inside("pi", "ping", "-c2", "-W3", lab.address("tower-b"))
    trip = float(re.findall(r"time=([0-9.]+)", said)[-1])
    assert 295 < trip < 600
    assert lab.ssh("tower-b", "hostname").stdout.strip() == "tower-b"
    lab.mend("link-delayed", "tower-b")
    said = lab.inside("pi", "ping", "-c2", "-W3", lab.address("tower-b"))
    assert float(re.findall(r"time=([0-9.]+)", said)[-1]) < 100


@lab_test
@pytest.mark.parametrize("host", ["tower-a", "tower-b", "pi"])
def test_a_lossy_link_loses_packets_and_carries_ssh(lab: Lab, host: str) -> None:
    other = next(name for name in lab.names if name != host)

    def lost() -> int:
        said = lab.inside(other, "ping", "-c60", "-i0.02", "-W1", "-q", lab.address(host))
        return int(re.findall(r"([0-9]+)(?:\.[0-9]+)?% packet loss", said)[0])

    lab.fault("link-lossy", host, "30")
    assert 20 <= lost() <= 80  # 51 of 100 on average: the question or the answer; six deviations of 60 pings
    lab.mend("link-lossy", host)
    lab.fault("link-lossy", host)
    assert lab.ssh(host, "hostname", timeout=60).stdout.strip() == host
    lab.mend("link-lossy", host)
    assert lost() == 0


@lab_test
@pytest.mark.parametrize(
    ("host", "folder"), [("tower-a", "/var/lib/wizard"), ("tower-b", "/boot/config/wizard")]
)
def test_a_full_disk_keeps_what_is_there_and_takes_nothing(lab: Lab, host: str, folder: str) -> None:
    lab.inside(host, "mkdir", "-p", folder)
    lab.inside(host, "tee", f"{folder}/probe", given=b"before")
    lab.fault("disk-full", host)
    refused = lab.ssh(host, f"echo more > {folder}/probe-2")
    assert "No space left on device" in refused.stderr
    assert lab.inside(host, "cat", f"{folder}/probe") == "before"
    lab.inside(host, "rm", f"{folder}/probe")
    lab.mend("disk-full", host)
    assert lab.try_inside(host, "test", "-e", f"{folder}/probe") == 1, (
        "what was deleted meanwhile stays deleted"
    )
    assert lab.ssh(host, f"echo more > {folder}/probe-2 && rm {folder}/probe-2").returncode == 0


@lab_test
@pytest.mark.parametrize("host", ["tower-a", "tower-b", "pi"])
def test_a_skewed_clock_is_seen_by_new_programs(lab: Lab, host: str) -> None:
    def skew() -> float:
        sudo = "sudo -n " if lab.user(host) != "root" else ""
        return float(lab.ssh(host, f"{sudo}date +%s").stdout) - time.time()

    lab.fault("clock-skewed", host, "+90s")
    assert 85 < skew() < 95
    if host != "tower-b":
        assert lab.ssh(host, "timedatectl show -p NTPSynchronized --value").stdout.strip() == "no"
    lab.mend("clock-skewed", host)
    assert abs(skew()) < 5


@lab_test
@pytest.mark.parametrize("host", ["tower-a", "tower-b", "pi"])
def test_a_changed_host_key_is_another_key_until_it_is_given_back(lab: Lab, host: str) -> None:
    lab.fault("host-key-changed", host)
    refused = lab.ssh(host, "hostname")
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    if host == "tower-b":
        lab.reset(host)  # the new key lies on the flash: it is still there after a power cut
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in lab.ssh(host, "hostname").stderr
    lab.mend("host-key-changed", host)
    assert lab.ssh(host, "hostname").returncode == 0


@lab_test
def test_setting_twice_and_clearing_twice_is_harmless(lab: Lab) -> None:
    lab.fault("ssh-down", "pi")
    lab.fault("ssh-down", "pi")
    assert lab.store.faults["pi"] == ["ssh-down"]
    lab.mend("ssh-down", "pi")
    lab.mend("ssh-down", "pi")
    assert greeting(lab, "pi") == "greets"


@lab_test
def test_a_wrong_value_is_refused_and_changes_nothing(lab: Lab) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        lab.fault("link-slow", "pi", "fast; reboot")
    with pytest.raises(UsageError, match="does not fit"):
        lab.fault("link-lossy", "pi", "100")
    assert lab.store.faults.get("pi", []) == []


@lab_test
def test_a_stopped_host_cannot_be_broken_further(lab: Lab) -> None:
    lab.fault("host-killed", "pi")
    with pytest.raises(UsageError, match="not running"):
        lab.fault("link-cut", "pi")


@lab_test
def test_up_takes_every_fault_back(lab: Lab) -> None:
    lab.fault("link-slow", "pi")
    lab.fault("host-paused", "pi")
    lab.fault("host-killed", "tower-b")
    with lab.store.locked():
        lifecycle.up(lab.store, talk)
    assert not any(lab.store.faults.values())
    assert [greeting(lab, name) for name in lab.names] == ["greets"] * 3
