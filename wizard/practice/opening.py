"""The simulated homelab opened for one command: its hosts, its files, its time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.engine.control import Control
from wizard.core.kubeconfig import AdminSource
from wizard.core.prompt import Prompter, Silent
from wizard.core.spec import ClusterSpec
from wizard.core.store.secrets import FileSecrets
from wizard.practice.artifacts import PracticeArtifacts
from wizard.practice.fault_switches import FaultSwitches
from wizard.practice.faults import Faults
from wizard.practice.first_contact import FirstContact
from wizard.practice.host import PracticeHosts
from wizard.practice.keeping import WorldFile
from wizard.practice.kube_api import PracticeApi
from wizard.practice.pace import BOOT_SECONDS, RATE, Pace
from wizard.practice.scene import Scene
from wizard.practice.world import World

WORLD = "world.json"
"""Name of the file that the hosts are kept in."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants to practise."""

    seed: int | None = None
    """Of a new homelab."""
    speed: float = 1.0
    """Multiplies the pace of its time."""
    faults: tuple[str, ...] = ()
    """Names of what shall go wrong in this run."""
    switches: FaultSwitches | None = None
    """In place of them where they can be switched while it goes on."""


@dataclass(frozen=True, slots=True)
class Practice:
    """What a session is given in place of real hosts."""

    hosts: PracticeHosts
    artifacts: PracticeArtifacts
    control: Control
    world: World
    pace: Pace
    scene: Scene
    switches: FaultSwitches
    kubernetes: PracticeApi

    def ask_as(self, admin: AdminSource | None) -> PracticeApi:
        """The cluster's API, asked in an administrator's name.

        Args:
            admin: where the certificate comes from.
        """
        self.kubernetes.admin = admin
        return self.kubernetes

    def close(self) -> None:
        """Nothing can go wrong in it any more."""
        self.switches.closed(self.scene)


def open_practice(folder: Path, spec: ClusterSpec, wish: Wish, prompter: Prompter | None = None) -> Practice:
    """Open the simulated homelab of a folder; a new one is made where there is none.

    Args:
        folder: that everything of it lies in.
        spec: the hosts and machines there are to be.
        wish: seed, speed and faults.
        prompter: asked what hosts ask before they let anybody in; None = nobody is there.

    Raises:
        StateError: the folder cannot be read or written.
        UsageError: a fault is not known.
    """
    file = WorldFile(folder / WORLD)
    is_new = not file.path.exists()
    world = file.open(spec, wish.seed)
    world.go_by(RATE * wish.speed)
    if is_new:
        file.save(world)
    pace = Pace(world.rate, world.seed)
    world.boot_seconds = pace.ours(BOOT_SECONDS)
    faults, artifacts = Faults(), PracticeArtifacts(folder / "artifacts", pace)

    def changed(host: str) -> None:
        file.save(world, world.seen_from(host))

    def keep() -> None:
        file.save(world)

    secrets = FileSecrets(folder / "secrets.yaml")
    scene = Scene(spec, world, faults, file.traces, artifacts, secrets, keep)
    switches = wish.switches or FaultSwitches(wish.faults)
    switches.opened(scene)
    contact = FirstContact(prompter or Silent(), switches.settled)
    hosts = PracticeHosts(world.machines, faults, pace=pace, changed=changed, contact=contact)
    control = Control(stop=pace.event(), detach=pace.event(), clock=pace.clock)
    api = PracticeApi(world, pace, keep)
    return Practice(hosts, artifacts, control, world, pace, scene, switches, api)


@contextmanager
def no_proxies() -> Iterator[None]:
    """Simulated hosts lie behind no proxy: the variables of this machine say nothing about them."""
    names = [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]
    kept = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(kept)
