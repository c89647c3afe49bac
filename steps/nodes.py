"""The nodes' marks and CoreDNS: where each node dies, what it is for, and names that outlive a hypervisor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar

from steps import nodes_checks as checks
from steps.nodes_left import removals
from steps.nodes_seen import as_registered, look, look_at_dns, wrong_marks
from steps.nodes_work import mark, spread_dns
from steps.parse.nodes import DnsSeen, NodeSeen
from wizard.core.change import Change
from wizard.core.check import Check, Level
from wizard.core.context import Context
from wizard.core.spec.model import MachineSpec
from wizard.core.step import Step
from wizard.payload.k3s_config import ZONE
from wizard.payload.node_marks import dns_replicas

DNS_KEY = "dns"


class Nodes(Step):
    """Through the API alone: nothing is changed on a host."""

    id = "nodes"
    title = "Nodes"
    summary = "Mark each node with its hypervisor and its task, and answer names from both hypervisors"
    needs: ClassVar[tuple[str, ...]] = ("k3s-agents",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """After: every node is ready and bears its marks; CoreDNS answers from two zones."""
        wanted = ctx.spec.nodes()
        if not wanted:
            return
        yield Check(
            "nodes.api", "The Kubernetes API answers this machine", checks.api, timeout=checks.SECONDS
        )
        for machine in wanted:
            for check, title, run, level in (
                ("nodes.ready", f"{machine.name} is a node that is ready", checks.ready, Level.ERROR),
                ("nodes.labels", f"{machine.name} bears its labels", checks.labels, Level.ERROR),
                ("nodes.taints", f"{machine.name} bears its taints", checks.taints, Level.ERROR),
            ):
                told = partial(run, machine=machine)
                yield Check(check, title, told, level=level, host=machine.name, timeout=checks.SECONDS)
        yield Check(
            "nodes.left",
            "No node is left of a machine that is gone from the spec",
            checks.left,
            level=Level.WARNING,
            timeout=checks.SECONDS,
        )
        yield Check("nodes.dns", "CoreDNS answers from both hypervisors", checks.dns, timeout=checks.SECONDS)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """One a node whose marks are not as they shall be, one that left the spec, and CoreDNS."""
        wanted = ctx.spec.nodes()
        if not wanted:
            return
        found = look(ctx)
        marked = [one for machine in wanted if (one := _mark(ctx, machine, found))]
        yield from marked
        keys = tuple(one.key for one in marked)
        yield from removals(ctx.spec, found or {}, keys)
        dns = None if found is None else look_at_dns(ctx.kubernetes)
        replicas = dns_replicas(ctx.spec)
        if dns is None or dns != DnsSeen(replicas, (ZONE,)):
            yield _spread(replicas, keys)


def _mark(ctx: Context, machine: MachineSpec, found: Mapping[str, NodeSeen] | None) -> Change | None:
    """A node that is not there is as it will be when it registers."""
    node = (found or {}).get(machine.name) or as_registered(machine)
    marks = wrong_marks(ctx.spec, machine, node)
    if not marks:
        return None
    return Change(
        key=f"node:{machine.name}",
        host=machine.name,
        summary=f"Mark {machine.name} as a {machine.role} node on {machine.host}",
        preview=f"node {machine.name}: {marks}",
        weight=1.0,
        do=partial(mark, machine=machine),
    )


def _spread(replicas: int, after: tuple[str, ...]) -> Change:
    return Change(
        key=DNS_KEY,
        host="",
        summary="Run CoreDNS twice, once on each hypervisor" if replicas > 1 else "Run CoreDNS once",
        preview=f"deployment kube-system/coredns: replicas {replicas}, no two in one {ZONE}",
        weight=10.0,
        after=after,
        do=partial(spread_dns, replicas=replicas),
    )
