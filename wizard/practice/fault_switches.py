"""Faults switched on and off while practice goes on: in the sessions that are open, and in those still to come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from wizard.core.desk import FaultChoice, Switch
from wizard.core.faultnames import fault_sites, fault_texts
from wizard.core.spec import ClusterSpec
from wizard.practice.fault_list import apply_faults, check_names
from wizard.practice.scene import Scene

NAMED = 2
"""Names that fit a title; of more it says how many."""


class FaultSwitches:
    """What goes wrong in one homelab.

    What is switched on holds for every session, those that are open among them, until it is switched off or a run has
    mended what it did. What the command line named ends with the first run.

    Args:
        names: of the faults of the command line.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._switches: dict[str, Switch] = dict.fromkeys(names, Switch.ON)
        self._once = set(self._switches)
        self._scenes: list[Scene] = []
        self.settled: set[str] = set()
        """What hosts asked and a person answered: it is asked once for as long as the wizard runs."""
        self._guard = threading.Lock()

    @property
    def told(self) -> str:
        """What is on, in a few words; empty = nothing."""
        with self._guard:
            words = [f"{name}{SOON if how is Switch.NEXT else ''}" for name, how in self._switches.items()]
        return ", ".join(words) if len(words) <= NAMED else f"{len(words)} faults"

    def choices(self, spec: ClusterSpec) -> tuple[FaultChoice, ...]:
        """As `FaultMenu.choices`."""
        sites = fault_sites()
        with self._guard:
            now = dict(self._switches)
        return tuple(
            FaultChoice(name, text, where(spec, sites[name]), now.get(name, Switch.OFF))
            for name, text in fault_texts("practice").items()
        )

    def turn(self, name: str, switch: Switch) -> None:
        """As `FaultMenu.turn`.

        Raises:
            UsageError: there is no such fault.
        """
        check_names([name])
        with self._guard:
            if self._switches.get(name, Switch.OFF) is switch:
                return
            self._once.discard(name)
            self._switches.pop(name, None)
            if switch is not Switch.OFF:
                self._switches[name] = switch
            scenes = list(self._scenes)
        for scene in scenes:
            # What one fault did cannot always be told from what another did: all are taken back, the others begin anew.
            scene.renew()
            self._begin(scene)

    def opened(self, scene: Scene) -> None:
        """A session begins.

        Args:
            scene: of its homelab.

        Raises:
            UsageError: a fault of the command line is not known.
        """
        with self._guard:
            self._scenes.append(scene)
        self._begin(scene)

    def closed(self, scene: Scene) -> None:
        """A session has ended: what was mended in it goes wrong no more.

        Args:
            scene: as it was opened with.
        """
        with self._guard, scene.world.guard:
            self._scenes = [one for one in self._scenes if one is not scene]
            for name in [name for name in self._switches if scene.traces.mended(name)]:
                del self._switches[name]

    def run_over(self) -> None:
        """A run has ended: what the command line named has gone wrong."""
        with self._guard:
            for name in self._once:
                self._switches.pop(name, None)
            self._once.clear()

    def _begin(self, scene: Scene) -> None:
        with self._guard:
            now = dict(self._switches)
        apply_faults(scene, [name for name, how in now.items() if how is Switch.ON])
        soon = [name for name, how in now.items() if how is Switch.NEXT]
        scene.faults.at_change += [partial(self._strike, scene, name) for name in soon]

    def _strike(self, scene: Scene, name: str) -> None:
        with self._guard:
            if self._switches.get(name) is Switch.NEXT:
                self._switches[name] = Switch.ON
        apply_faults(scene, [name])


SOON = " at the next change"


def _last(names: list[str]) -> str:
    return names[-1] if names else ""


def _guest(spec: ClusterSpec) -> str:
    """The etcd member on the last hypervisor."""
    host = _last([one.name for one in spec.hypervisors])
    ours = [one for one in spec.machines if one.host == host]
    return _last([one.name for one in sorted(ours, key=lambda one: one.role == "etcd")])


def _server(spec: ClusterSpec) -> str:
    """The K3s server on the last hypervisor."""
    host = _last([one.name for one in spec.hypervisors])
    return _last([one.name for one in spec.machines if (one.host, one.role) == (host, "server")])


def _unraid(spec: ClusterSpec) -> str:
    named = [one.name for one in spec.hosts if one.platform == "unraid"]
    return named[0] if named else ""


MACHINES: Mapping[str, tuple[Callable[[ClusterSpec], str], str]] = {
    "first-hypervisor": (lambda spec: _last([one.name for one in spec.hypervisors][:1]), "a hypervisor"),
    "last-hypervisor": (lambda spec: _last([one.name for one in spec.hypervisors]), "a hypervisor"),
    "unraid": (_unraid, "the Unraid host"),
    "witness": (lambda spec: _last([one.name for one in spec.hosts if one.role == "witness"]), "the witness"),
    "guest": (_guest, "an etcd guest"),
    "server": (_server, "a K3s server"),
}
"""Which machine of a spec a word of `assets/faults.yaml` means, and what it is called where the spec has none yet."""
OTHERS: Mapping[str, str] = {
    "hosts": "any host",
    "servers": "the K3s servers",
    "network": "the network",
    "etcd": "etcd",
    "download": "a download",
}
"""The words for what is no machine."""


def where(spec: ClusterSpec, sites: Iterable[str]) -> str:
    """The machines a fault happens to.

    Args:
        spec: may be half filled.
        sites: as in `assets/faults.yaml`.
    """
    found = [
        OTHERS[site] if site in OTHERS else MACHINES[site][0](spec) or MACHINES[site][1] for site in sites
    ]
    return ", ".join(dict.fromkeys(found))
