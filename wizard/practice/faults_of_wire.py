"""Faults of the network around the hosts: addresses that others have, a DHCP server too many, VRRP."""

from __future__ import annotations

from wizard.practice.fault_list import fault
from wizard.practice.lan import Leader
from wizard.practice.scene import Scene

STRANGER = "b8:27:eb:00:00:07"
"""The MAC of whoever has an address of ours."""


WIRE = ("foreign-address", "foreign-machine-address", "rogue-dhcp", "vrrp-twice")
"""The names of this module."""


@fault("foreign-address")
def foreign_address(scene: Scene) -> None:
    """From the start."""
    scene.traces.put(scene.world.lan.strangers, scene.spec.network.api_vip, (STRANGER,))


@fault("foreign-machine-address")
def foreign_machine_address(scene: Scene) -> None:
    """That of the etcd member on the last hypervisor."""
    scene.traces.put(scene.world.lan.strangers, scene.guest.address, (STRANGER,))


@fault("rogue-dhcp")
def rogue_dhcp(scene: Scene) -> None:
    """Quicker than the router."""
    offer = (scene.spec.network.load_balancer.first, scene.tower.address)
    scene.traces.set(scene.world.lan, "offers", [offer, *scene.world.lan.offers])


@fault("vrrp-twice")
def vrrp_twice(scene: Scene) -> None:
    """Neither of them is ours."""
    head = scene.spec.network.gateway.rpartition(".")[0]
    leaders = [Leader(51, f"{head}.2"), Leader(51, f"{head}.3")]
    scene.traces.set(scene.world.lan, "leaders", leaders)
