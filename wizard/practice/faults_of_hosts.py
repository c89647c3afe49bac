"""Faults of hosts and links."""

from __future__ import annotations

from wizard.core.errors import UnreachableError, WizardError
from wizard.practice.fault_list import fault
from wizard.practice.faults import link_lost, unreachable
from wizard.practice.machine import Machine
from wizard.practice.scene import Scene


def lose_power(scene: Scene, host: Machine) -> None:
    """Cut the power of a host for the rest of the run; when it comes back, what starts by itself has started.

    Raises:
        UnreachableError: always: that is what who asked it meets.
    """
    with scene.world.guard:
        scene.world.restart(host.name)
        scene.keep()
        scene.faults.dead.add(host.name)
    raise unreachable(host.name)


@fault("host-killed")
def host_killed(scene: Scene) -> None:
    """While its second guest is made; one whose guests are made has no power at all."""
    if scene.guest.disks[0]:
        scene.faults.dead.add(scene.tower.name)
    scene.at("do/guest-create", lambda: lose_power(scene, scene.tower), host=scene.tower, number=2)


@fault("host-stopped")
def host_stopped(scene: Scene) -> None:
    """It answers nothing from the start."""
    scene.faults.dead.add(scene.tower.name)


@fault("host-restarts")
def host_restarts(scene: Scene) -> None:
    """It is back before the wizard has tried three times; what was begun is forgotten there."""

    def restart() -> None:
        with scene.world.guard:
            scene.world.restart(scene.tower.name)
            scene.keep()
        raise link_lost(scene.tower.name)

    scene.at("after do/guest-create", restart, host=scene.tower, number=2)


@fault("host-paused")
def host_paused(scene: Scene) -> None:
    """Connections open; nothing comes back within the deadline."""
    scene.faults.refused[scene.tower.name] = silent(scene.tower)


def silent(host: Machine) -> WizardError:
    """The error of a host that takes connections and says nothing."""
    return UnreachableError(
        f"{host.name} does not answer.",
        where=f"{host.name} ({host.address})",
        why="It takes the connection and says nothing (practice: the host is frozen).",
        do=f"Look at {host.name}'s own console; restart it if it shows nothing.",
    )


@fault("witness-killed")
def witness_killed(scene: Scene) -> None:
    """Just before its etcd is started; a homelab that is whole has it dead from the start."""
    if scene.witness.etcd.wanted:
        scene.faults.dead.add(scene.witness.name)
    scene.at("do/etcd-start", lambda: lose_power(scene, scene.witness), host=scene.witness)


@fault("link-drops-before")
def link_drops_before(scene: Scene) -> None:
    """The wizard comes back by itself and does it."""
    for name in ("do/marker", "do/guest-create", "do/etcd-configure"):
        scene.faults.cut_before.append(name)


@fault("link-drops-after")
def link_drops_after(scene: Scene) -> None:
    """The wizard comes back by itself and finds it done."""
    for name in ("do/marker", "do/guest-create", "do/etcd-start"):
        scene.faults.cut_after.append(name)
