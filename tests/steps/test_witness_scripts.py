"""The scripts about the witness, run on this machine: what they say, how long they take, what they leave behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from steps.parse.witness import parse_fsync, parse_witness
from wizard.core.decide.witness import DiskPath
from wizard.core.resources import asset_text
from wizard.transport.wire import arg_lines, program_text

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Here:
    """A folder to measure in, and programs of our own before those of this machine."""

    root: Path

    @property
    def place(self) -> Path:
        return self.root / "place"

    def begin(self, script: str, **args: str) -> subprocess.Popen[str]:
        program, given = self.root / "program", self.root / "input"
        program.write_bytes(program_text((script,)))
        given.write_bytes(arg_lines(args))
        env = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"}
        with given.open("rb") as stdin:
            return subprocess.Popen(
                ["/bin/sh", str(program)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=env,
            )

    def run(self, script: str, **args: str) -> tuple[int, str]:
        with self.begin(script, **args) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def fsync(self, method: str = "dd", seconds: str = "20") -> tuple[int, str]:
        return self.run("do/witness-fsync", path=str(self.place / "etcd"), seconds=seconds, method=method)

    def program(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.place.iterdir())


@pytest.fixture
def here(tmp_path: Path) -> Here:
    (tmp_path / "bin").mkdir()
    (tmp_path / "place").mkdir()
    return Here(tmp_path)


def test_dd_tells_the_percentiles_of_single_writes_and_leaves_nothing(here: Here) -> None:
    code, said = here.fsync(seconds="5")
    found = parse_fsync(said)
    assert code == 0 and found is not None, said
    assert found.method == "dd"
    assert found.samples >= 20
    assert 0 <= found.p50_ms <= found.p99_ms <= found.max_ms
    assert found.folder == str(here.place), "the nearest folder that is there"
    assert here.left() == []


DD = """\
n=$(cat "$0.n" 2>/dev/null || echo 0)
n=$((n + 1))
echo $n >"$0.n"
case $n in 10) s=0.09 ;; 20 | 30) s=0.03 ;; *) s=0.001 ;; esac
[ $n -le 100 ] || exit 1
echo "2300 bytes (2.3 kB, 2.2 KiB) copied, $s s, 1.0 MB/s" >&2"""
"""A hundred writes: one of 90 ms, two of 30 ms, the others of 1 ms."""


def test_the_percentile_is_that_of_what_dd_said(here: Here) -> None:
    here.program("dd", DD)
    found = parse_fsync(here.fsync(seconds="20")[1])
    assert found is not None
    assert (found.samples, found.p50_ms, found.p99_ms, found.max_ms) == (100, 1.0, 30.0, 90.0)


FIO = """\
for word in "$@"; do case $word in --output=*) out=${word#*=} ;; --directory=*) dir=${word#*=} ;; esac; done
printf '%s\\n' "$@" >"$0.args"
: >"$dir/etcd.0.0"
cat >"$out" <<JSON
{ "jobs" : [ { "jobname" : "etcd",
  "write" : { "lat_ns" : { "N" : 5, "percentile" : {
      "50.000000" : 11, "99.000000" : 12
  } } },
  "sync" : {
    "total_ios" : 0,
    "lat_ns" : {
      "min" : 90000,
      "max" : 41000000,
      "N" : 4148,
      "percentile" : {
        "50.000000" : 757760,
        "99.000000" : 14614528,
        "99.900000" : 33000000
      } } } } ] }
JSON"""


def test_fio_is_asked_as_etcds_guide_says_and_its_syncs_are_read(here: Here) -> None:
    here.program("fio", FIO)
    code, said = here.fsync("auto")
    found = parse_fsync(said)
    assert code == 0 and found is not None, said
    assert (found.method, found.samples, found.p50_ms, found.p99_ms, found.max_ms) == (
        "fio",
        4148,
        0.76,
        14.61,
        41.0,
    )
    asked = (here.root / "bin" / "fio.args").read_text().split()
    for word in ("--rw=write", "--ioengine=sync", "--fdatasync=1", "--size=22m", "--bs=2300", "--runtime=20"):
        assert word in asked
    assert here.left() == []


@pytest.mark.parametrize("broken", ["exit 1", "echo nonsense"])
def test_a_fio_that_fails_gives_way_to_dd(here: Here, broken: str) -> None:
    here.program("fio", broken)
    here.program("dd", DD)
    found = parse_fsync(here.fsync("auto")[1])
    assert found is not None and found.method == "dd"


@pytest.mark.skipif(not shutil.which("fio"), reason="fio is not on this machine")
def test_the_real_fio_is_understood(here: Here) -> None:
    found = parse_fsync(here.fsync("auto")[1])
    assert found is not None and found.method == "fio" and found.p99_ms > 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_measurement_that_is_stopped_clears_up(here: Here, how: signal.Signals) -> None:
    with here.begin("do/witness-fsync", path=str(here.place), seconds="20", method="dd") as process:
        _until_begun(here)
        process.send_signal(how)
        process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert here.left() == []


def test_what_a_killed_one_left_is_gone_after_the_next(here: Here) -> None:
    with here.begin("do/witness-fsync", path=str(here.place), seconds="20", method="dd") as process:
        _until_begun(here)
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert here.left() == [".wizard-fsync"]
    here.program("dd", DD)
    assert here.fsync()[0] == 0
    assert here.left() == []


def _until_begun(here: Here) -> None:
    end = time.monotonic() + PATIENCE
    while not (here.place / ".wizard-fsync" / "data").exists():
        assert time.monotonic() < end, "it never began"
        time.sleep(0.01)


def test_a_disk_that_syncs_hardly_at_all_is_no_measurement(here: Here) -> None:
    here.program("dd", "exit 1")
    code, said = here.fsync()
    assert code == 6 and "fewer than 20 syncs" in said
    assert here.left() == []


def test_nothing_is_written_where_there_is_no_room(here: Here) -> None:
    here.program("df", 'echo head; echo "/dev/x 100 90 10 90% /mnt"')
    code, said = here.fsync()
    assert code == 4 and "only 10 KiB free" in said
    assert here.left() == []


# --- read/witness


def tree(
    root: Path, device: str = "sda1", driver: str = "uas", usb: tuple[str, str] = ("152d", "0578")
) -> Path:
    """What the kernel says of a partition on a USB disk."""
    sys = root / "sys"
    device_folder = sys / "devices/platform/xhci/usb2/2-1"
    disk = device_folder / "2-1:1.0/host0/target0:0:0/0:0:0:0/block/sda"
    (disk / "queue").mkdir(parents=True)
    (disk / "sda1").mkdir()
    (disk / "sda1/partition").write_text("1\n")
    (disk / "queue/rotational").write_text("0\n")
    (device_folder / "idVendor").write_text(f"{usb[0]}\n")
    (device_folder / "idProduct").write_text(f"{usb[1]}\n")
    (device_folder / "speed").write_text("5000\n")
    (device_folder / "product").write_text("External Disk 3.0\n")
    (device_folder / "2-1:1.0/bInterfaceClass").write_text("08\n")
    (sys / "bus/usb/drivers" / driver).mkdir(parents=True)
    (device_folder / "2-1:1.0/driver").symlink_to(sys / "bus/usb/drivers" / driver)
    (sys / "class/block").mkdir(parents=True)
    (sys / f"class/block/{device}").symlink_to(disk / "sda1")
    (sys / "module/usb_storage/parameters").mkdir(parents=True)
    (sys / "module/usb_storage/parameters/quirks").write_text("0bc2:2312:u\n")
    (sys / "class/rtc/rtc0").mkdir(parents=True)
    (sys / "class/rtc/rtc0/name").write_text("rpi-rtc soc:rpi_rtc\n")
    return sys


def look(here: Here, sys: Path, peers: str = "") -> DiskPath:
    code, said = here.run("read/witness", path=str(here.place / "etcd"), peers=peers, sys=str(sys))
    assert code == 0, said
    return parse_witness(said)


def on_device(here: Here, device: str = "sda1") -> None:
    """The folder's file system is on that partition, as df and readlink tell."""
    here.program("df", f'echo head; echo "/dev/{device} 1000000 1 900000 1% /wizard-test"')
    awk = shutil.which("awk")
    mounts = here.root / "mounts"
    mounts.write_text(f"/dev/{device} /wizard-test ext4 rw,noatime 0 0\n")
    here.program(
        "awk",
        f'n=$#; for word in "$@"; do [ "$word" = /proc/mounts ] && word={mounts}; set -- "$@" "$word"; done\n'
        f'shift "$n"; exec {awk} "$@"',
    )


@pytest.mark.parametrize("driver", ["uas", "usb-storage"])
def test_the_usb_bridge_and_its_driver_are_found(here: Here, driver: str) -> None:
    on_device(here)
    found = look(here, tree(here.root, driver=driver))
    assert (found.device, found.usb, found.driver, found.speed) == ("sda", "152d:0578", driver, 5000)
    assert found.product == "External Disk 3.0"
    assert found.quirks == "0bc2:2312:u"
    assert found.clocks == ("rpi-rtc soc:rpi_rtc",)
    assert (found.filesystem, found.mount, found.folder) == ("ext4", "/wizard-test", str(here.place))


def test_a_disk_that_hangs_on_no_usb_is_just_a_disk(here: Here) -> None:
    on_device(here, "nvme0n1")
    sys = here.root / "sys"
    disk = sys / "devices/pci0000:00/0000:00:1d.0/nvme/nvme0/nvme0n1"
    (disk / "queue").mkdir(parents=True)
    (sys / "class/block").mkdir(parents=True)
    (sys / "class/block/nvme0n1").symlink_to(disk)
    found = look(here, sys)
    assert (found.device, found.usb, found.driver) == ("nvme0n1", "", "")


def test_round_trips_are_pinged_or_else_connected(here: Here) -> None:
    here.program("df", 'echo head; echo "none 1 1 1 1% /nowhere"')
    here.program(
        "ping",
        'for last; do :; done; [ "$last" = 10.0.0.1 ] || exit 1\n'
        "echo 'rtt min/avg/max/mdev = 0.045/0.261/0.374/0.010 ms'",
    )
    here.program(
        "curl",
        "for last; do :; done; case $last in *10.0.0.2*) printf 0.001500 ;; *) printf 0.000000 ;; esac",
    )
    found = look(here, here.root / "none", "10.0.0.1,10.0.0.2,10.0.0.3")
    assert found.round_trips == {"10.0.0.1": 0.261, "10.0.0.2": 1.5, "10.0.0.3": None}


@pytest.mark.parametrize(
    "said", ["", "method=fio\n", "method=fio\nsamples=x\np50_us=1\np99_us=1\nmax_us=1\n"]
)
def test_what_is_no_measurement_is_none(said: str) -> None:
    assert parse_fsync(said) is None


# --- the script that takes the lead back

ETCDCTL = """\
for word in "$@"; do case $word in --endpoints=*) at=${word#*=} ;; move-leader) moved=1 ;; esac; done
for last; do :; done
if [ -n "${moved:-}" ]; then
    echo "$at $last" >>"$0.moved"
    exit "$(cat "$0.refuses" 2>/dev/null || echo 0)"
fi
row=$(grep "^$at, " "$0.rows") || { echo "context deadline exceeded" >&2; exit 1; }
echo "$row"
"""

LOCAL, PI = "https://127.0.0.1:2379", "https://10.0.0.13:2379"
ROW = "{}, {}, 3.6.14, 3.6.0, 20 kB, 16 kB, 20%, 2.1 GB, {}, false, 2, 8, 8, , , false"
"""A row of `etcdctl endpoint status` as 3.6 prints it; the first yes or no tells who leads."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Where the script runs against an etcdctl that answers from a file."""

    here: Here

    def run(self, *rows: str, refuses: int = 0) -> tuple[int, str]:
        self.here.program("etcdctl", ETCDCTL)
        tool = self.here.root / "bin" / "etcdctl"
        tool.with_suffix(".rows").write_text("\n".join(rows) + "\n")
        tool.with_suffix(".refuses").write_text(str(refuses))
        script = self.here.root / "guard"
        text = asset_text("etcd/leader-guard.sh").replace("/usr/local/bin/etcdctl", str(tool))
        script.write_text(text)
        done = subprocess.run(
            ["/bin/sh", str(script), PI], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return done.returncode, done.stdout

    @property
    def moved(self) -> str:
        path = self.here.root / "bin" / "etcdctl.moved"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def lead(here: Here) -> Lead:
    return Lead(here)


def test_the_lead_is_taken_from_a_witness_by_asking_the_witness(lead: Lead) -> None:
    code, said = lead.run(ROW.format(LOCAL, "a1", "false"), ROW.format(PI, "c3", "true"))
    assert (code, said) == (0, f"took the lead from {PI}\n")
    assert lead.moved == f"{PI} a1\n"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([ROW.format(LOCAL, "a1", "true"), ROW.format(PI, "c3", "false")], "no witness leads"),
        ([ROW.format(LOCAL, "a1", "false"), ROW.format(PI, "c3", "false")], "no witness leads"),
        ([ROW.format(LOCAL, "a1", "true")], "no witness leads"),
        ([ROW.format(PI, "c3", "true")], "does not answer here"),
        ([], "does not answer here"),
    ],
)
def test_nothing_is_moved_where_nothing_need_be_or_can_be(lead: Lead, rows: list[str], says: str) -> None:
    code, said = lead.run(*rows)
    assert (code, says in said, lead.moved) == (0, True, "")


def test_a_move_that_fails_is_a_failure_of_the_service(lead: Lead) -> None:
    code, _ = lead.run(ROW.format(LOCAL, "a1", "false"), ROW.format(PI, "c3", "true"), refuses=1)
    assert code == 1
