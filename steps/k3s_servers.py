"""K3s' servers on the external etcd: the first until its API answers, then the second; never both away at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from steps import k3s_checks as each
from steps.k3s_files import tokens_missing
from steps.k3s_plan import node_changes, tokens_change
from steps.k3s_seen import look_at
from wizard.core.change import Change
from wizard.core.check import Check, Level, When
from wizard.core.context import Context
from wizard.core.step import Step


class K3sServers(Step):
    """The control plane: two of the same, each with its own etcd member nearest."""

    id = "k3s-servers"
    title = "K3s servers"
    summary = "The first server begins the cluster in etcd, the second joins it"
    needs = ("etcd", "packages", "k3s-programs")

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: our tokens are those of the cluster. After: each server runs as the spec has it, in one cluster."""
        servers = ctx.spec.servers()
        if not servers:
            return
        yield Check(
            "k3s.token",
            "The tokens among our secrets are those of the cluster",
            each.token,
            When.BEFORE,
            Level.FATAL,
            timeout=each.CHECK_SECONDS,
        )
        for server in servers:
            yield from each.node_checks(server)
        run = partial(each.one_cluster)
        yield Check(
            "k3s.cluster", "All nodes are of one cluster", run, When.AFTER, timeout=each.CHECK_SECONDS
        )

    def changes(self, ctx: Context) -> Iterator[Change]:
        """What is missing, one server after the other: what comes later waits for all that comes before."""
        made: list[Change] = []
        servers = look_at(ctx, ctx.spec.servers())
        if servers and tokens_missing(ctx.secrets):
            made.append(tokens_change())
        # Whoever serves already is disturbed last: the other one is up by then.
        for node in sorted((one for one in servers if one.known), key=lambda one: one.seen.serves):
            made += node_changes(ctx, node, tuple(change.key for change in made))
        yield from made
