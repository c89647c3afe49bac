"""The timers `wizard prove` counts gaps with, read once from `assets/decisions/prove.yaml`."""

from __future__ import annotations

from functools import cache
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.core.spec.model import ClusterSpec


@dataclass(frozen=True, slots=True)
class Timers:
    """How long each thing takes at most, in seconds."""

    election: float
    """Until the members that are left have a leader, where the leader was lost."""
    vip: float
    """Until another server has the API address."""
    dns: float
    """Until a client asks the other name server."""
    volume: float
    """Until a volume goes on with the copies that are left."""
    balancer: float
    """Until another worker answers for an address of the load balancer."""
    move: float
    """Until a pod of a lost worker is begun on another one; its own start is not counted."""


@cache
def _raw() -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw: dict[str, Any] = yaml.load(asset_text("decisions/prove.yaml"), Loader=loader)  # noqa: S506 - a safe one
    return raw


def timers(spec: ClusterSpec) -> Timers:
    """The timers in use.

    Args:
        spec: its own election time goes before the usual one.
    """
    raw = {name: one["value"] for name, one in _raw().items() if isinstance(one, dict)}
    election_ms = spec.etcd.election_ms or raw["etcd_election_ms"]
    return Timers(
        election=election_ms * raw["etcd_election_factor"] / 1000,
        vip=raw["vip_failover"],
        dns=raw["dns_retry"],
        volume=raw["volume_stall"],
        balancer=raw["lb_failover"],
        move=raw["node_not_ready"] + raw["eviction"],
    )


def timer_sources() -> dict[str, str]:
    """Where each timer comes from, by its name in the asset."""
    return {name: one["source"] for name, one in _raw().items() if isinstance(one, dict)}


def spread_apps() -> frozenset[str]:
    """Apps with a copy in each of two zones."""
    return frozenset(_raw()["spread"])
