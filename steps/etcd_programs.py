"""etcd's programs on the members that are hosts of their own: brought there while the guests are still being made."""

from __future__ import annotations

from collections.abc import Iterator

from steps.etcd import before_checks
from steps.etcd_plan import ahead, install_change, installs
from steps.etcd_seen import look_at_all, places
from wizard.core.change import Change
from wizard.core.check import Check
from wizard.core.context import Context
from wizard.core.step import Step


class EtcdPrograms(Step):
    """The witness needs no guest for its programs, and its SD card takes as long over them as a guest over its boot."""

    id = "etcd-programs"
    title = "etcd programs"
    summary = "Bring etcd's programs to the Pi while the guests are made"
    needs = ("discover",)
    beside = ("machines",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: the version can be had, the witness has a disk for it and nobody else's etcd is on it."""
        if places(ctx.spec):
            yield from before_checks([place for place in places(ctx.spec) if place.witness])

    def changes(self, ctx: Context) -> Iterator[Change]:
        """The programs, where they are missing and no member runs that would be disturbed."""
        for member in look_at_all(ctx).members:
            if ahead(member) and installs(ctx, member):
                yield install_change(ctx, member)
