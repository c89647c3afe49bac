"""What is already there, and the answer to each: keep and avoid, refuse, migrate, or go on with what is ours.

A pure function over facts and what a host tells of what lives on it. Nothing is ever removed: the commands are for the
person to give.
"""

from __future__ import annotations

from collections.abc import Mapping

from wizard.core.decide.present_data import NOBODY, Occupant, Present, Reply, Site
from wizard.core.decide.present_kubernetes import K3S_UNITS, k3s, kubeadm, microk8s
from wizard.core.decide.present_services import dns, earlier_run, etcd, in_our_way, swarm
from wizard.core.decide.traces import at_work
from wizard.core.facts import HostFacts

__all__ = ["Occupant", "Present", "Reply", "Site", "judge", "worth_asking"]

_RULES = {"microk8s": microk8s, "k3s": k3s, "kubeadm": kubeadm, "swarm": swarm, "etcd": etcd, "dns": dns}


def judge(site: Site, facts: HostFacts, seen: Mapping[str, Occupant]) -> tuple[Present, ...]:
    """Everything that is already on one host or guest, and what is answered.

    Args:
        site: where, and what of ours is or will be there.
        facts: of it.
        seen: what it tells of each occupant, by kind; may be empty, then only the facts speak.
    """
    found = [one for kind, rule in _RULES.items() for one in rule(site, facts, seen.get(kind, NOBODY))]
    return (*found, *earlier_run(site, facts))


def worth_asking(site: Site, facts: HostFacts) -> bool:
    """Whether the facts show a trace of something, so that sizes and versions are worth another round trip.

    Args:
        site: a guest of ours runs K3s, and a member etcd: what is ours is no trace.
        facts: of it.
    """
    ours = (*(("etcd",) if site.own_etcd else ()), *(K3S_UNITS if site.own_k3s else ()))
    return at_work(facts, but=ours) or bool(in_our_way(site, facts))
