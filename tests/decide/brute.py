"""A model of quorum, copies and places that tries everything out; it shares no code with `wizard.core.decide`.

It knows machines by name and what is dead by name, and enumerates every place where something may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

NEEDS = {"traefik": {"metallb"}, "nextcloud": {"mariadb", "redis", "traefik"}}
"""What an app does not work without (written down once more on purpose)."""
START = ("metallb", "traefik", "redis", "mariadb", "nextcloud")
TWICE = ("metallb", "traefik")
"""Apps with two copies in two zones."""
MEBIBYTES = {"metallb": 128, "traefik": 128, "redis": 128, "mariadb": 512, "nextcloud": 1024}
ON_EACH_WORKER = 640
WITH_LONGHORN = 512


@dataclass(frozen=True)
class Guest:
    """A machine."""

    name: str
    host: str
    role: str
    mebibytes: int = 4096


@dataclass(frozen=True)
class Plan:
    """A random homelab."""

    hosts: tuple[str, ...]
    """Hypervisors; the witness is called `pi`."""
    unraid: frozenset[str]
    own_disk: frozenset[str]
    """Hypervisors whose volumes are on a disk of their own, `nvme0n1`; all else is on `sda`."""
    circuits: tuple[tuple[str, str], ...]
    """(host, circuit)."""
    guests: tuple[Guest, ...]
    copies: int
    apps: tuple[str, ...]
    volumes: tuple[str, ...]
    """Apps with a volume."""
    longhorn: bool


def losses(plan: Plan) -> dict[str, frozenset[str]]:
    """Everything that can be lost, with the names of what is dead then; `dns:HOST` is a name server."""
    dead: dict[str, frozenset[str]] = {}
    for host in (*plan.hosts, "pi"):
        dead[host] = dead[f"network of {host}"] = frozenset(_on(plan, host))
    for guest in plan.guests:
        dead[guest.name] = frozenset({guest.name})
    for host in plan.hosts:
        dead[f"sda of {host}"] = dead[host]
        stores = {one.name for one in plan.guests if one.host == host and one.role == "storage"}
        dead[f"nvme0n1 of {host}"] = frozenset(stores if host in plan.own_disk else ())
    for host in plan.unraid:
        dead[f"array of {host}"] = dead[host]
    for circuit in {name for _, name in plan.circuits}:
        hosts = [host for host, name in plan.circuits if name == circuit]
        dead[f"circuit {circuit}"] = frozenset().union(*(dead[host] for host in hosts))
    return dead


def _on(plan: Plan, host: str) -> Iterator[str]:
    if host == "pi":
        yield "pi"
        return
    yield f"dns:{host}"
    yield from (guest.name for guest in plan.guests if guest.host == host)


def verdicts(plan: Plan, dead: frozenset[str]) -> dict[str, bool]:
    """Of each service whether it stays, wherever its parts may have been."""
    voters = [*_names(plan, "etcd"), "pi"]
    yes = [name for name in voters if name not in dead]
    found = {"etcd": len(yes) > len(voters) - len(yes)}
    found["vip"] = any(name not in dead for name in _names(plan, "server"))
    found["api"] = found["etcd"] and found["vip"]
    found["dns"] = any(f"dns:{host}" not in dead for host in plan.hosts)
    if "metallb" in plan.apps:
        found["load-balancer"] = any(name not in dead for name in _names(plan, "worker"))
    if plan.longhorn:
        found |= {f"volume:{app}": _data_stays(plan, dead) for app in plan.volumes}
    homeless = _homeless(plan, dead)
    for app in START:
        if app in plan.apps:
            found[f"app:{app}"] = _runs(plan, dead, app, found, homeless)
    return found


def _names(plan: Plan, role: str) -> list[str]:
    return [guest.name for guest in plan.guests if guest.role == role]


def _data_stays(plan: Plan, dead: frozenset[str]) -> bool:
    places = list(_copies(plan))
    return bool(places) and all(any(name not in dead for name in place) for place in places)


def _copies(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Every way to put as many copies as possible, at most the wanted ones, on machines of different hosts."""
    stores = [[g.name for g in plan.guests if g.host == host and g.role == "storage"] for host in plan.hosts]
    stores = [names for names in stores if names]
    for chosen in combinations(stores, min(plan.copies, len(stores))):
        if chosen:
            yield from product(*chosen)


def _homeless(plan: Plan, dead: frozenset[str]) -> set[str]:
    """Apps for which the living workers have no room when all start one after another."""
    used = ON_EACH_WORKER + (WITH_LONGHORN if plan.longhorn else 0)
    free = [g.mebibytes - used for g in plan.guests if g.role == "worker" and g.name not in dead]
    left = set()
    for app in START:
        if app not in plan.apps:
            continue
        for index, room in enumerate(free):
            if room >= MEBIBYTES[app]:
                free[index] -= MEBIBYTES[app]
                break
        else:
            left.add(app)
    return left


def _runs(plan: Plan, dead: frozenset[str], app: str, found: dict[str, bool], homeless: set[str]) -> bool:
    if not all(found[f"app:{need}"] for need in NEEDS.get(app, ()) if need in plan.apps):
        return False
    if not found.get(f"volume:{app}", True):
        return False
    workers = [guest for guest in plan.guests if guest.role == "worker"]
    if all(guest.name in dead for guest in workers):
        return False
    can_move = found["api"] and app not in homeless
    return all(can_move or any(one not in dead for one in place) for place in _places(workers, app))


def _places(workers: list[Guest], app: str) -> Iterator[tuple[str, ...]]:
    """Every place an app may have been at: one worker, or two in different zones where there are two."""
    apart = [(a.name, b.name) for a, b in combinations(workers, 2) if a.host != b.host]
    if app in TWICE and apart:
        yield from apart
    else:
        yield from ((guest.name,) for guest in workers)
