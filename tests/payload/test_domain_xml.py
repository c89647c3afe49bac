"""Definitions as libvirt reads them: taken apart again by an XML parser."""

from __future__ import annotations

from xml.etree import ElementTree as Tree

import pytest

from steps.parse.guest_details import parse_guests
from tests.payload.guest import GIB, LINEAGE, guest
from wizard.payload.domain_xml import domain_xml
from wizard.payload.domain_xml_lxc import container_xml
from wizard.payload.guests import Attachment, DataDisk, Driver, GuestPlan


def root(plan: GuestPlan) -> Tree.Element:
    made = container_xml(plan) if plan.driver == "lxc" else domain_xml(plan)
    return Tree.fromstring(made)


def disk(plan: GuestPlan, target: str) -> Tree.Element:
    found = [one for one in root(plan).iter("disk") if one.find(f"target[@dev='{target}']") is not None]
    return found[0]


def test_it_is_the_guest_that_was_asked_for() -> None:
    made = root(guest())
    assert made.get("type") == "kvm"
    assert made.findtext("name") == "etcd-a"
    assert made.findtext("uuid") == guest().uuid
    assert made.findtext("vcpu") == "2"
    assert made.findtext("memory") == made.findtext("currentMemory") == str(2 * GIB)
    assert made.find("devices/memballoon[@model='none']") is not None
    kind = made.find("os/type")
    assert kind is not None
    assert kind.attrib == {"arch": "x86_64", "machine": "q35"}
    assert made.find("devices/channel/target[@name='org.qemu.guest_agent.0']") is not None
    assert made.find("devices/rng") is not None
    log = made.find("devices/serial/log")
    assert log is not None
    assert log.get("file") == "/srv/vm/etcd-a/console.log"


@pytest.mark.parametrize(
    ("driver", "arch", "cpu"),
    [("kvm", "amd64", "host-passthrough"), ("qemu", "amd64", "custom"), ("qemu", "arm64", "maximum")],
)
def test_qemu_is_the_same_definition_with_another_type_and_processor(
    driver: Driver, arch: str, cpu: str
) -> None:
    made = root(guest(driver=driver, arch=arch))
    assert made.get("type") == driver
    found = made.find("cpu")
    assert found is not None
    assert found.get("mode") == cpu


def test_arm_guests_have_firmware_of_their_own() -> None:
    system = root(guest(arch="arm64")).find("os")
    assert system is not None
    assert system.get("firmware") == "efi"
    assert system.find("type[@machine='virt'][@arch='aarch64']") is not None


def test_both_disks_bypass_the_hosts_cache_and_the_data_disk_has_its_serial() -> None:
    plan = guest()
    for target in ("vda", "vdb"):
        driver = disk(plan, target).find("driver")
        assert driver is not None
        assert (driver.get("cache"), driver.get("io"), driver.get("discard")) == ("none", "native", "unmap")
    assert disk(plan, "vda").find("source[@file='/srv/vm/etcd-a/system.qcow2']") is not None
    assert disk(plan, "vdb").find("source[@file='/srv/vm/etcd-a/data.raw']") is not None
    assert disk(plan, "vdb").findtext("serial") == plan.serial


def test_a_device_is_handed_over_whole_and_limits_have_their_place() -> None:
    plan = guest(role="storage", data=DataDisk(0, device="/dev/nvme0n1"), iotune=(("total_iops_sec", 500),))
    found = disk(plan, "vdb")
    assert found.get("type") == "block"
    assert found.find("source[@dev='/dev/nvme0n1']") is not None
    assert found.findtext("iotune/total_iops_sec") == "500"
    assert found.findtext("serial") == plan.serial
    assert root(guest()).find(".//iotune") is None


def test_without_a_data_disk_there_is_none() -> None:
    assert [one.get("device") for one in root(guest(data=None)).iter("disk")] == ["disk", "cdrom"]


def test_macvtap_takes_the_card_itself() -> None:
    made = root(guest(attachment=Attachment("direct", "eno1")))
    assert made.find("devices/interface[@type='direct']/source[@dev='eno1'][@mode='bridge']") is not None


def test_names_cannot_break_out_of_the_text() -> None:
    made = root(guest(vm_dir="/srv/<vm>&\"'", cluster='"><x/>'))
    assert made.find(".//x") is None
    source = made.find("devices/disk/source")
    assert source is not None
    assert source.get("file") == "/srv/<vm>&\"'/etcd-a/system.qcow2"


def test_a_container_has_its_root_its_disks_and_no_rights_over_the_host() -> None:
    made = root(guest(driver="lxc"))
    assert made.get("type") == "lxc"
    folders = {
        target.get("dir"): source.get("dir")
        for one in made.iter("filesystem")
        if (target := one.find("target")) is not None and (source := one.find("source")) is not None
    }
    assert folders == {"/": "/srv/vm/etcd-a/root", "/var/lib/homelab-lab": "/srv/vm/etcd-a/disks"}
    assert made.find("features/capabilities/sys_resource[@state='off']") is not None
    assert made.find("devices/interface/source[@bridge='br0']") is not None


@pytest.mark.parametrize("driver", ["kvm", "qemu", "lxc"])
def test_our_mark_is_read_back_as_it_was_written(driver: Driver) -> None:
    plan = guest(driver=driver)
    made = container_xml(plan) if driver == "lxc" else domain_xml(plan)
    bars = "".join(f"|{line}\n" for line in made.decode().splitlines())
    seen = parse_guests(f"== domains\n|etcd-a\n|:exit 0\n== guest etcd-a\n|running (booted)\n{bars}== end\n")
    found = seen.owned("etcd-a", LINEAGE)
    assert found is not None
    assert found.mark is not None
    assert (found.mark.definition, found.mark.role, found.mark.address) == (
        plan.definition,
        "etcd",
        "10.0.0.31",
    )
    assert (found.mark.system, found.mark.data) == (20 * GIB, 8 * GIB)
    assert (found.cpus, found.card, found.folder) == (2, "br0", plan.folder)
    assert seen.owned("etcd-a", "another") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"cpus": 3},
        {"memory": 3 * GIB},
        {"attachment": Attachment("bridge", "br1")},
        {"given_mac": "52:54:00:00:00:01"},
        {"data": None},
        {"driver": "qemu"},
    ],
)
def test_the_digest_tells_another_machine_from_this_one(changes: dict[str, object]) -> None:
    assert guest(**changes).definition != guest().definition


def test_the_digest_is_not_about_what_is_laid_down_at_the_first_boot() -> None:
    assert guest(resolvers=("8.8.8.8",), disk=30 * GIB).definition == guest().definition
