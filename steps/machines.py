"""The guests on the hypervisors: made, waited for, kept as the spec has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from steps.discover import login
from steps.etcd_seen import Place as EtcdPlace
from steps.etcd_seen import places as etcd_places
from steps.etcd_seen import served
from steps.machine_after import GUEST_CHECKS, check_guest
from steps.machine_before import PLACE_CHECKS, Test, room, unchangeable
from steps.machine_changes import (
    autostart_change,
    boot_change,
    create_changes,
    drift,
    remove_changes,
    resize_changes,
    start_change,
)
from steps.machine_image import image_change
from steps.machine_plan import Place, look, look_everywhere
from steps.machine_wait import STOPPED
from steps.parse.guest_details import Domain
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, Status, When, failed, passed, skipped
from wizard.core.context import Context
from wizard.core.errors import HostError, RemoteError
from wizard.core.step import Step
from wizard.payload.guests import GuestPlan


class Machines(Step):
    """Virtual machines on both hypervisors, each with the address, the keys and the disks it was given."""

    id = "machines"
    title = "Machines"
    summary = "Make the guests on both hypervisors and wait until each is up"
    needs = ("discover",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: room and nothing foreign in the way; after: every guest runs and is who it shall be."""
        if not ctx.spec.machines:
            yield Check("machines.none", "Machines of the spec are made", _none)
            return
        for host in _carriers(ctx):
            for each in PLACE_CHECKS:
                title, run = each.title.format(host=host), partial(_on, test=each.test, host=host)
                yield Check(each.id, title, run, When.BEFORE, each.level, host)
            title = f"{host} keeps room for every disk"
            yield Check(
                "machines.room", title, partial(_on, test=_room, host=host), level=Level.WARNING, host=host
            )
        yield Check(
            "machines.removal", "At most one voter is removed at a time", one_voter, When.BEFORE, Level.FATAL
        )
        for machine in ctx.spec.machines:
            for guest in GUEST_CHECKS:
                run = partial(check_guest, name=machine.name, test=guest.test)
                title = guest.title.format(name=machine.name)
                yield Check(guest.id, title, run, level=guest.level, host=machine.name, retry=guest.retry)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """Per hypervisor: what is gone from the spec, the base image, new guests, then those that differ.

        A hypervisor that cannot be asked has findings of its own; the guests of the other do not wait for it.
        """
        if not ctx.spec.machines:
            return
        places = [
            place
            for place in look_everywhere(ctx).values()
            if isinstance(place, Place) and place.seen.answers
        ]
        everywhere = [plan for place in places for plan in place.plans]
        voters = _voters(ctx)
        gone = [change for place in places for change in remove_changes(place, everywhere, voters)]
        yield from gone
        begun = [change for place in places for change in _new(place, [change.key for change in gone])]
        begun += [change for place in places for change in _standing_still(place)]
        yield from begun
        yield from _resized(places, tuple(change.key for change in begun if change.key.startswith("boot:")))


def _voters(ctx: Context) -> list[EtcdPlace]:
    """The members of a cluster that has data: those that are there; one still to be made cannot tell the list."""
    found = []
    for one in etcd_places(ctx.spec) if served(ctx.state) else ():
        with suppress(HostError, RemoteError):
            if ctx.present(one.name):
                found.append(one)
    return found


def _carriers(ctx: Context) -> list[str]:
    """The hosts the spec puts machines on, in its order."""
    wanted = {machine.host for machine in ctx.spec.machines}
    return [host.name for host in ctx.spec.hypervisors if host.name in wanted]


def _new(place: Place, gone: Sequence[str]) -> Iterator[Change]:
    """The base image and the guests that are not there."""
    free = [plan for plan in place.plans if not place.foreign(plan.name)]
    missing = [plan for plan in free if place.domain(plan.name) is None]
    yield from image_change(place, bool(missing))
    for plan in missing:
        yield from create_changes(place, plan, gone)


def _standing_still(place: Place) -> Iterator[Change]:
    """Guests that do not run or do not start by themselves, and those whose first boot was not seen to its end."""
    for plan, domain in _kept(place):
        if domain.autostart is False:
            yield autostart_change(plan)
        if drift(plan, domain):
            continue
        if domain.state in STOPPED:
            yield start_change(plan, domain)
            yield boot_change(place, plan, after=(f"start:{plan.name}",))
        elif domain.state == "running" and not _booted(place, plan):
            yield boot_change(place, plan)


def _resized(places: Sequence[Place], before: tuple[str, ...]) -> Iterator[Change]:
    """Guests that shall be of another size, one after another: never are two of them away at a time."""
    for place in places:
        for plan, domain in _kept(place):
            found = drift(plan, domain)
            if found:
                yield from resize_changes(place, plan, found, before)
                before = (f"boot:{plan.name}",)


def _kept(place: Place) -> Iterator[tuple[GuestPlan, Domain]]:
    """Guests of ours that stay, unless the spec asks of one what it cannot become."""
    for plan in place.plans:
        domain = place.domain(plan.name)
        if domain is not None and not unchangeable(place, plan):
            yield plan, domain


def _booted(place: Place, plan: GuestPlan) -> bool:
    folder = place.folder(plan.name)
    return folder is not None and folder.booted


def _on(ctx: Context, *, test: Test, host: str) -> Finding:
    try:
        place = look(ctx, host)
    except RemoteError as error:
        return replace(skipped(f"Not checked: {error.what}"), explained_by="discover.facts")
    return test(place, login(ctx.spec, ctx.spec.host(host)))


def _room(place: Place, ssh: str) -> Finding:
    found, missing = room(place, ssh)
    return replace(found, status=Status.WARN) if missing else found


def _none(_ctx: Context) -> Finding:
    return passed("The spec names no machines: there is nothing to make.")


def one_voter(ctx: Context) -> Finding:
    """A cluster that loses two etcd members at once has lost its majority, and with it itself."""
    places = [place for place in look_everywhere(ctx).values() if isinstance(place, Place)]
    gone = []
    for place in places:
        wanted = {plan.name for plan in place.plans}
        for name in place.owned_names():
            domain = place.domain(name)
            if name not in wanted and domain and domain.mark and domain.mark.role == "etcd":
                gone.append(f"{name} on {place.host.name}")
    if len(gone) <= 1:
        return passed("At most one etcd member is removed.")
    return failed(
        f"{' and '.join(gone)} would be removed at the same time.",
        evidence="both are etcd members",
        cause="etcd needs more than half of its members at any time.",
        fix="Write one of them back into the spec, run `wizard apply`, then change the other",
    )
