"""Whose network card a MAC address is: what is ours on the wire is no conflict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec, MachineSpec

FLOATING: Mapping[str, tuple[str, ...]] = {
    "api_vip": ("server",),
    "load_balancer": ("server", "worker", "storage"),
}
"""Roles of machines that may answer at an address no machine has for itself: servers hold the API address
(keepalived), every Kubernetes node may speak for a service (MetalLB)."""


@dataclass(frozen=True, slots=True)
class Owners:
    """The MACs of our hosts and of the guests that are there, and who may answer where."""

    macs: Mapping[str, str]
    """Name of the host or machine by MAC, lower case."""
    unknown: frozenset[str]
    """Hosts and machines whose cards we could not look at: what answers at their address may be them."""
    roles: Mapping[str, str]
    """Role by the name of the machine."""

    def name(self, mac: str) -> str:
        """Which of ours it is; empty = none of ours.

        Args:
            mac: lower case.
        """
        return self.macs.get(mac, "")

    def may_answer(self, name: str, used_for: str) -> bool:
        """Whether one of ours belongs at an address.

        Args:
            name: of the host or machine.
            used_for: as in `PlannedAddress`.
        """
        return name == used_for or self.roles.get(name, "") in FLOATING.get(used_for, ())


def owners(
    spec: ClusterSpec,
    facts: Mapping[str, HostFacts],
    machines: Sequence[MachineSpec],
    macs: Mapping[str, str],
) -> Owners:
    """Whose card is whose.

    Args:
        spec: what is wanted.
        facts: by host; a host that did not answer is not in it.
        machines: the spec's, or the proposal's.
        macs: MAC by the name of each machine that was made already; others have none on the wire yet.
    """
    found = {nic.mac.lower(): host for host, known in facts.items() for nic in known.nics if nic.mac}
    found.pop("00:00:00:00:00:00", None)
    found |= {mac.lower(): name for name, mac in macs.items()}
    silent = {host.name for host in spec.hosts if host.name not in facts}
    silent |= {one.name for one in machines if one.host not in facts and one.name not in macs}
    return Owners(found, frozenset(silent), {one.name: one.role for one in machines})
