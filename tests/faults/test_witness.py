"""Rows 61 to 65: what is wrong with a Raspberry Pi that shall be the witness, as far as etcd meets it."""

from __future__ import annotations

import json

import pytest

from tests.faults.cluster_site import ClusterSite
from tests.faults.test_hypervisors import replaced
from tests.practice.cluster import ETCD_DIR
from tests.rows import CliRun, assert_explained, assert_found, assert_tolerated
from wizard.core.errors import ExitCode

FAILED = ExitCode.FAILED
YEARS = 365 * 86400.0


def no_etcd(site: ClusterSite) -> list[str]:
    return [line for line in site.guests_and_etcd() if "do/etcd" in line]


# --- 61: SD card, slow disk


@pytest.mark.row("E", 61)
@pytest.mark.parametrize("etcd_dir", ["/var/lib/etcd", "/home/etcd"])
def test_row_e61_etcds_data_on_the_sd_card(grown: ClusterSite, etcd_dir: str) -> None:
    grown.write(lambda text: text.replace(ETCD_DIR, etcd_dir))
    run = grown.apply()
    says = ["SD card", "pi"]
    assert_explained(
        run, exit_code=FAILED, says=says, do="USB SSD", unchanged=lambda: no_etcd(grown), before=[]
    )
    assert grown.secret("etcd/ca.key") is None


@pytest.mark.row("E", 61)
def test_row_e61_the_usb_disk_is_not_mounted(grown: ClusterSite) -> None:
    pi = grown.cluster.machines["pi"]
    for section in ("file /proc/mounts", "statfs"):
        pi.sections[section] = tuple(line for line in pi.sections[section] if "/mnt/usb" not in line)
    run = grown.apply()
    assert_explained(
        run, exit_code=FAILED, says=["pi"], do="etcd_dir", unchanged=lambda: no_etcd(grown), before=[]
    )
    assert not any(path.startswith(ETCD_DIR) for path in pi.files)


@pytest.mark.row("E", 61)
@pytest.mark.parametrize(
    ("buckets", "status"),
    [
        ((("0.008", 200), ("0.016", 4200), ("0.032", 4280), ("+Inf", 4280)), "warn"),
        ((("0.032", 200), ("0.064", 4000), ("0.128", 4280), ("+Inf", 4280)), "fail"),
    ],
)
def test_row_e61_a_disk_that_syncs_slowly(
    grown: ClusterSite, buckets: tuple[tuple[str, int], ...], status: str
) -> None:
    grown.applied()
    grown.cluster.machines["pi"].etcd.fsync = buckets
    assert_found(grown.doctor(), "etcd.fsync", says=["pi", "etcd wants 10"], fix="iostat", status=status)


# --- 62, 65: nothing of it is needed by a witness that runs etcd alone


@pytest.mark.row("E", 62)
def test_row_e62_memory_cgroup_off_is_no_matter_to_a_witness(grown: ClusterSite) -> None:
    pi = grown.cluster.machines["pi"]
    pi.sections["file /proc/cgroups"] = ("#subsys_name\thierarchy\tnum_cgroups\tenabled", "memory\t0\t88\t0")
    assert_tolerated(grown.apply(), shows=["done:"])
    grown.content()


@pytest.mark.row("E", 65)
def test_row_e65_no_vxlan_module_is_no_matter_to_a_witness(grown: ClusterSite) -> None:
    """Ubuntu keeps it in linux-modules-extra-raspi; overlay networks are the guests' business."""
    pi = grown.cluster.machines["pi"]
    replaced(pi, "file /etc/os-release", "ID=debian", "ID=ubuntu")
    replaced(
        pi,
        "file /proc/sys/kernel/osrelease",
        pi.sections["file /proc/sys/kernel/osrelease"][0],
        "6.8.0-1040-raspi",
    )
    assert_tolerated(grown.apply(), shows=["done:"])
    grown.content()


# --- 63: no clock of its own


@pytest.mark.row("E", 63)
@pytest.mark.parametrize("skew", [-9 * YEARS, -120.0, 2 * YEARS])
def test_row_e63_no_certificate_is_made_before_the_clocks_agree(grown: ClusterSite, skew: float) -> None:
    pi = grown.cluster.machines["pi"]
    pi.skew = skew
    run = grown.apply()
    assert_explained(
        run,
        exit_code=FAILED,
        says=["clock", "pi"],
        do="chronyc makestep",
        unchanged=lambda: no_etcd(grown),
        before=[],
    )
    for name in ("etcd/ca.key", "etcd/ca.crt", "etcd/pi.crt"):
        assert grown.secret(name) is None
    pi.skew = 0.0
    grown.applied()
    assert grown.secret("etcd/ca.key"), "the control: it is made once they do"
    grown.content()


# --- 64: a system or a power supply that will not do


@pytest.mark.row("E", 64)
def test_row_e64_a_32_bit_system(grown: ClusterSite) -> None:
    replaced(grown.cluster.machines["pi"], "host", "bits=64", "bits=32")
    run = grown.apply()
    assert_explained(
        run, exit_code=FAILED, says=["32-bit"], do="64-bit", unchanged=grown.guests_and_etcd, before=[]
    )


@pytest.mark.row("E", 64)
def test_row_e64_under_voltage(grown: ClusterSite) -> None:
    grown.cluster.machines["pi"].sections["vcgencmd"] = ("throttled=0x50005",)
    grown.applied()
    found = assert_found(grown.doctor(), "discover.power", says=["pi"], fix="power supply", status="warn")
    assert "voltage" in f"{found['detail']} {found['evidence']}".lower()


@pytest.mark.row("E", 64)
def test_row_e64_a_kernel_with_large_pages_and_little_memory(grown: ClusterSite) -> None:
    pi = grown.cluster.machines["pi"]
    pi.sections["file /proc/self/smaps"] = ("KernelPageSize:       16 kB",)
    pi.sections["file /proc/meminfo"] = ("MemTotal:         948304 kB", "MemAvailable:     700000 kB")
    run = grown.apply()
    assert_tolerated(run, shows=["warn:", "pi"])
    assert_found(grown.doctor(), "discover.memory", says=["pi"], fix="wizard layout", status="warn")


# --- 61 and 64 as `wizard witness` tells them


def judged(run: CliRun) -> dict[str, dict[str, str]]:
    """The parts of the witness by name."""
    return {one["part"]: one for one in json.loads(run.stdout)["witness"]["pi"]}


def measured_on(site: ClusterSite) -> list[str]:
    return [line.split()[0] for line in site.guests_and_etcd() if "witness-fsync" in line]


@pytest.mark.row("E", 61)
@pytest.mark.parametrize(
    ("ms", "verdict", "code"),
    [(3.0, "good", ExitCode.OK), (31.0, "slow", ExitCode.OK), (90.0, "refused", FAILED)],
)
def test_row_e61_the_witness_disk_is_measured_and_judged(
    grown: ClusterSite, ms: float, verdict: str, code: ExitCode
) -> None:
    grown.cluster.machines["pi"].fsync_ms = ms
    run = grown.run("witness", "--json")
    assert_tolerated(run, shows=[f'"p99_ms": {ms}', f'"verdict": "{verdict}"'], exit_code=code)
    assert measured_on(grown) == ["tower-a", "tower-b", "pi"]
    assert grown.folder.measurements.stat().st_mode & 0o777 == 0o600


@pytest.mark.row("E", 61)
def test_row_e61_a_card_is_refused_by_the_witness_command_and_never_written_to(grown: ClusterSite) -> None:
    grown.write(lambda text: text.replace(ETCD_DIR, "/var/lib/etcd"))
    run = grown.run("witness")
    assert_tolerated(run, shows=["SD card", "refused", "domain.md 2.2"], exit_code=FAILED)
    assert measured_on(grown) == ["tower-a", "tower-b"]
    grown.write(lambda text: text.replace(ETCD_DIR, "/var/lib/etcd") + "witness: {accept_slow: true}\n")
    # The recorded Pi is a container, whose root is an overlay.
    replaced(grown.cluster.machines["pi"], "file /proc/mounts", "mmcblk0p2 / overlay", "mmcblk0p2 / ext4")
    run = grown.run("witness")
    assert_tolerated(run, shows=["accepted", "witness.accept_slow takes it"])
    assert measured_on(grown)[-1] == "pi"


@pytest.mark.row("E", 61)
def test_row_e61_nothing_is_measured_while_another_wizard_works(grown: ClusterSite) -> None:
    grown.cluster.machines["pi"].locked = True
    run = grown.run("witness")
    assert_explained(run, exit_code=ExitCode.STATE, unchanged=lambda: measured_on(grown), before=[])


@pytest.mark.row("E", 61)
def test_row_e61_a_host_that_is_away_is_told_and_the_others_are_measured(grown: ClusterSite) -> None:
    grown.cluster.hosts.faults.dead.add("tower-b")
    run = grown.run("witness", "--json")
    assert_explained(run, exit_code=ExitCode.UNREACHABLE, says=["tower-b"])
    assert [one["verdict"] for one in json.loads(run.stdout)["members"]] == ["unknown", "good", "good"]


@pytest.mark.row("E", 64)
@pytest.mark.parametrize(
    ("section", "lines", "part", "verdict", "says"),
    [
        ("vcgencmd", ("throttled=0x50005",), "power", "warn", "power supply"),
        ("file /proc/self/smaps", ("KernelPageSize:       16 kB",), "pages", "good", "no matter to etcd"),
        ("file /proc/meminfo", ("MemTotal:         948304 kB",), "memory", "warn", "2 GB"),
    ],
)
def test_row_e64_the_witness_command_judges_system_and_power(
    grown: ClusterSite, section: str, lines: tuple[str, ...], part: str, verdict: str, says: str
) -> None:
    grown.cluster.machines["pi"].sections[section] = lines
    run = grown.run("witness", "--json")
    assert_tolerated(run, shows=[says])
    assert judged(run)[part]["verdict"] == verdict


@pytest.mark.row("E", 64)
def test_row_e64_a_32_bit_system_is_refused_as_a_witness(grown: ClusterSite) -> None:
    replaced(grown.cluster.machines["pi"], "host", "bits=64", "bits=32")
    run = grown.run("witness", "--json")
    assert_tolerated(run, shows=["64-bit"], exit_code=FAILED)
    assert judged(run)["bits"]["verdict"] == "refused"
