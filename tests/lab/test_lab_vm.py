"""A real virtual machine: the product's own image, definition and seed, made by the real command; only KVM is missing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from tests.lab.cluster.site import Site, newcomer
from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator
from tests.lab.story.world import tell, until
from wizard.core.resources import asset_text
from wizard.lab import containers
from wizard.lab.docker import LabError
from wizard.payload.addresses import data_serial, data_uuid, domain_uuid

pytestmark = pytest.mark.lab

GIB = 1 << 30
TOWER, NAME = "tower-a", "etcd-a"
FOLDER = f"/mnt/vm/{NAME}"
MOUNT = "/var/lib/etcd"

BUILD_SECONDS = 900.0
"""Deadline of building the image where it is not in the cache yet."""

BOOT_SECONDS = 600.0
"""Deadline of a boot under emulation: a minute on a quiet machine, eight on a busy one (docs/lab.md)."""

APPLY_SECONDS = 2 * BOOT_SECONDS
"""Deadline of an apply from nothing: the boot, and etcd on an emulated processor."""

DISKS = "lsblk -J -b -o NAME,SIZE,SERIAL,FSTYPE,UUID,MOUNTPOINT /dev/vda /dev/vdb"

LEFT_IN_HOST = 'for file in "$@"; do grep -qaFf /run/vm-patterns "$file" && echo "$file"; done; exit 0'

LEFT_IN_GUEST = """
umask 077
cat >/run/vm-patterns
grep -rlaFs --devices=skip -f /run/vm-patterns /etc /root /var/lib/cloud /var/log /run/cloud-init /run/log
grep -qaFf /run/vm-patterns /dev/sr0 && echo /dev/sr0
rm -f /run/vm-patterns
exit 0
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """The virtual machine and the ways to it: past SSH through its hypervisor, and SSH without the wizard."""

    lab: Lab
    operator: Operator
    address: str

    @property
    def lineage(self) -> str:
        """Of the cluster, as it stands beside the machine's disks."""
        rows = self.lab.inside(TOWER, "cat", f"{FOLDER}/owner").splitlines()
        return dict(row.split("=", 1) for row in rows)["lineage"]

    def secret(self, name: str) -> str:
        """What the wizard made and keeps."""
        known: dict[str, str] = yaml.safe_load((self.operator.folder / "secrets.yaml").read_text())["secrets"]
        return known[name]

    @property
    def public(self) -> str:
        """The host key it was given, without its comment."""
        return " ".join(self.secret(f"host/{NAME}.pub").split()[:2])

    @property
    def private_lines(self) -> bytes:
        """The lines of its private key that stand in nothing public."""
        body = self.secret(f"host/{NAME}.key").strip().splitlines()[2:-2]
        assert body
        return "".join(f"{line}\n" for line in body).encode()

    def virsh(self, *words: str) -> str:
        return self.lab.inside(TOWER, "virsh", "-q", "-c", "qemu:///system", *words)

    def try_ssh(self, command: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a command in it; its host key must be the one it was given."""
        known = self.operator.home / "vm_known_hosts"
        known.write_text(f"{self.address} {self.public}\n")
        options = ["-F", "none", "-i", str(self.operator.folder / "id_ed25519")]
        options += ["-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=none"]
        options += ["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "StrictHostKeyChecking=yes"]
        words = ["timeout", "90", "ssh", *options, f"root@{self.address}", command]
        done = subprocess.run(words, input=given, capture_output=True, check=False)
        return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())

    def ssh(self, command: str, given: bytes = b"") -> str:
        done = self.try_ssh(command, given)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def boot(self) -> str:
        """The id of this boot, once all of it is done; empty as long as it is not."""
        look = "systemctl is-system-running >/dev/null && cat /proc/sys/kernel/random/boot_id"
        return self.try_ssh(look).stdout.strip()

    def doctor(self, *checks: str) -> dict[str, str]:
        """What doctor says of it, by check, once all is well."""
        words = ("doctor", *checks, "--json", "--wait", str(BOOT_SECONDS))
        done = self.operator.run(*words, timeout=2 * BOOT_SECONDS)
        found = done.document["findings"]
        assert done.exit_code == 0, [one for one in found if one["status"] not in ("pass", "skip")]
        return {one["id"]: one["status"] for one in found if one["host"] == NAME}


def build(lab: Lab) -> str:
    """The image as a person has it built, and the lab's spec with its folder; it is built once and then kept."""
    command = [sys.executable, "-m", "wizard", "lab"]
    folder = ("--dir", str(lab.store.root))
    subprocess.run([*command, "artifacts", "--vm", *folder], check=True, timeout=BUILD_SECONDS)
    said = subprocess.run([*command, "spec", *folder], check=True, timeout=60, capture_output=True, text=True)
    return said.stdout


def bent(spec: str) -> str:
    """One hypervisor runs QEMU and has one machine; the other has what a cluster needs besides."""
    assert f"name: {TOWER}" in spec.partition("guests: lxc")[0]
    unwanted = re.compile(r"role: storage, address|name: server-a,")
    kept = "".join(line for line in spec.splitlines(keepends=True) if not unwanted.search(line))
    bigger, times = re.subn(rf"(name: {NAME}, .*memory: )512M", r"\g<1>1G", kept)
    assert times == 1
    return bigger.replace("guests: lxc", "guests: qemu", 1)


def power_off(lab: Lab) -> None:
    """Its definition is gone, whatever a test left of it; the disks are wiped with the rest."""
    for words in (("destroy", NAME), ("undefine", "--nvram", NAME)):
        lab.try_inside(TOWER, "virsh", "-q", "-c", "qemu:///system", *words)


@pytest.fixture(scope="module")
def vm(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine made by `wizard apply` from nothing; the lab is bare before and after."""
    spec = bent(build(lab))
    operator = newcomer(lab, tmp_path_factory.mktemp("vm") / "operator")
    (operator.home / "cluster.yaml").write_text(spec)
    site = Site(lab, operator)
    machine = Machine(lab, operator, site.spec.machine(NAME).address)
    site.settle()
    power_off(lab)
    site.wipe()
    try:
        operator.run("check", code=0)
        done = operator.run("apply", "--plain", "--yes", code=0, timeout=APPLY_SECONDS)
        tell(f"a cluster with a virtual machine in it from nothing: {done.seconds:.0f} s")
        yield machine
    finally:
        lab.mend_all()
        power_off(lab)
        site.wipe()


def is_right(vm: Machine) -> None:
    """Key, name, disks and mounts are what they were made as."""
    scanned = subprocess.run(
        ["ssh-keyscan", "-T", "30", vm.address], capture_output=True, text=True, check=True, timeout=200
    )
    keys = {line.partition(" ")[2] for line in scanned.stdout.splitlines() if not line.startswith("#")}
    assert keys == {vm.public}, "another key than the injected one is shown"
    name, machine_id, virtual = vm.ssh("hostname -f; cat /etc/machine-id; systemd-detect-virt").split()
    assert (name, virtual) == (f"{NAME}.lab.home.arpa", "qemu")
    assert machine_id == domain_uuid(vm.lineage, NAME).replace("-", "")

    found = {disk["name"]: disk for disk in json.loads(vm.ssh(DISKS))["blockdevices"]}
    assert (found["vda"]["size"], found["vda"]["children"][0]["mountpoint"]) == (4 * GIB, "/")
    uuid = data_uuid(vm.lineage, NAME)
    wanted = {"size": 2 * GIB, "serial": data_serial(vm.lineage, NAME), "fstype": "ext4"}
    assert found["vdb"] == {"name": "vdb", **wanted, "uuid": uuid, "mountpoint": MOUNT}
    fstab = [line.split()[:2] for line in vm.ssh("cat /etc/fstab").splitlines() if "UUID=" in line]
    assert [f"UUID={uuid}", MOUNT] in fstab
    sizes = vm.ssh(f"df -B1 --output=size / {MOUNT}").split()[1:]
    assert int(sizes[0]) > 3.5 * GIB, "the root did not grow to the size of its disk"
    assert int(sizes[1]) > 1.8 * GIB


def test_its_first_boot_ended_as_it_was_told_to(vm: Machine) -> None:
    assert vm.ssh("cloud-init status").split()[:2] == ["status:", "done"]
    assert json.loads(vm.ssh("cat /run/cloud-init/result.json"))["v1"]["errors"] == []
    is_right(vm)
    assert vm.virsh("list", "--name", "--autostart").split() == [NAME]
    definition = vm.virsh("dumpxml", NAME)
    assert re.search(r"<domain type='qemu'", definition) and "cache='none' io='native'" in definition
    assert vm.ssh("systemctl is-active qemu-guest-agent") == "active\n"
    console = f"{FOLDER}/console.log"
    # Its prompt is the last thing a boot shows, and on a busy machine it comes after SSH answers.
    until(
        lambda: "login:" in vm.lab.inside(TOWER, "cat", console), "it asks for a login", seconds=120, pause=1
    )


def test_its_private_key_is_in_its_etc_and_nowhere_else(vm: Machine) -> None:
    files = [f"{FOLDER}/{name}" for name in ("seed.iso", "console.log", "owner")]
    files += ["/var/log/libvirt/qemu/" + NAME + ".log", f"/etc/libvirt/qemu/{NAME}.xml"]

    def left(patterns: bytes) -> list[str]:
        vm.lab.inside(TOWER, "tee", "/run/vm-patterns", given=patterns)
        found = vm.lab.inside(TOWER, "/bin/sh", "-c", LEFT_IN_HOST, "left", *files).split()
        vm.lab.inside(TOWER, "rm", "/run/vm-patterns")
        return found

    known = vm.secret("ssh/key.pub").split()[1].encode() + b"\n"
    assert left(known) == [f"{FOLDER}/seed.iso"], "the look itself finds nothing"
    assert left(vm.private_lines) == []
    guest = vm.ssh(LEFT_IN_GUEST, given=vm.private_lines).split()
    assert guest == ["/etc/ssh/ssh_host_ed25519_key"]
    assert "/dev/sr0" in vm.ssh(LEFT_IN_GUEST, given=known).split(), "it still sees the seed it booted from"
    assert vm.ssh("stat -c '%a %U' /etc/ssh/ssh_host_ed25519_key") == "600 root\n"


def test_libvirt_limits_its_data_disk_while_it_runs(vm: Machine) -> None:
    limit = ("blkdeviotune", NAME, "vdb", "--live")
    vm.virsh(*limit, "--total-iops-sec", "900")
    try:
        said = dict(re.findall(r"^(\w+)\s*: (\d+)$", vm.virsh(*limit), re.MULTILINE))
        assert said["total_iops_sec"] == "900"
    finally:
        vm.virsh(*limit, "--total-iops-sec", "0")


def test_it_is_still_right_after_a_reboot_and_nothing_is_left_to_do(vm: Machine) -> None:
    before = vm.boot()
    assert before
    vm.ssh(f"echo kept >{MOUNT}/kept; sync")
    vm.virsh("reboot", NAME)
    took = until(lambda: vm.boot() not in ("", before), f"{NAME} is up again", seconds=BOOT_SECONDS, pause=1)
    tell(f"a reboot: {took:.0f} s")
    assert vm.ssh(f"cat {MOUNT}/kept; rm {MOUNT}/kept") == "kept\n"
    is_right(vm)
    guest = vm.ssh(LEFT_IN_GUEST, given=vm.private_lines).split()
    assert guest == ["/etc/ssh/ssh_host_ed25519_key"], "cloud-init was told the key again"
    said = vm.doctor("machines")
    checks = ("running", "autostart", "answers", "identity", "clock", "data")
    assert said == {f"machines.{check}": "pass" for check in checks}
    assert said.keys() < vm.doctor("machines", "etcd").keys(), "its member of etcd is not looked at"
    assert "Nothing to do" in vm.operator.run("plan", code=0, timeout=300).stdout


def removed(vm: Machine, lineage: str) -> str:
    """What the step's script says when it removes the machine in the name of a cluster."""
    args = {"driver": "qemu", "dir": "/mnt/vm", "name": NAME, "lineage": lineage, "data_dir": ""}
    words = ("env", *(f"arg_{key}={value}" for key, value in args.items()), "/bin/sh", "-s")
    script = asset_text("remote/do/guest-remove.sh").encode()
    return containers.execute(vm.lab.store, vm.lab.host(TOWER), *words, given=script, timeout=BOOT_SECONDS)


def test_another_clusters_wizard_cannot_remove_it_and_ours_can(vm: Machine) -> None:
    """Comes last: no spec may do without this voter, so what a plan would run is run here."""
    lineage = vm.lineage
    with pytest.raises(LabError) as refused:
        removed(vm, "0" * 32)
    assert "is not ours" in refused.value.why
    assert vm.virsh("domstate", NAME).strip() == "running"
    assert removed(vm, lineage) == f"removed {NAME}\n"
    assert NAME not in vm.virsh("list", "--all", "--name").split()
    assert NAME not in vm.lab.inside(TOWER, "ls", "/mnt/vm").split()
