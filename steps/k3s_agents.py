"""K3s' agents: the guests for volumes and workloads join the cluster, all at the same time."""

from __future__ import annotations

from collections.abc import Iterator

from steps import k3s_checks as each
from steps.k3s_plan import node_changes
from steps.k3s_seen import agents_of, look_at
from wizard.core.change import Change
from wizard.core.check import Check
from wizard.core.context import Context
from wizard.core.step import Step


class K3sAgents(Step):
    """They join at the API's address, and from then on know every server themselves."""

    id = "k3s-agents"
    title = "K3s agents"
    summary = "The guests for volumes and workloads join the cluster"
    needs = ("k3s-servers", "api-address")

    def checks(self, ctx: Context) -> Iterator[Check]:
        """After: each agent runs as the spec has it."""
        for agent in agents_of(ctx.spec):
            yield from each.node_checks(agent)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """What is missing on each; none waits for another."""
        for node in look_at(ctx, agents_of(ctx.spec)):
            if node.known:
                yield from node_changes(ctx, node, ())
