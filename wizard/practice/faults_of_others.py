"""What was there before us, as faults: other clusters, another etcd, a name server."""

from __future__ import annotations

from collections.abc import Callable

from wizard.practice.fault_list import Fault, fault
from wizard.practice.machine import Machine
from wizard.practice.scene import Scene

PLACES: dict[str, Callable[[Scene], Machine]] = {
    "microk8s-present": lambda scene: scene.first,
    "k3s-present": lambda scene: scene.witness,
    "kubeadm-present": lambda scene: scene.first,
    "swarm-present": lambda scene: scene.tower,
    "foreign-etcd": lambda scene: scene.witness,
    "port-53-taken": lambda scene: scene.first,
}
"""On which host each is found."""


def _made(name: str) -> Fault:
    def occupy(scene: Scene) -> None:
        host = PLACES[name](scene)
        scene.traces.set(host, "occupants", {*host.occupants, name})

    return occupy


for _name in PLACES:
    fault(_name)(_made(_name))
