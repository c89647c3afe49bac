"""What the witness is asked, and how its disk is measured."""

from __future__ import annotations

from tests.recordings.case import Case, do
from tests.recordings.recording import Said
from tests.recordings.stage import OP, Stage

USB = "/mnt/usb/wizard-recordings/etcd"
"""A folder that is still to be made."""
LOCAL = "127.0.0.1"
SECONDS = 60.0


def look(stage: Stage, path: str) -> Said:
    """read/witness."""
    return stage.run("read/witness", {"path": path, "peers": LOCAL, "sys": "/sys"})


def measure(stage: Stage, path: str, method: str = "auto") -> Said:
    """do/witness-fsync, as short as it can be."""
    args = {"path": path, "seconds": "4", "method": method}
    return do(stage, args, OP, "do/witness-fsync", seconds=SECONDS)


def look_at_root(stage: Stage) -> Said:
    return look(stage, "/var/lib/etcd")


def look_at_usb(stage: Stage) -> Said:
    return look(stage, USB)


def measured_by_fio(stage: Stage) -> Said:
    said = measure(stage, USB)
    assert not stage.exists("/mnt/usb/.wizard-fsync/data"), "something was left behind"
    return said


def measured_by_dd(stage: Stage) -> Said:
    said = measure(stage, USB, "dd")
    assert not stage.exists("/mnt/usb/.wizard-fsync/data"), "something was left behind"
    return said


def measured_where_no_room_is(stage: Stage) -> Said:
    with stage.fill(stage.marker_folder):
        return measure(stage, stage.marker_folder)


WITNESS_CASES = (
    Case("read/witness", "root", look_at_root),
    Case("read/witness", "usb", look_at_usb, hosts=("pi",)),
    Case("do/witness-fsync", "fio", measured_by_fio, hosts=("pi",)),
    Case("do/witness-fsync", "dd", measured_by_dd, hosts=("pi",)),
    Case("do/witness-fsync", "no-room", measured_where_no_room_is, hosts=("pi",)),
)
"""In the order in which they are recorded."""
