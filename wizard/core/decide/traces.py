"""Whether the facts of a host show anything that was there before us: cheap to ask of every host."""

from __future__ import annotations

from collections.abc import Collection

from wizard.core.facts import HostFacts

DNS_PORT = 53

WILDCARDS = ("0.0.0.0", "*", "::")  # noqa: S104 - what others listen on, we open nothing

PROGRAMS = ("microk8s", "k3s", "k3s-agent", "kubelet", "kube-apiserver", "etcd")
"""Services of the facts that another cluster brings; `etcd`, and in a guest `k3s`, may be ours."""


def at_work(facts: HostFacts, *, but: Collection[str] = ()) -> bool:
    """Whether such a program runs, will run after a boot, or has left its data.

    Args:
        facts: of the host.
        but: those that are known to be ours.
    """
    services = (facts.service(name) for name in PROGRAMS if name not in but)
    traces = [name for name in facts.traces if name not in but]
    return facts.microk8s or bool(traces) or any(one.running or one.enabled for one in services)


def shows_anything(facts: HostFacts) -> bool:
    """Whether there is anything at all to say: our own mark and harmless holders of port 53 included."""
    return at_work(facts) or facts.marker is not None or any(one.port == DNS_PORT for one in facts.ports)
