"""The lab's hosts are what they say they are."""

from __future__ import annotations

import json

import pytest

from tests.lab.conftest import Lab

pytestmark = pytest.mark.lab

TOWERS = ("tower-a", "tower-b")


def test_every_host_answers_ssh_with_the_labs_key(lab: Lab) -> None:
    for name in lab.names:
        done = lab.ssh(name, "hostname")
        assert (done.returncode, done.stdout.strip()) == (0, name), done.stderr


def test_root_is_to_be_had_without_a_password(lab: Lab) -> None:
    for name in lab.names:
        sudo = "" if lab.user(name) == "root" else "sudo -n "
        assert lab.ssh(name, f"{sudo}id -u").stdout.strip() == "0"
    assert lab.ssh("pi", "id -u").stdout.strip() != "0"


@pytest.mark.parametrize("tool", ["systemctl", "apt", "apt-get", "dpkg", "python3", "jq", "sudo"])
def test_the_unraid_like_host_has_no(lab: Lab, tool: str) -> None:
    assert lab.ssh("tower-b", f"command -v {tool}").returncode != 0
    found = lab.inside("tower-b", "find", "/usr", "/opt", "-xdev", "-name", tool, "-type", "f")
    assert found == ""


def test_the_debian_host_has_systemd_and_apt(lab: Lab) -> None:
    done = lab.ssh("tower-a", "systemctl is-system-running; command -v apt-get python3")
    assert done.stdout.split() == ["running", "/usr/bin/apt-get", "/usr/bin/python3"]


def test_the_unraid_like_host_looks_like_unraid(lab: Lab) -> None:
    ini = lab.ssh(
        "tower-b", "cat /etc/unraid-version /var/local/emhttp/var.ini /boot/config/domain.cfg"
    ).stdout
    assert {'version="7.3.2"', 'mdState="STARTED"', 'startArray="yes"', 'SERVICE="enable"'} <= set(
        ini.splitlines()
    )
    mounts = lab.ssh("tower-b", "cat /proc/mounts").stdout.splitlines()
    kinds = {line.split()[1]: line.split()[2] for line in mounts}
    assert [line.split()[0] for line in mounts if " /mnt/user " in line] == ["shfs"]
    assert kinds["/mnt/cache"] == kinds["/etc/libvirt"] == "btrfs"
    assert "mdState=STARTED" in lab.ssh("tower-b", "mdcmd status").stdout


def test_files_on_the_flash_cannot_be_executed(lab: Lab) -> None:
    refused = lab.ssh("tower-b", "chmod 755 /boot/config/go; /boot/config/go")
    assert refused.returncode == 126, refused.stderr


@pytest.mark.parametrize("tower", TOWERS)
def test_libvirt_runs_a_guest_on_the_bridge(lab: Lab, tower: str) -> None:
    root = "/mnt/vm" if tower == "tower-a" else "/mnt/cache"
    script = GUEST.replace("@ROOT@", f"{root}/probe").encode()
    assert lab.inside(tower, "/bin/sh", "-s", given=script).split() == ["probe", "running", "br0"]


@pytest.mark.parametrize("tower", TOWERS)
def test_docker_runs_a_container(lab: Lab, tower: str) -> None:
    assert lab.inside(tower, "/bin/sh", "-s", given=CONTAINER.encode()).split() == ["inside", "42"]


@pytest.mark.parametrize(
    ("host", "disks"),
    [
        ("tower-a", {"nvme0n1": ("Samsung SSD 980 PRO 500GB", "nvme"), "sda": ("CT1000MX500SSD1", "sata")}),
        ("tower-b", {"sdb": ("WDC WD40EFRX-68N32N0", "sata"), "nvme0n1": ("WD_BLACK SN770 1TB", "nvme")}),
        ("pi", {"mmcblk0": (None, "mmc"), "sda": ("KINGSTON SNV2S250G", "usb")}),
    ],
)
def test_physical_disks_have_model_serial_and_transport(
    lab: Lab, host: str, disks: dict[str, tuple[str | None, str]]
) -> None:
    said = lab.ssh(host, "lsblk -J -b -o NAME,TYPE,SIZE,TRAN,MODEL,SERIAL").stdout
    found = {disk["name"]: disk for disk in json.loads(said)["blockdevices"]}
    for name, (model, transport) in disks.items():
        assert (found[name]["model"], found[name]["tran"]) == (model, transport)
        assert found[name]["serial"]
    assert not any(name.startswith(("loop", "vd")) for name in found), "the machine's own disks show through"


def test_the_root_of_each_host_lies_where_it_should(lab: Lab) -> None:
    roots = {name: lab.ssh(name, "findmnt -no SOURCE /").stdout.strip() for name in lab.names}
    assert roots == {"tower-a": "/dev/nvme0n1p2", "tower-b": "rootfs", "pi": "/dev/mmcblk0p2"}


def test_the_pi_says_what_a_pi_says(lab: Lab) -> None:
    said = lab.ssh("pi", "cat /proc/device-tree/model; echo; vcgencmd get_throttled").stdout
    assert "Raspberry Pi 5 Model B" in said
    assert "throttled=0x0" in said


def test_clocks_say_they_are_synchronised(lab: Lab) -> None:
    for name in ("tower-a", "pi"):
        assert lab.ssh(name, "timedatectl show -p NTPSynchronized --value").stdout.strip() == "yes"


def test_a_power_cut_loses_memory_and_keeps_flash_and_array(lab: Lab) -> None:
    lab.inside("tower-b", "tee", "/boot/config/kept", "/mnt/user/kept", "/root/lost", given=b"here")
    lab.inside("tower-b", "sync")
    lab.reset("tower-b")
    assert lab.inside("tower-b", "cat", "/boot/config/kept", "/mnt/user/kept") == "herehere"
    assert lab.try_inside("tower-b", "test", "-e", "/root/lost") == 1
    lab.inside("tower-b", "rm", "/boot/config/kept", "/mnt/user/kept")


CONTAINER = """
set -e
cd /
files=$(ldd /bin/bash | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\\//) print $i }')
tar -ch --hard-dereference $files /bin/bash 2>/dev/null | docker import - probe:1 >/dev/null
docker run --rm probe:1 /bin/bash -c 'echo inside $((6 * 7))'
docker rmi probe:1 >/dev/null
"""

GUEST = """
set -e
mkdir -p @ROOT@/proc @ROOT@/sys @ROOT@/dev
cd /
files=$(ldd /bin/sleep | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\\//) print $i }')
tar -ch --hard-dereference $files /bin/sleep 2>/dev/null | tar -x -C @ROOT@
cat >/tmp/probe.xml <<XML
<domain type='lxc'><name>probe</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type>exe</type><init>/bin/sleep</init><initarg>60</initarg></os>
<features><capabilities policy='allow'><sys_resource state='off'/><sys_time state='off'/></capabilities></features>
<devices><filesystem type='mount'><source dir='@ROOT@'/><target dir='/'/></filesystem>
<interface type='bridge'><source bridge='br0'/></interface><console type='pty'/></devices></domain>
XML
virsh -q -c lxc:/// create /tmp/probe.xml >/dev/null
echo probe
virsh -q -c lxc:/// domstate probe
virsh -q -c lxc:/// domiflist probe | awk '{ print $3 }'
virsh -q -c lxc:/// destroy probe >/dev/null
rm -rf @ROOT@ /tmp/probe.xml
"""
