"""What stays and what stops when some of the bits of a `World` are down, why, and for how long there is a gap.

Where it is left to the cluster on which of several machines something runs, the worst place counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from wizard.core.dataclass import dataclass
from wizard.core.decide.capacity import app_order, not_placed
from wizard.core.decide.layout_data import layout_data
from wizard.core.decide.loss import World
from wizard.core.decide.prove_data import Timers, spread_apps, timers
from wizard.core.spec.model import AppSpec, ClusterSpec, MachineSpec
from wizard.core.spec.rules.services import NEEDS

COPIES = 2
"""Copies of an app that is spread over zones."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a loss means for one service."""

    service: str
    """`etcd`, `api`, `vip`, `dns`, `load-balancer`, `volume:X`, `app:X`."""
    stays: bool
    why: str
    gap_seconds: float | None
    """How long it is away at most, 0 = not at all; None = until something is repaired."""


class Judge:
    """Judges the services of one cluster; answers are kept by what they depend on."""

    def __init__(self, spec: ClusterSpec, machines: tuple[MachineSpec, ...], world: World) -> None:
        self._spec, self._world, self._timers = spec, world, timers(spec)
        self._memory = {one.name: one.memory for one in machines}
        self._apps = app_order(spec)
        self._spread, self._data = spread_apps(), layout_data()
        self._members, self._servers = _mask(world.members), _mask(world.servers)
        self._workers, self._stores = _mask(world.workers), _mask(world.stores)
        self._store_zones = _by_zone(world.stores, world.zone)
        self._worker_zones = _by_zone(world.workers, world.zone)
        self._kept: dict[int, tuple[Effect, ...]] = {}
        self._apps_kept: dict[tuple[bool, float, int], tuple[Effect, ...]] = {}
        self._room_kept: dict[int, frozenset[str]] = {}

    def effects(self, down: int) -> tuple[Effect, ...]:
        """What each service does while these bits are down.

        Args:
            down: the bits of the world that are lost.
        """
        if down not in self._kept:
            self._kept[down] = self._judge(down)
        return self._kept[down]

    def _judge(self, down: int) -> tuple[Effect, ...]:
        etcd, vip = self._etcd(down), self._vip(down)
        api = self._api(etcd, vip)
        return (etcd, api, vip, self._dns(down), *self._carried(api, down & (self._workers | self._stores)))

    def _etcd(self, down: int) -> Effect:
        total = len(self._world.members)
        left, need = total - (self._members & down).bit_count(), total // 2 + 1
        if left >= need:
            lost = left < total
            why = (
                f"{left} of {total} members are left, {need} are a majority"
                if lost
                else _all(total, "member")
            )
            return Effect("etcd", True, why, self._timers.election if lost else 0)
        return Effect("etcd", False, f"{left} of {total} members are left, {need} are needed", None)

    def _vip(self, down: int) -> Effect:
        return _one_of("vip", "server", self._servers, down, self._timers.vip)

    def _api(self, etcd: Effect, vip: Effect) -> Effect:
        if not etcd.stays:
            return Effect("api", False, f"etcd has no majority: {etcd.why}", None)
        if not vip.stays:
            return Effect("api", False, vip.why, None)
        gap = max(etcd.gap_seconds or 0, vip.gap_seconds or 0)
        return Effect("api", True, vip.why if vip.gap_seconds else etcd.why, gap)

    def _dns(self, down: int) -> Effect:
        return _one_of("dns", "name server", _mask(self._world.dns), down, self._timers.dns)

    def _carried(self, api: Effect, down: int) -> tuple[Effect, ...]:
        key = (api.stays, api.gap_seconds or 0, down)
        if key not in self._apps_kept:
            self._apps_kept[key] = self._judge_carried(api, down)
        return self._apps_kept[key]

    def _judge_carried(self, api: Effect, down: int) -> tuple[Effect, ...]:
        found: list[Effect] = []
        if self._spec.app("metallb"):
            found.append(_one_of("load-balancer", "worker", self._workers, down, self._timers.balancer))
        volumes = {app.name: self._volume(app, down) for app in self._with_volumes()}
        apps: dict[str, Effect] = {}
        for app in self._apps:
            apps[app.name] = self._app(app, api, down, volumes.get(app.name), apps)
        return (*found, *volumes.values(), *apps.values())

    def _with_volumes(self) -> list[AppSpec]:
        return [app for app in self._apps if app.size and self._spec.storage.kind == "longhorn"]

    def _volume(self, app: AppSpec, down: int) -> Effect:
        """Copies are in zones of their own; which machine of a zone has one is not known, so any lost one may."""
        name, zones = f"volume:{app.name}", self._store_zones
        copies = min(self._spec.storage.replicas, len(zones))
        hit = sum(bool(mask & down) for mask in zones.values())
        if not copies:
            return Effect(name, False, "no machine has the role storage", None)
        if hit >= copies:
            which = "the only copy may be" if copies == 1 else f"all {copies} copies may be"
            return Effect(name, False, f"{which} on what is lost", None)
        if hit:
            return Effect(
                name, True, f"{copies - hit} of {copies} copies is left at least", self._timers.volume
            )
        return Effect(name, True, "all copies" if copies > 1 else "the only copy", 0)

    def _app(
        self, app: AppSpec, api: Effect, down: int, volume: Effect | None, others: Mapping[str, Effect]
    ) -> Effect:
        name = f"app:{app.name}"
        needs = [others[need] for need in NEEDS.get(app.name, ()) if need in others]
        if missing := next((one for one in needs if not one.stays), None):
            return Effect(name, False, f"{missing.service} stops", None)
        if volume is not None and not volume.stays:
            return Effect(name, False, f"its volume: {volume.why}", None)
        own = self._place(app, name, api, down)
        if not own.stays:
            return own
        waits = [one for one in (own, *needs, *([volume] if volume else [])) if one.gap_seconds]
        if not waits:
            return own
        longest = max(waits, key=lambda one: one.gap_seconds or 0)
        why = own.why if longest is own else f"waits for {longest.service}: {longest.why}"
        return Effect(name, True, why, longest.gap_seconds)

    def _place(self, app: AppSpec, name: str, api: Effect, down: int) -> Effect:
        """Whether a worker carries the app: where it was, or on another one after a move."""
        lost = self._workers & down
        if not self._workers or lost == self._workers:
            why = "no worker is left" if self._workers else "no machine has the role worker"
            return Effect(name, False, why, None)
        if not lost:
            why = "its worker is untouched"
            return Effect(name, True, why if api.stays else f"{why}; nothing can be moved meanwhile", 0)
        if app.name in self._spread and self._copy_left(lost):
            return Effect(name, True, "a copy in another zone goes on", self._timers.balancer)
        if not api.stays:
            return Effect(name, False, "its worker may be lost, and without the API nothing is moved", None)
        if app.name in self._no_room(lost):
            return Effect(name, False, "the workers that are left have no room for it", None)
        gap = self._timers.move + (api.gap_seconds or 0)
        return Effect(name, True, "it is moved to another worker", gap)

    def _copy_left(self, lost: int) -> bool:
        zones = self._worker_zones.values()
        return len(zones) >= COPIES and sum(bool(mask & lost) for mask in zones) < COPIES

    def _no_room(self, lost: int) -> frozenset[str]:
        if lost not in self._room_kept:
            left = [self._memory[name] for name, bit in self._world.workers.items() if not bit & lost]
            self._room_kept[lost] = frozenset(not_placed(self._spec, left, self._data))
        return self._room_kept[lost]


def _one_of(service: str, noun: str, mask: int, down: int, gap: float) -> Effect:
    """A service that any one of several keeps alive."""
    total = mask.bit_count()
    left = total - (mask & down).bit_count()
    if not total:
        return Effect(service, False, f"there is no {noun}", None)
    if not left:
        return Effect(service, False, f"no {noun} is left" if total > 1 else f"the only {noun} is lost", None)
    if left < total:
        return Effect(
            service,
            True,
            f"{left} of {total} {noun}s is left" if left == 1 else f"{left} of {total} {noun}s are left",
            gap,
        )
    return Effect(service, True, _all(total, noun), 0)


def _all(total: int, noun: str) -> str:
    return f"all {total} {noun}s" if total > 1 else f"the only {noun}"


def _mask(named: Mapping[str, int]) -> int:
    return reduce(or_, named.values(), 0)


def _by_zone(named: Mapping[str, int], zone: Mapping[str, str]) -> dict[str, int]:
    zones: dict[str, int] = {}
    for name, bit in named.items():
        zones[zone[name]] = zones.get(zone[name], 0) | bit
    return zones


__all__ = ["Effect", "Judge", "Timers"]
