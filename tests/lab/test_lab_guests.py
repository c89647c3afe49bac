"""Guests on the lab's hypervisors: an LXC domain from the lab's root behaves as a machine on the bridge."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from wizard.core.secret import Secret
from wizard.lab import keys, network
from wizard.payload.domain_xml_lxc import container_xml, first_boot_tar
from wizard.payload.guests import Attachment, DataDisk, GuestPlan

pytestmark = pytest.mark.lab

GIB = 1 << 30
PLACES = {"tower-a": ("/mnt/vm", 91), "tower-b": ("/mnt/cache/domains", 92)}

MAKE = """
set -e
folder=$1
mkdir -p "$folder/root" "$folder/disks"
tar -xzp --numeric-owner -C "$folder/root"
echo 4294967296 >"$folder/disks/vda.size"
truncate -s 1G "$folder/disks/vdb.img"
mkfs.ext4 -q -F -U "$2" "$folder/disks/vdb.img"
truncate -s 2G "$folder/disks/vdb.img"
echo "$3" >"$folder/disks/vdb.serial"
"""


@dataclass(frozen=True)
class Probe:
    """A guest made for one test, and the way into it."""

    lab: Lab
    plan: GuestPlan
    known: Path

    def virsh(self, *words: str) -> str:
        return self.lab.inside(self.plan.host, "virsh", "-q", "-c", "lxc:///", *words)

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        options = ["-n", "-F", "none", "-i", str(self.lab.key), "-o", f"UserKnownHostsFile={self.known}"]
        options += ["-o", "BatchMode=yes", "-o", "ConnectTimeout=2", "-o", "StrictHostKeyChecking=yes"]
        words = ["ssh", *options, f"root@{self.plan.address}", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)

    def wait(self, *, other_boot: str = "", seconds: float = 30) -> str:
        """The start of its first process, once SSH with the injected key answers for a boot that is not `other_boot`."""
        deadline = time.monotonic() + seconds
        while True:
            done = self.ssh("stat -c %z /proc/1")
            if done.returncode == 0 and done.stdout != other_boot:
                return done.stdout
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.2)


@pytest.fixture(params=sorted(PLACES))
def probe(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Probe]:
    """A guest that was started, on one of the hypervisors; gone at the end."""
    tower = str(request.param)
    folder, last = PLACES[tower]
    net = network.Net(lab.store.subnet)
    plan = GuestPlan(
        name=f"probe-{tower[-1]}", role="etcd", host=tower, driver="lxc", arch="amd64", cluster="probe",
        lineage="5f" * 16, vm_dir=folder, cpus=1, memory=GIB // 2, disk=4 * GIB,
        data=DataDisk(2 * GIB, folder=f"{folder}/probe"), attachment=Attachment("bridge", "br0"),
        address=str(net[last]), prefix=24, gateway=str(net[1]), resolvers=(str(net[1]),), domain="lab.home.arpa",
    )  # fmt: skip
    host_key = keys._generate()
    known = tmp_path / "known_hosts"
    known.write_text(f"{plan.address} {host_key.public}\n")
    made = Probe(lab, plan, known)
    root = (Path(lab.store.artifacts) / "lxc-guest-root.tar.gz").read_bytes()
    words = ("/bin/sh", "-c", MAKE, "make", plan.folder, plan.data_uuid, plan.serial)
    try:
        lab.inside(tower, *words, given=root)
        public = keys.key_pair(lab.store, keys.USER_KEY).public
        files = first_boot_tar(plan, public, Secret(host_key.private), host_key.public)
        lab.inside(tower, "tar", "-xp", "-C", f"{plan.folder}/root", given=files)
        lab.inside(tower, "tee", f"{plan.folder}/xml", given=container_xml(plan))
        made.virsh("define", f"{plan.folder}/xml")
        made.virsh("start", plan.name)
        yield made
    finally:
        lab.try_inside(tower, "virsh", "-q", "-c", "lxc:///", "destroy", plan.name)
        lab.try_inside(tower, "virsh", "-q", "-c", "lxc:///", "undefine", plan.name)
        lab.inside(tower, "rm", "-rf", plan.folder)


def test_a_guest_is_a_machine_of_its_own_and_outlives_its_reboot(probe: Probe) -> None:
    first = probe.wait()
    said = probe.ssh(
        "hostname -f; systemctl is-system-running --wait; systemd-detect-virt; cat /etc/machine-id"
    )
    name, state, virtual, machine_id = said.stdout.split()
    assert (name, state, virtual) == (f"{probe.plan.name}.lab.home.arpa", "running", "kvm"), said
    assert machine_id == probe.plan.uuid.replace("-", "")
    assert probe.ssh("timedatectl show -p NTPSynchronized --value").stdout == "yes\n"
    assert probe.ssh("ping -c 1 -W 2 " + probe.lab.address("pi")).returncode == 0
    disks_are_right(probe)

    assert probe.ssh("echo kept >/var/lib/etcd/kept; sync").returncode == 0
    probe.virsh("reboot", probe.plan.name)
    probe.wait(other_boot=first)
    assert probe.ssh("cat /var/lib/etcd/kept /etc/machine-id").stdout.split() == ["kept", machine_id]


def disks_are_right(probe: Probe) -> None:
    said = probe.ssh("lsblk -J -b -o NAME,SIZE,TRAN,SERIAL,FSTYPE,UUID,MOUNTPOINT").stdout
    found = {disk["name"]: disk for disk in json.loads(said)["blockdevices"]}
    assert sorted(found) == ["vda", "vdb"], "disks of other machines show through"
    assert (found["vda"]["size"], found["vda"]["mountpoint"]) == (4 * GIB, "/")
    assert found["vdb"] == {
        "name": "vdb",
        "size": 2 * GIB,
        "tran": "virtio",
        "serial": probe.plan.serial,
        "fstype": "ext4",
        "uuid": probe.plan.data_uuid,
        "mountpoint": "/var/lib/etcd",
    }
    size = int(probe.ssh("df -B1 --output=size /var/lib/etcd").stdout.split()[-1])
    assert size > 1.8 * GIB, "the file system did not grow with its disk"
    assert probe.ssh("findmnt -no SOURCE /var/lib/etcd").stdout == "/dev/vdb\n"


def test_two_guests_of_one_hypervisor_have_their_own_processes_memory_and_devices(probe: Probe) -> None:
    probe.wait()
    groups = probe.ssh("cat /proc/1/cgroup").stdout
    if "name=systemd" in groups:  # cgroup v1: as a machine, a guest has a tree of its own
        assert "/machine/" not in groups, groups
        assert (
            probe.ssh("ls /sys/fs/cgroup/memory /sys/fs/cgroup/systemd | grep -c '^machine'").stdout == "0\n"
        )
        limit = probe.ssh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes").stdout
        assert int(limit) == probe.plan.memory, "its tree begins elsewhere than where libvirt limits it"
        place = f"machine/lxc-{probe.virsh('domid', probe.plan.name).strip()}-{probe.plan.name}.libvirt-lxc"
        for controller in ("systemd", "pids", "memory"):
            own = f"/sys/fs/cgroup/{controller}/{place}/init.scope"
            assert probe.lab.try_inside(probe.plan.host, "test", "-d", own) == 0, controller
    assert int(probe.ssh("awk '/^MemTotal/ { print $2 }' /proc/meminfo").stdout) == probe.plan.memory // 1024
    assert probe.ssh("ls /dev | grep -c '^loop[0-9]'").stdout == "0\n"
