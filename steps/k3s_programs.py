"""K3s and its images on every node: brought there while etcd is set up, and never again while they are there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from steps import k3s_checks as each
from steps.k3s_before import after_checks, before_checks
from steps.k3s_plan import install_change, lacking
from steps.k3s_seen import look_at, nodes_of, ours
from wizard.core.change import Change
from wizard.core.check import Check, Level, When
from wizard.core.context import Context
from wizard.core.step import Step


class K3sPrograms(Step):
    """One binary and one archive of images; nothing of them is started here."""

    id = "k3s-programs"
    title = "K3s programs"
    summary = "Bring K3s and its container images to every node, checked by digest"
    needs = ("guests",)
    beside = ("etcd",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: nothing is in the way, and the version may follow what is there. After: each has it, unchanged."""
        nodes = nodes_of(ctx.spec)
        yield from before_checks(nodes, ours)
        if nodes:
            yield Check(
                "k3s.downgrade",
                "The K3s asked for may follow the one that is there",
                each.downgrade,
                When.BEFORE,
                Level.FATAL,
                timeout=each.CHECK_SECONDS,
            )
        for node in nodes:
            run = partial(each.on, machine=node, test=each.installed)
            yield Check(
                "k3s.installed",
                f"{node.name} has the K3s asked for",
                run,
                host=node.name,
                timeout=each.CHECK_SECONDS,
            )
        yield from after_checks(nodes)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """One a node that lacks one of the two files."""
        for node in look_at(ctx, nodes_of(ctx.spec)):
            if node.known and (missing := lacking(ctx, node)):
                yield install_change(ctx, node, missing)
