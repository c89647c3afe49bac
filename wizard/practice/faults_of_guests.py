"""Faults of guests and of libvirt."""

from __future__ import annotations

from wizard.practice.fault_list import fault
from wizard.practice.scene import Scene


@fault("guest-never-boots")
def guest_never_boots(scene: Scene) -> None:
    """A guest that is up is silent from the start."""
    scene.world.hangs.add(scene.guest.name)
    if scene.guest.up:
        scene.traces.set(scene.guest, "up", False)
