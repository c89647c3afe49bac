"""The figures the layout goes by, read once from `assets/decisions/layout.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.core.spec.model import MachineRole
from wizard.core.spec.values import size

ROLES: tuple[MachineRole, ...] = ("etcd", "server", "storage", "worker")
"""In the order of importance: the first is placed first, and shrunk last."""


@dataclass(frozen=True, slots=True)
class RoleSize:
    """What a machine of one role gets."""

    least_cpus: int
    wanted_cpus: int
    least_memory: int
    """Bytes, as every size here."""
    wanted_memory: int
    least_disk: int
    wanted_disk: int
    data_disk: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Request:
    """The memory an app or a part of the system asks for."""

    memory: int
    source: str


@dataclass(frozen=True, slots=True)
class Variant:
    """Another way to lay machines out, and why it is not the one that is proposed."""

    name: str
    what: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class LayoutData:
    """All figures of the layout."""

    reserve_least: int
    reserve_percent: int
    reserve_unraid: int
    guest_overhead: int
    reserve_source: str
    roles: Mapping[str, RoleSize]
    least_storage_disk: int
    storage_room: int
    """How many times what the apps ask for a data disk in a file holds."""
    storage_reserved_percent: int
    storage_source: str
    members: tuple[tuple[int, int], ...]
    """(hypervisors from which it holds, etcd members on them), ascending."""
    requests: Mapping[str, Request]
    variants: tuple[Variant, ...]

    def request(self, app: str) -> Request:
        """What an app asks for; one we do not know is given the assumption."""
        return self.requests.get(app, self.requests["other"])


@cache
def layout_data() -> LayoutData:
    """The figures of the asset."""
    import yaml

    raw: dict[str, Any] = yaml.load(asset_text("decisions/layout.yaml"), Loader=_loader())  # noqa: S506 - safe
    reserve, storage = raw["reserve"], raw["storage"]
    return LayoutData(
        reserve_least=size(reserve["least"]),
        reserve_percent=reserve["percent"],
        reserve_unraid=size(reserve["unraid"]),
        guest_overhead=size(reserve["guest"]),
        reserve_source=reserve["source"],
        roles={role: _role(raw["roles"][role]) for role in ROLES},
        least_storage_disk=size(storage["least_disk"]),
        storage_room=storage["room"],
        storage_reserved_percent=storage["reserved_percent"],
        storage_source=storage["source"],
        members=tuple((one["hypervisors"], one["etcd"]) for one in raw["members"]),
        requests={name: Request(size(one["memory"]), one["source"]) for name, one in raw["requests"].items()},
        variants=tuple(Variant(name, **one) for name, one in raw["variants"].items()),
    )


def _role(raw: Mapping[str, Any]) -> RoleSize:
    return RoleSize(
        least_cpus=raw["cpus"]["least"],
        wanted_cpus=raw["cpus"]["wanted"],
        least_memory=size(raw["memory"]["least"]),
        wanted_memory=size(raw["memory"]["wanted"]),
        least_disk=size(raw["disk"]["least"]),
        wanted_disk=size(raw["disk"]["wanted"]),
        data_disk=size(raw["data_disk"]) if "data_disk" in raw else None,
        source=raw["source"],
    )


def _loader() -> Any:  # noqa: ANN401 - the C loader has no type of its own in the stubs
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
