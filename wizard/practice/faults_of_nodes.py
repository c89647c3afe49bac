"""Faults of the guests that are nodes: what is in the way of K3s, and what becomes of the address of the API."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network

from wizard.practice.fault_list import fault
from wizard.practice.machine import Machine
from wizard.practice.scene import Scene

API_PORT = 6443
SWAP = 2 * 1024 * 1024
"""KiB."""


# --- in the way of K3s


@fault("api-port-taken")
def api_port_taken(scene: Scene) -> None:
    """A forgotten trial."""
    scene.traces.put(scene.server.listens, API_PORT, "nginx")


@fault("swap-on")
def swap_on(scene: Scene) -> None:
    """Somebody meant well."""
    scene.traces.set(scene.server, "swap", SWAP)


@fault("vpn-overlaps")
def vpn_overlaps(scene: Scene) -> None:
    """A part of the services' network is somewhere else."""
    part = next(IPv4Network(scene.spec.network.service_cidr).subnets(new_prefix=24))
    scene.traces.set(scene.server, "routes", (f"{part} wg0",))


# --- the address of the API


def _servers(scene: Scene) -> list[Machine]:
    return [scene.world.machines[one.name] for one in scene.spec.machines if one.role == "server"]


def _shared(scene: Scene) -> bool:
    """Whether every server takes part in the address."""
    return all(one.keepalived.wanted for one in _servers(scene))


def _once_shared(scene: Scene, act: Callable[[], None]) -> None:
    """Where the address is shared at once, else as soon as the last server takes part, whichever that is."""

    def happen() -> None:
        with scene.world.guard:
            if _shared(scene):
                act()

    if _shared(scene):
        happen()
    else:
        for server in _servers(scene):
            scene.at("after do/keepalived-configure", happen, host=server)


@fault("address-off")
def address_off(scene: Scene) -> None:
    """By hand."""

    def act() -> None:
        for server in _servers(scene):
            scene.traces.set(server.keepalived, "wanted", False)

    _once_shared(scene, act)


@fault("address-twice")
def address_twice(scene: Scene) -> None:
    """A packet filter drops VRRP on its way to one of the servers."""
    _once_shared(scene, lambda: scene.traces.set(scene.server.keepalived, "deaf", True))


@fault("address-owner-paused")
def address_owner_paused(scene: Scene) -> None:
    """Its hypervisor has no room left, or it hung; when the cluster is being built: as soon as an agent joins.

    Earlier than that both servers are still being asked who has it, and it would be chance what the owner is at.
    """

    def act() -> None:
        with scene.world.guard:
            for owner in scene.world.holders(scene.spec.network.api_vip):
                domain = scene.world.machines[owner.carrier].domains[owner.name]
                scene.traces.set(domain, "state", "paused")

    if _shared(scene):
        act()
    else:
        scene.at("do/k3s-configure", act, host=scene.agent)
