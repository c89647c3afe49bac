"""Every file the whole install of a spec may need, told from the spec alone: for folders that are filled beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from steps import k3s_work
from steps.etcd_plan import needed_files
from steps.machine_plan import IMAGES
from wizard.core.artifact import Need
from wizard.core.packages import load_packages
from wizard.core.spec import ClusterSpec


def needed_by(spec: ClusterSpec, arches: Sequence[str]) -> tuple[Need, ...]:
    """The files, each for every architecture: which host has which is known only when it is asked.

    Args:
        spec: of the cluster.
        arches: of `amd64` and `arm64` those that the hosts may have.
    """
    return tuple(dict.fromkeys(need for arch in arches for need in _needed(spec, arch)))


def _needed(spec: ClusterSpec, arch: str) -> Iterator[Need]:
    yield from (Need(name, arch) for name in _images(spec))
    yield from needed_files(spec, arch)
    known = load_packages()
    yield from (Need(deb.artifact, arch, deb.version) for deb in known.closure(_roots(spec), arch))
    if spec.k3s.enabled:
        yield from (Need(name, arch, spec.k3s.version) for name in (k3s_work.PROGRAM, k3s_work.IMAGES))


def _images(spec: ClusterSpec) -> list[str]:
    """Of the guests' disks: a hypervisor whose way was left open runs virtual machines."""
    kinds = dict.fromkeys("kvm" if host.guests == "auto" else host.guests for host in spec.hypervisors)
    return list(dict.fromkeys(IMAGES.get(kind, IMAGES["kvm"])[0] for kind in kinds))


def _roots(spec: ClusterSpec) -> list[str]:
    """Packages of the guests; where the wizard proposes them, of every kind there may be."""
    known, ways = load_packages(), {host.name: host.guests for host in spec.hypervisors}
    if spec.propose:
        pairs = [(role, way) for role in known.roles for way in ways.values()]
    else:
        pairs = [(machine.role, ways.get(machine.host, "auto")) for machine in spec.machines]
    return list(dict.fromkeys(root for role, way in pairs for root in known.wanted(role, way)))
