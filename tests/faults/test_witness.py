"""Rows 61 to 65: what is wrong with a Raspberry Pi that shall be the witness, as far as etcd meets it."""

from __future__ import annotations

import pytest

from tests.faults.cluster_site import ClusterSite
from tests.faults.test_hypervisors import replaced
from tests.practice.cluster import ETCD_DIR
from tests.rows import assert_explained, assert_found, assert_tolerated
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
