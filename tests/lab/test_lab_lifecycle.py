"""Up twice, down, and up after a kill, in a second lab beside the shared one; and the choices made before."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.conftest import Lab, talk
from wizard.core.home import cluster_home
from wizard.core.spec import parse_spec
from wizard.lab import keys, lifecycle, machine, network, spec
from wizard.lab.docker import LabError, names, states
from wizard.lab.store import Store, default_root, load

PROGRAM = """
import argparse, sys
from wizard.lab.commands import configure, run
parser = argparse.ArgumentParser()
parser.add_argument("--dir")
configure(parser)
sys.exit(run(parser.parse_args()))
"""


def command(directory: Path, *words: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "--dir", str(directory), *words]


@pytest.mark.lab
def test_up_after_a_kill_up_twice_and_down_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    directory = tmp_path / "second"
    killed = subprocess.Popen(command(directory, "up", "--no-kubernetes"), stderr=subprocess.DEVNULL)
    wait_for_some_container(load(directory))
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=10)

    subprocess.run(command(directory, "up", "--no-kubernetes"), check=True, timeout=180)
    store = load(directory)
    first = states(store.id)
    assert len(first) == 3 and set(first.values()) == {"running"}
    assert store.subnet != lab.store.subnet
    ids = container_ids(store)
    lifecycle.up(store, talk)
    assert container_ids(store) == ids, "up twice made new hosts"

    bridge = Path("/sys/class/net") / network.bridge(store.id)
    images = loop_images(store)
    assert bridge.exists() and images
    subprocess.run(command(directory, "down"), check=True, timeout=180)
    left = [names(kind, store.id) for kind in ("container", "volume", "network")]
    assert left == [[], [], []]
    assert not bridge.exists()
    assert not images & loop_images(store), "loop devices were left"
    assert set(states(lab.store.id).values()) == {"running"}, "the shared lab was touched"


def wait_for_some_container(store: Store) -> None:
    deadline = time.monotonic() + 60
    while not states(store.id):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def container_ids(store: Store) -> list[str]:
    from wizard.lab.docker import docker

    return sorted(docker("ps", "-q", "--filter", f"label=homelab-wizard.lab={store.id}").split())


def loop_images(store: Store) -> set[tuple[str, str]]:
    """(device, inode) of every image this lab's hosts have attached, from the machine's own table."""
    said = subprocess.run(
        ["losetup", "--list", "--json", "--output", "NAME,BACK-INO,BACK-MAJ:MIN"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    every = json.loads(said or '{"loopdevices": []}')["loopdevices"]
    ours = inodes(store)
    return {
        (device["back-maj:min"], str(device["back-ino"]))
        for device in every
        if str(device["back-ino"]) in ours
    }


def inodes(store: Store) -> set[str]:
    from wizard.lab.docker import inspect

    found = set()
    for name in names("volume", store.id):
        if name.endswith("lab-disks"):
            point = Path(str(inspect("volume", name)["Mountpoint"]))
            found |= {str(image.stat().st_ino) for image in point.glob("*.img")}
    return found


@pytest.mark.lab
def test_status_and_spec_on_stdout_are_data(lab: Lab) -> None:
    status = run(lab, "status", "--json")
    document = json.loads(status.stdout)
    assert status.stderr == ""
    assert [(host["name"], host["state"], host["ssh"]) for host in document["hosts"]] == [
        (name, "running", True) for name in lab.names
    ]
    assert [host["fingerprint"] for host in document["hosts"]] == [
        lab.fingerprint(name) for name in lab.names
    ]
    printed = run(lab, "spec")
    assert printed.stdout == spec.spec(lab.store)


def run(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(lab.store.root, *words), capture_output=True, text=True, timeout=60, check=True
    )


@pytest.mark.lab
def test_the_way_to_the_lab_is_its_own_bridge(lab: Lab) -> None:
    network.confirm(lab.store.subnet, lab.store.id)
    with pytest.raises(LabError, match="does not lead to the lab"):
        network.confirm("192.0.2.0/24", lab.store.id)


def test_a_subnet_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"route 10.213.0.0/16 dev wg0": ipaddress.IPv4Network("10.213.0.0/16")}
    monkeypatch.setattr(network, "used", lambda _lab: taken)
    assert network.choose("", "abc") == network.CANDIDATES[1]


def test_a_kept_subnet_is_kept_while_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, ipaddress.IPv4Network] = {}
    monkeypatch.setattr(network, "used", lambda _lab: taken)
    assert network.choose(network.CANDIDATES[3], "abc") == network.CANDIDATES[3]
    taken["route dev wg0"] = ipaddress.IPv4Network(network.CANDIDATES[3])
    assert network.choose(network.CANDIDATES[3], "abc") == network.CANDIDATES[0]


def test_where_every_subnet_is_routed_elsewhere_the_lab_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    taken = {f"route {text} dev wg0": ipaddress.IPv4Network(text) for text in wide}
    monkeypatch.setattr(network, "used", lambda _lab: taken)
    with pytest.raises(LabError, match="in use on this machine") as stopped:
        network.choose("", "abc")
    assert "wg0" in stopped.value.why


def test_every_candidate_is_a_private_24() -> None:
    nets = [ipaddress.IPv4Network(text) for text in network.CANDIDATES]
    assert all(net.is_private and net.prefixlen == 24 for net in nets)
    assert len(set(nets)) == len(nets)


def test_the_spec_of_the_lab_is_a_good_spec(tmp_path: Path) -> None:
    store = Store(tmp_path, subnet="10.213.77.0/24")
    text = spec.spec(store)
    cluster, problems = parse_spec(text, source="cluster.yaml")
    assert problems == ()
    assert cluster is not None
    assert [(host.name, str(host.address)) for host in cluster.hosts] == [
        ("tower-a", "10.213.77.11"),
        ("tower-b", "10.213.77.12"),
        ("pi", "10.213.77.13"),
    ]
    assert text.count("--host-key ") == 3


@pytest.mark.parametrize("kubernetes", [True, False])
def test_the_spec_asks_for_kubernetes_where_the_lab_was_brought_up_for_it(
    tmp_path: Path, kubernetes: bool
) -> None:
    store = Store(tmp_path, subnet="10.213.77.0/24", kubernetes=kubernetes)
    store.save()
    assert load(tmp_path).kubernetes is kubernetes
    cluster, problems = parse_spec(spec.spec(load(tmp_path)), source="cluster.yaml")
    assert problems == () and cluster is not None
    assert cluster.k3s.enabled is kubernetes
    assert (len(cluster.machines), sum(one.role == "worker" for one in cluster.machines)) == (
        (8, 2) if kubernetes else (6, 0)
    )


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = keys.key_pair(store, keys.USER_KEY)
    assert keys.key_pair(store, keys.USER_KEY) == made
    assert store.path(keys.USER_KEY).stat().st_mode & 0o777 == 0o600
    assert keys.host_key(store, "pi").fingerprint != keys.host_key(store, "tower-a").fingerprint


def test_the_key_to_the_lab_is_not_that_of_a_cluster_named_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIZARD_HOME", raising=False)
    home = cluster_home("lab", dir_option=None, env=os.environ)
    assert home.folder == default_root()
    assert home.ssh_key != Store(home.folder).path(keys.USER_KEY)


def test_the_fingerprint_is_the_one_ssh_prints() -> None:
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
    assert keys.fingerprint(public) == FINGERPRINT


def test_what_is_remembered_is_read_again_and_garbage_is_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, subnet="10.213.77.0/24", faults={"pi": ["link-cut"]})
    store.save()
    assert load(tmp_path) == store
    assert (tmp_path / "lab.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "lab.json").write_text('{"subnet": 7, "faults"')
    assert load(tmp_path) == Store(tmp_path)


def test_two_directories_are_two_labs(tmp_path: Path) -> None:
    assert Store(tmp_path / "a").id != Store(tmp_path / "b").id


def test_what_the_machine_allows_is_one_line() -> None:
    line = machine.Allowed(1, kvm=False, dropped=("SYS_RESOURCE",)).line
    assert line == "cgroup v1, no KVM: guests are LXC domains, hosts without SYS_RESOURCE"
    assert machine.cgroup_version() in {1, 2}


def test_the_labs_commands_are_light_to_import() -> None:
    heavy = (
        "import sys, wizard.lab.commands\n"
        "print([name for name in ('yaml', 'cryptography', 'paramiko', 'subprocess') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"


FINGERPRINT = "SHA256:mKqU+0K8OhKmA8bBQi9Rz0Q5l7/g160hIP+rJYSTNj4"
