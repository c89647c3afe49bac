"""What keeps backups from a hypervisor, as faults of practice: what is seen, and that the next run is whole."""

from __future__ import annotations

from tests.practice.room import Room
from tests.rows import assert_explained
from wizard.core.errors import ExitCode
from wizard.practice.world import BACKUPS


def test_a_folder_that_is_gone_and_a_disk_that_is_full(room: Room) -> None:
    room.practice("--", "check")
    spec = room.folder / "cluster.yaml"
    wanted = f'backup: {{target: {BACKUPS}, schedule: "@daily", keep: 3}}\n'
    spec.write_text(spec.read_text() + wanted)
    run = room.practice(faults=["backup-disk-full"])
    told = ["The backup of etcd-a failed", f"cannot be written to {BACKUPS}/etcd-home: is it full?"]
    assert_explained(run, exit_code=ExitCode.FAILED, says=told, do="journalctl -u wizard-etcd-backup")
    assert room.practice().exit_code == 0
    room.content()
    report = room.doctor(faults=["backup-disk-full"])
    assert (report["verdict"], report["root_causes"]) == ("warn", ["backup.room"])
    report = room.doctor(faults=["backup-folder-gone"])
    assert (report["verdict"], report["root_causes"]) == ("fail", ["backup.folder"])
    room.content()
    kept = [path for path in room.world().machines["tower-b"].files if path.startswith(BACKUPS)]
    assert len(kept) == 1, "what the fault took away is there again"
