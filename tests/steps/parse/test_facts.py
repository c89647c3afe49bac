"""The facts parsers: a fixture a case, and text nobody vouches for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.parse.facts import SCRIPT, parse_facts, read_facts
from wizard.core.errors import RemoteError
from wizard.core.facts import HostFacts, Marker, Nic, Pool, Port, Route
from wizard.core.host import Args, Operation, OpStatus, ScriptResult

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.name for path in FIXTURES.glob("*.txt"))


def parsed(name: str, *, sent: float = 1_800_000_000.0, received: float = 1_800_000_000.2) -> HostFacts:
    return parse_facts("host", (FIXTURES / f"{name}.txt").read_text(), sent=sent, received=received)


def test_unraid_is_told_by_its_own_files() -> None:
    facts = parsed("unraid")
    assert facts.platform == "unraid"
    assert (facts.os.id, facts.os.version) == ("unraid", "7.3.2")
    found = facts.unraid
    assert found is not None
    assert (found.array_state, found.array_autostart, found.vm_service) == ("STARTED", True, True)
    assert (found.libvirt_image_mounted, found.docker_enabled, found.user_shares) == (True, True, True)
    assert found.bridge == "br0"
    assert found.pools[0] == Pool("cache", "btrfs", 4096 * 244190000, 4096 * 195000000, mounted=True)
    assert found.pools[2] == Pool("old", mounted=False)
    assert facts.marker == Marker("home", "5f0f1f9e-9b43-4df7-9a6c-1f4d4c9f2b10", 12)


def test_unraid_disks_are_followed_down_to_the_physical_device() -> None:
    facts = parsed("unraid")
    assert [disk.name for disk in facts.disks] == ["sda", "sdb", "sdc", "sdd", "nvme0n1", "nvme1n1"]
    by_path = {path: [disk.name for disk in facts.disks_under(path)] for path in PATHS}
    assert by_path == PATHS
    assert facts.root_device == ""
    cache = facts.disk("/dev/nvme0n1")
    assert cache is not None
    images = [(volume.kind, volume.label) for volume in cache.volumes if volume.kind == "loop"]
    assert images == [
        ("loop", "/mnt/cache/system/docker/docker.img"),
        ("loop", "/mnt/cache/system/libvirt/libvirt.img"),
    ]


PATHS: dict[str, list[str]] = {
    "/": [],
    "/boot/config": ["sda"],
    "/mnt/disk1/media": ["sdc"],
    "/mnt/cache/domains": ["nvme0n1", "nvme1n1"],
    "/mnt/fast/domains": ["sdd"],
    "/mnt/user/domains": [],
}
"""Array disk, two-disk btrfs pool, zfs pool, user shares: what carries each path of the fixture."""


def test_guests_and_containers_of_unraid() -> None:
    facts = parsed("unraid")
    assert (facts.libvirt.answers, facts.libvirt.version, facts.libvirt.drivers) == (
        True,
        "12.2.0",
        ("qemu",),
    )
    guests = [(guest.name, guest.state, guest.autostart, guest.owner[:4]) for guest in facts.libvirt.guests]
    assert guests == [("Windows 11", "shut off", False, ""), ("etcd-b", "running", True, "5f0f")]
    containers = [(one.name, one.image, one.state) for one in facts.docker.containers]
    assert containers == [
        ("pihole", "pihole/pihole:2026.07.2", "running"),
        ("plex", "lscr.io/linuxserver/plex:latest", "exited"),
    ]


def test_network_of_unraid() -> None:
    facts = parsed("unraid")
    kinds = {nic.name: nic.kind for nic in facts.nics}
    assert kinds == {
        "bond0": "bond",
        "br0": "bridge",
        "docker0": "bridge",
        "eth0": "ethernet",
        "lo": "loopback",
        "vnet0": "tap",
    }
    assert facts.nic("eth0") == Nic("eth0", "ethernet", "18:c0:4d:00:00:01", (), 2500, "up", 1500, "bond0")
    assert facts.default_route == Route("10.0.0.1", "br0")
    assert list(facts.listening(80)) == [Port("tcp", "0.0.0.0", 80, "nginx")]
    assert list(facts.listening(22)) == [Port("tcp", "::", 22, "sshd")]
    assert list(facts.listening(53, "udp")) == [Port("udp", "192.168.122.1", 53, "dnsmasq")]


def test_processor_memory_and_control_groups() -> None:
    facts = parsed("unraid")
    assert (facts.cpu.cores, facts.cpu.threads, facts.cpu.extension) == (2, 4, "svm")
    assert facts.memory.available == 20000000 * 1024
    assert (facts.cgroups.version, facts.cgroups.memory) == (2, True)
    assert (facts.virtualisation.inside, facts.virtualisation.kvm) == ("none", True)
    assert facts.page_size == 4096
    assert facts.privileges.uid == 0


def test_the_offset_lies_between_what_both_clock_readings_allow() -> None:
    """Read at .25 and .35 by a clock that is d ahead, between our .0 and .2: so d lies in [0.15, 0.25]."""
    clock = parsed("unraid").clock
    assert clock.offset == pytest.approx(0.2)
    assert clock.uncertainty == pytest.approx(0.05)
    assert (clock.synchronised, clock.by) == (True, "ntpd")


def test_a_date_without_fractions_costs_certainty_only() -> None:
    text = "== begin\n|epoch=1800000100.%N\n== end\n|epoch=1800000100.%N\n"
    clock = parse_facts("host", text, sent=1_800_000_000.0, received=1_800_000_000.0).clock
    assert clock.offset == pytest.approx(100.5)
    assert clock.uncertainty == pytest.approx(0.5)


def test_raid_luks_and_lvm_lie_on_both_disks() -> None:
    facts = parsed("stack")
    assert [disk.name for disk in facts.disks] == ["sda", "sdb"]
    assert [disk.name for disk in facts.disks_under("/home")] == ["sda", "sdb"]
    first = facts.disks[0]
    depths = {volume.name: (volume.kind, volume.depth) for volume in first.volumes}
    assert depths["sda1"] == ("part", 1)
    assert depths["md0"] == ("raid1", 2)
    assert depths["vg-root"] == ("lvm", 4)
    assert first.model == "ST500DM002"
    assert first.rotational is True
    assert "/srv/my data" in first.all_mounts
    assert facts.root_device == "sda"


def test_without_lsblk_and_stat_disks_come_from_sys_and_space_from_df() -> None:
    facts = parsed("sysblock")
    disk = facts.disk("sda")
    assert disk is not None
    assert disk.size == 1953525168 * 512
    assert disk.model == "CT1000MX500SSD1"
    assert "/data" in disk.all_mounts
    assert [found.name for found in facts.disks_under("/data/etcd")] == ["sda"]
    data = facts.filesystem("/data")
    assert data is not None
    assert (data.size, data.free) == (960302096 * 1024, 911000000 * 1024)
    assert any("lsblk is missing" in note for note in facts.notes)


def test_a_32_bit_pi_on_a_64_bit_kernel() -> None:
    facts = parsed("busybox")
    assert (facts.platform, facts.arch, facts.bits) == ("pi", "aarch64", 32)
    assert (facts.cpu.model, facts.cpu.threads) == ("Cortex-A72", 2)
    assert facts.cgroups.memory is False
    assert facts.pi is not None
    assert facts.pi.under_voltage is True
    assert facts.pi.flags == (
        "under-voltage now",
        "throttled now",
        "under-voltage has occurred",
        "throttling has occurred",
    )
    assert [nic.kind for nic in facts.nics] == ["ethernet", "wifi"]
    assert (facts.clock.by, facts.clock.synchronised) == ("systemd-timesyncd", False)


def test_ports_out_of_the_kernels_own_tables() -> None:
    assert parsed("busybox").ports == (
        Port("udp", "0.0.0.0", 68),
        Port("tcp", "::1", 631),
        Port("tcp", "10.0.0.11", 2379),
    )


def test_ports_out_of_netstat() -> None:
    assert parsed("netstat").ports == (
        Port("udp", "0.0.0.0", 123, "ntpd"),
        Port("tcp", "::", 443, "nginx"),
        Port("tcp", "127.0.0.1", 6010, "sshd"),
    )


def test_daemons_that_hang_or_refuse_are_told_so() -> None:
    facts = parsed("sick")
    assert (facts.libvirt.running, facts.libvirt.answers) == (True, False)
    assert facts.libvirt.note == "did not answer within 4 seconds"
    assert (facts.docker.answers, facts.docker.version) == (False, "28.1.1")
    assert facts.docker.note.startswith("Cannot connect to the Docker daemon")
    assert (facts.clock.by, facts.clock.synchronised) == ("chrony", False)
    assert facts.service("k3s").running
    assert (facts.firewall.ufw, facts.firewall.firewalld, facts.firewall.drops_input) == (True, True, True)


@pytest.mark.parametrize(
    ("name", "platform", "root", "disks"),
    [
        ("lab-debian", "libvirt", "nvme0n1", {"sda": "2117E59AAE31", "nvme0n1": "S5GYNX0R412345A"}),
        (
            "lab-unraid",
            "unraid",
            "",
            {"sda": "4C530001230412", "sdb": "WD-WCC7K4AA1122", "nvme0n1": "22413A805317"},
        ),
        ("lab-pi", "pi", "mmcblk0", {"mmcblk0": "0x1a2b3c4d", "sda": "50026B7685AB12"}),
    ],
)
def test_what_the_labs_hosts_said(name: str, platform: str, root: str, disks: dict[str, str]) -> None:
    facts = parsed(name)
    assert (facts.platform, facts.root_device) == (platform, root)
    assert {disk.name: disk.serial for disk in facts.disks} == disks
    assert facts.virtualisation.container
    assert facts.notes == ()


def test_a_payload_line_cannot_open_a_section() -> None:
    text = "== file /proc/sys/kernel/hostname\n|== host\n|arch=evil\n== host\n|arch=x86_64\n"
    facts = parse_facts("host", text, sent=0.0, received=0.0)
    assert facts.arch == "x86_64"
    assert facts.hostname == "== host"


def test_escapes_never_get_into_facts() -> None:
    text = "== file /proc/sys/kernel/hostname\n|\x1b[2Jtower\n== lsblk\n"
    text += '|{"blockdevices":[{"name":"sda","type":"disk","size":9,"model":"\\u001b[31mRED"}]}\n'
    facts = parse_facts("host", text, sent=0.0, received=0.0)
    assert "\x1b" not in repr(facts)
    assert facts.disks[0].model == "�[31mRED"


def test_an_empty_answer_is_all_unknown() -> None:
    facts = parse_facts("host", "", sent=0.0, received=0.0)
    assert facts.arch == ""
    assert facts.virtualisation.kvm is None
    assert facts.libvirt.running is None
    assert facts.clock.offset is None
    assert len(facts.notes) >= 3


_LINES = [line for name in NAMES for line in (FIXTURES / name).read_text().split("\n")]


@given(st.lists(st.sampled_from(_LINES) | st.text(max_size=40).map(lambda text: f"|{text}"), max_size=120))
@settings(max_examples=200, deadline=None)
def test_no_shuffled_or_made_up_answer_breaks_a_parser(lines: list[str]) -> None:
    facts = parse_facts("host", "\n".join(lines), sent=1.0, received=2.0)
    assert {field.name for field in fields(facts)} >= {"disks", "notes"}


@given(st.sampled_from(NAMES), st.integers(0, 20_000), st.text(max_size=8))
@settings(max_examples=200, deadline=None)
def test_no_damaged_answer_breaks_a_parser(name: str, place: int, junk: str) -> None:
    whole = (FIXTURES / name).read_text()
    facts = parse_facts("host", whole[:place] + junk + whole[place + 3 :], sent=1.0, received=2.0)
    assert facts.host == "host"


@dataclass(frozen=True, slots=True)
class Answering:
    """A host that gives one answer to the facts script."""

    result: ScriptResult
    name: str = "tower-a"
    address: str = "10.0.0.11"

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        assert script == SCRIPT
        return self.result

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.ABSENT)


def test_a_host_is_asked_once_and_the_answer_parsed() -> None:
    text = (FIXTURES / "unraid.txt").read_text()
    facts = read_facts(Answering(ScriptResult(0, text, "", 0.05)))
    assert facts.host == "tower-a"
    assert facts.hostname == "Tower"
    assert facts.seconds == pytest.approx(0.05, abs=0.05)


@pytest.mark.parametrize(
    "result", [ScriptResult(1, "", "sh: awk: not found", 0.1), ScriptResult(0, "== host\n", "", 0.1)]
)
def test_a_failed_or_unfinished_script_is_an_error_with_five_parts(result: ScriptResult) -> None:
    with pytest.raises(RemoteError) as caught:
        read_facts(Answering(result))
    error = caught.value
    assert all((error.what, error.where, error.why, error.do, error.again))
    assert "wizard facts tower-a" in error.do
    assert result.stderr in error.why
