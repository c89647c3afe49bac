"""Faults of the Debian packages of guests: an installation that was cut off, and another that has dpkg."""

from __future__ import annotations

from wizard.practice.fault_list import fault
from wizard.practice.machine import File
from wizard.practice.package_scripts import UNFINISHED, half_done
from wizard.practice.scene import Scene

HOLDER = "process 812 (unattended-upgr)"
"""The first upgrade of a fresh guest, which takes minutes."""


@fault("packages-cut-off")
def packages_cut_off(scene: Scene) -> None:
    """Where packages are at once, else when the last of them has been unpacked."""
    guest = scene.server

    def happen() -> None:
        with scene.world.guard:
            name = next(reversed(guest.packages))
            scene.traces.set(guest.packages[name], "state", "half-configured")
            scene.traces.put(guest.files, UNFINISHED, File(half_done(name)))

    if guest.packages:
        happen()
    else:
        scene.at("after do/packages", happen, host=guest)


@fault("dpkg-held")
def dpkg_held(scene: Scene) -> None:
    """It is waited for, and then named."""
    scene.traces.set(scene.server, "dpkg_held", HOLDER)
