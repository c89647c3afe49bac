"""The checks of the discovery step, each where it holds and where it does not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from steps.discover import Discover
from steps.login import login
from tests.facts.build import HOSTS, Answer, context, facts, pi_facts, spec, unraid_facts
from wizard.core.check import Finding, Status
from wizard.core.context import Context
from wizard.core.errors import RemoteError, UnreachableError
from wizard.core.facts import (
    GIB,
    Clock,
    Cpu,
    Docker,
    Filesystem,
    Firewall,
    HostFacts,
    Libvirt,
    Memory,
    Nic,
    OsFacts,
    Pi,
    Port,
    Route,
    Virtualisation,
)
from wizard.core.spec.model import MachineSpec


def run(ctx: Context) -> dict[tuple[str, str], Finding]:
    """Every finding by check and host; a host out of reach raises in the check, which is the engine's to tell."""
    found = {}
    for check in Discover().checks(ctx):
        try:
            found[check.id, check.host] = check.run(ctx)
        except UnreachableError:
            assert check.host == "pi"
    return found


def one(check: str, known: Answer, host: str = "") -> Finding:
    return run(context(known))[check, host or (known.host if isinstance(known, HostFacts) else "tower-a")]


def test_healthy_hosts_pass_every_check() -> None:
    found = run(context())
    assert {finding.status for finding in found.values()} == {Status.PASS}
    assert len(found) == 45


def test_ids_are_unique_on_each_host_and_titles_are_sentences() -> None:
    checks = list(Discover().checks(context()))
    assert len({(check.id, check.host) for check in checks}) == len(checks)
    for check in checks:
        assert check.id.startswith("discover.")
        assert "{" not in check.title
        assert check.title[0].isupper() or check.title.split()[0] in (
            "tower-a",
            "tower-b",
            "pi",
            "libvirt",
            "docker",
        )


def test_checks_are_listed_without_asking_a_host() -> None:
    ctx = context(UnreachableError("gone", where="x", why="y", do="z"))
    assert list(Discover().checks(ctx))
    assert not ctx.cache._kept


BAD = [
    ("discover.system", facts(arch="i686"), Status.FAIL, "i686"),
    ("discover.system", facts(arch=""), Status.SKIP, "could not"),
    ("discover.system", pi_facts(bits=32), Status.FAIL, "32-bit programs"),
    ("discover.system", facts(os=OsFacts("arch", "", "Arch Linux")), Status.WARN, "Arch Linux"),
    ("discover.tools", facts(tools=facts().tools - {"flock", "setsid"}), Status.FAIL, "flock, setsid"),
    ("discover.tools", unraid_facts(tools=frozenset()), Status.FAIL, "awk"),
    ("discover.time", facts(clock=Clock(1.0, 0.0, 0.1, False, "")), Status.FAIL, "Nobody keeps"),
    ("discover.time", facts(clock=Clock(1.0, 0.0, 0.1, False, "chrony")), Status.FAIL, "Nobody keeps"),
    ("discover.time", unraid_facts(clock=Clock(1.0, 0.0, 0.1, False, "ntpd")), Status.FAIL, "Nobody keeps"),
    ("discover.time", facts(clock=Clock(1.0, 0.0, 0.1, None, "chrony")), Status.SKIP, "could not"),
    (
        "discover.time",
        facts(clock=Clock(1.0, 0.0, 0.1, False, ""), virtualisation=Virtualisation("lxc", True, False)),
        Status.SKIP,
        "container",
    ),
    ("discover.space", facts(filesystems=(Filesystem("/", size=10**11, free=10**8),)), Status.FAIL, "100 MB"),
    (
        "discover.space",
        facts(filesystems=(Filesystem("/", size=10**11, free=10**11, read_only=True),)),
        Status.FAIL,
        "read-only",
    ),
    (
        "discover.space",
        facts(filesystems=(Filesystem("/", size=10**11, free=10**11, inodes=9999, inodes_free=3),)),
        Status.FAIL,
        "3 inodes",
    ),
    (
        "discover.space",
        unraid_facts(filesystems=(Filesystem("/boot", size=10**9, free=10**6),)),
        Status.FAIL,
        "1 MB free",
    ),
    ("discover.space", facts(filesystems=()), Status.SKIP, "unknown"),
    ("discover.memory", pi_facts(memory=Memory(GIB, GIB, 0, 0)), Status.WARN, "1.0 GiB"),
    ("discover.memory", facts(memory=Memory(4 * GIB, GIB, 0, 0)), Status.WARN, "4.0 GiB"),
    (
        "discover.memory",
        facts(memory=Memory(16 * GIB, GIB, 8 * GIB, 2 * GIB)),
        Status.WARN,
        "swapped out 6.0",
    ),
    ("discover.memory", facts(memory=Memory()), Status.SKIP, "unknown"),
    ("discover.ports", pi_facts(ports=(Port("tcp", "10.0.0.13", 2379, "nginx"),)), Status.WARN, "nginx"),
    ("discover.power", pi_facts(pi=Pi("Pi", 0x50005, ("throttled now",))), Status.FAIL, "throttled now"),
    ("discover.power", pi_facts(pi=Pi("Pi", None)), Status.SKIP, "vcgencmd"),
    ("discover.firewall", pi_facts(firewall=Firewall(True)), Status.WARN, "ufw"),
    ("discover.firewall", pi_facts(firewall=Firewall(False, True)), Status.WARN, "firewalld"),
    ("discover.libvirt", facts(libvirt=Libvirt()), Status.FAIL, "no libvirt"),
    ("discover.libvirt", facts(libvirt=Libvirt(True, False)), Status.FAIL, "does not answer"),
    ("discover.libvirt", facts(libvirt=Libvirt(True, True, False, True)), Status.FAIL, "does not answer"),
    (
        "discover.libvirt",
        unraid_facts(libvirt=Libvirt(True, False, None, True)),
        Status.FAIL,
        "does not answer",
    ),
    (
        "discover.virtualisation",
        facts(virtualisation=Virtualisation("none", kvm=False)),
        Status.FAIL,
        "/dev/kvm",
    ),
    (
        "discover.virtualisation",
        facts(virtualisation=Virtualisation("vmware", kvm=False), cpu=Cpu("x", 2, 2)),
        Status.FAIL,
        "hardware speed",
    ),
    ("discover.bridge", facts(nics=(), default_route=None), Status.FAIL, "no bridge br0"),
    ("discover.bridge", unraid_facts(nics=()), Status.FAIL, "no bridge br0"),
    (
        "discover.bridge",
        facts(nics=(Nic("eno1", "ethernet"),), default_route=Route("10.0.0.1", "eno1")),
        Status.WARN,
        "no bridge br0",
    ),
    ("discover.bridge", unraid_facts(nics=(Nic("br0", "bridge"),)), Status.WARN, "no way out"),
    ("discover.bridge", unraid_facts(nics=(Nic("br0", "ethernet"),)), Status.FAIL, "is no bridge"),
    ("discover.docker", facts(docker=Docker()), Status.FAIL, "no docker"),
    (
        "discover.docker",
        facts(docker=Docker(True, True, False, note="refused")),
        Status.FAIL,
        "does not answer",
    ),
]


IDS = [f"{check}-{index}" for index, (check, *_) in enumerate(BAD)]


@pytest.mark.parametrize(("check", "known", "status", "word"), BAD, ids=IDS)
def test_a_bad_host_is_told_with_its_remedy(check: str, known: HostFacts, status: Status, word: str) -> None:
    finding = one(check, known)
    assert finding.status is status, finding
    assert word in finding.detail
    if status is not Status.SKIP:
        assert finding.evidence
        assert finding.cause
        assert finding.fix


def test_sleeping_libvirt_of_debian_is_fine() -> None:
    finding = one("discover.libvirt", facts(libvirt=Libvirt(True, False, None, True)))
    assert finding.status is Status.PASS
    assert "sleeps" in finding.detail


@pytest.mark.parametrize("guests", ["lxc", "qemu"])
def test_guests_without_hardware_need_no_kvm(guests: str) -> None:
    host = replace(HOSTS[0], guests=guests)  # type: ignore[arg-type]
    bare = facts(virtualisation=Virtualisation("docker", True, False), cpu=Cpu("x", 2, 2))
    found = run(context(bare, hosts=(host, *HOSTS[1:])))
    assert found["discover.virtualisation", "tower-a"].status is Status.PASS


def test_the_spec_names_the_folders_that_need_room() -> None:
    full = Filesystem("/mnt/vm", size=10**12, free=10**6)
    host = replace(HOSTS[0], vm_dir="/mnt/vm/disks")
    known = facts(filesystems=(*facts().filesystems, full))
    assert run(context(known))["discover.space", "tower-a"].status is Status.PASS
    found = run(context(known, hosts=(host, *HOSTS[1:])))["discover.space", "tower-a"]
    assert found.status is Status.FAIL
    assert found.fix == "ssh root@10.0.0.11 du -xh -d 2 /mnt/vm"


@pytest.mark.parametrize(
    ("change", "check", "word"),
    [
        ({"array_state": "STOPPED"}, "discover.array", "not started"),
        ({"array_autostart": False}, "discover.array", "power cut"),
        ({"vm_service": False}, "discover.vm-service", "switched off"),
        ({"libvirt_image_mounted": False}, "discover.vm-service", "would be lost"),
    ],
)
def test_unraids_array_and_vm_service(change: dict[str, object], check: str, word: str) -> None:
    unraid = unraid_facts().unraid
    assert unraid is not None
    finding = one(check, unraid_facts(unraid=replace(unraid, **change)))  # type: ignore[arg-type]
    assert finding.status is Status.FAIL
    assert word in finding.detail
    assert finding.fix


def test_unraid_is_not_asked_of_a_host_the_spec_calls_otherwise() -> None:
    found = run(context())
    assert ("discover.array", "tower-a") not in found
    open_host = replace(HOSTS[0], platform=None)
    found = run(context(hosts=(open_host, *HOSTS[1:])))
    assert found["discover.array", "tower-a"].status is Status.SKIP


def clocked(a: float, b: float, pi: float, uncertainty: float = 0.05) -> Finding:
    def clock(offset: float) -> Clock:
        return Clock(1.0, offset, uncertainty, True, "chrony")

    known = (facts(clock=clock(a)), unraid_facts(clock=clock(b)), pi_facts(clock=clock(pi)))
    return run(context(*known))["discover.clocks", ""]


@pytest.mark.parametrize(
    ("offsets", "status", "words"),
    [
        ((0.0, 0.1, -0.2), Status.PASS, "Within 1 s"),
        ((0.0, 0.0, -86400.0 * 40), Status.FAIL, "pi is off by 40 days"),
        ((0.0, 40.0, 0.0), Status.FAIL, "tower-b is off by 40.0 s"),
        ((0.0, 0.0, 5.0), Status.WARN, "pi is off by 5.0 s"),
        ((3600.0, 3600.0, 3600.1), Status.FAIL, "this machine is off by 60 minutes"),
        ((0.0, 40.0, 40.0), Status.FAIL, "tower-b and pi is off by 40.0 s"),
    ],
)
def test_clocks(offsets: tuple[float, float, float], status: Status, words: str) -> None:
    finding = clocked(*offsets, uncertainty=0.0)
    assert finding.status is status, finding
    assert words in finding.detail
    if status is not Status.PASS:
        assert finding.fix
        assert "tower-a" in finding.evidence


def test_an_uncertain_measurement_accuses_nobody() -> None:
    assert clocked(0.0, 0.0, 3.0, uncertainty=2.5).status is Status.PASS
    assert clocked(0.0, 0.0, 3.0, uncertainty=0.5).status is Status.WARN


def test_a_pi_in_the_past_is_explained_by_its_missing_clock() -> None:
    assert "Raspberry Pi has no clock" in clocked(0.0, 0.0, -1e6).cause


@pytest.mark.parametrize("field", ["boot_id", "machine_id", "hostname"])
def test_two_hosts_that_are_one_or_copies(field: str) -> None:
    twin = unraid_facts(**{field: getattr(facts(), field)})
    finding = run(context(facts(), twin))["discover.identity", ""]
    assert finding.status is Status.FAIL
    assert finding.detail.startswith("tower-a and tower-b have the same")
    assert finding.fix


def test_containers_of_one_machine_share_its_boot_id() -> None:
    inside = Virtualisation("docker", True, False)
    known = (facts(virtualisation=inside), unraid_facts(virtualisation=inside, boot_id="boot-a"))
    assert run(context(*known))["discover.identity", ""].status is Status.PASS


def test_a_host_out_of_reach_is_left_to_the_engine_and_the_others_are_judged() -> None:
    gone = UnreachableError("pi does not answer", where="pi", why="timed out", do="ping pi")
    found = run(context(facts(), unraid_facts(), gone))
    assert ("discover.system", "pi") not in found
    assert found["discover.clocks", ""].status is Status.PASS
    assert "2 hosts" in found["discover.identity", ""].detail


def test_facts_that_cannot_be_read_explain_the_hosts_other_checks() -> None:
    broken = RemoteError(
        "tower-a did not tell its facts.", where="tower-a", why="awk", do="wizard facts tower-a"
    )
    ctx = context(broken)
    checks = {check.id: check for check in Discover().checks(ctx) if check.host == "tower-a"}
    with pytest.raises(RemoteError):
        checks.pop("discover.facts").run(ctx)
    findings = [check.run(ctx) for check in checks.values()]
    assert {(finding.status, finding.explained_by) for finding in findings} == {
        (Status.SKIP, "discover.facts")
    }


def test_facts_of_a_hypervisor_that_cannot_be_read_explain_its_guests_too() -> None:
    broken = RemoteError("tower-a did not tell its facts.", where="tower-a", why="awk", do="wizard facts")
    ctx = context(broken)
    guest = MachineSpec("etcd-a", "tower-a", "etcd", "10.0.0.31", 2, 2 * GIB, 10 * GIB)
    ctx = replace(ctx, spec=replace(ctx.spec, machines=(guest,)))
    (check,) = (one for one in Discover().checks(ctx) if one.id == "discover.guest")
    finding = check.run(ctx)
    assert (check.host, finding.status, finding.explained_by) == ("etcd-a", Status.SKIP, "discover.facts")


def test_a_fix_is_what_a_person_would_type() -> None:
    wanted = spec()
    assert login(wanted, HOSTS[0]) == "ssh root@10.0.0.11"
    assert login(wanted, HOSTS[2]) == "ssh pi@10.0.0.13 sudo"
    assert login(wanted, replace(HOSTS[0], port=2222)) == "ssh -p 2222 root@10.0.0.11"


def test_the_guide_names_every_check() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "discovery.md").read_text()
    named = set(re.findall(r"^\| `(discover\.[a-z-]+)` \|", guide, re.MULTILINE))
    assert named == {check.id for check in Discover().checks(context())}
