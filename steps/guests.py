"""The guests that etcd does not need: they finish their boot while etcd is set up."""

from __future__ import annotations

from collections.abc import Iterator

from steps.machine_changes import boot_change
from steps.machines import FIRST, guest_checks, unbooted, usable, waited_here
from wizard.core.change import Change
from wizard.core.check import Check
from wizard.core.context import Context
from wizard.core.step import Step


class Guests(Step):
    """Waiting takes nothing of the hypervisors, so what comes next does not wait for it."""

    id = "guests"
    title = "Other guests"
    summary = "Wait for the guests of K3s and of the volumes, while etcd is set up"
    needs = ("machines",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """After: each of them runs and is who it shall be."""
        for machine in ctx.spec.machines:
            if machine.role != FIRST:
                yield from guest_checks(machine.name)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """The boots the step before does not wait for."""
        places = usable(ctx)
        waited = waited_here(places)
        for place in places:
            yield from (boot_change(place, plan) for plan in unbooted(place) if plan.name not in waited)
