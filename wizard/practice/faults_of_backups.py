"""Faults of the hypervisor that keeps backups; in a homelab without backups nobody sees them."""

from __future__ import annotations

from wizard.practice.fault_list import fault
from wizard.practice.scene import Scene

BACKUPS = ("backup-folder-gone", "backup-disk-full")
"""The names of this module."""


@fault("backup-folder-gone")
def backup_folder_gone(scene: Scene) -> None:
    """What lay in it is gone with it, until it is mounted again."""
    host, folder = scene.tower, _target(scene)
    inside = [path for path in host.files if path.startswith(f"{folder}/")]
    for path in inside:
        scene.traces.drop(host.files, path)
    left = {one for one in host.folders if one != folder and not one.startswith(f"{folder}/")}
    scene.traces.set(host, "folders", left)


@fault("backup-disk-full")
def backup_disk_full(scene: Scene) -> None:
    """By whatever else lies on it."""
    host = scene.tower
    scene.traces.set(host, "full", host.full | {_target(scene)})


def _target(scene: Scene) -> str:
    return scene.spec.backup.target if scene.spec.backup else "/nowhere"
