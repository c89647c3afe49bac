"""What `read/k3s-before` says of a guest: text in, frozen data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from ipaddress import IPv4Network

from steps.parse.sections import split_sections
from wizard.core.dataclass import dataclass

_MODULE = "module_"


@dataclass(frozen=True, slots=True)
class Way:
    """A route of a guest."""

    network: IPv4Network
    nic: str


@dataclass(frozen=True, slots=True)
class BeforeSeen:
    """What is there before K3s is."""

    lineage: str = ""
    """Of the cluster whose node the wizard made it; empty = it is none yet."""
    embedded: tuple[str, ...] = ()
    """Where K3s keeps a datastore of its own, and something lies."""
    others: tuple[str, ...] = ()
    """What a K3s, MicroK8s, kubeadm, k0s or RKE2 left."""
    cni: tuple[str, ...] = ()
    """Configurations of network plugins."""
    links: tuple[str, ...] = ()
    """Interfaces that network plugins make."""
    cgroups: tuple[str, ...] | None = None
    """Controllers that are on; None = it could not be told."""
    modules: Mapping[str, bool | None] = field(default_factory=dict)
    """Whether a kernel module is there or could be loaded; None = it could not be told."""
    routes: tuple[Way, ...] = ()


def parse_before(text: str) -> BeforeSeen:
    """Parse what the script printed; what it could not tell stays unknown."""
    rows = [line.partition("=")[::2] for line in split_sections(text).lines("before")]
    single = dict(rows)
    found = {"yes": True, "no": False}
    return BeforeSeen(
        lineage=single.get("lineage", ""),
        embedded=_all(rows, "embedded"),
        others=_all(rows, "other"),
        cni=_all(rows, "cni"),
        links=_all(rows, "link"),
        cgroups=tuple(single["cgroups"].split()) if "cgroups" in single else None,
        modules={
            key.removeprefix(_MODULE): found.get(value) for key, value in rows if key.startswith(_MODULE)
        },
        routes=tuple(way for value in _all(rows, "route") if (way := _way(value)) is not None),
    )


def _all(rows: Sequence[tuple[str, str]], name: str) -> tuple[str, ...]:
    return tuple(value for key, value in rows if key == name)


def _way(text: str) -> Way | None:
    network, _, nic = text.partition(" ")
    try:
        return Way(IPv4Network(network, strict=False), nic)
    except ValueError:
        return None
