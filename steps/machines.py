"""The guests on the hypervisors: made, waited for, kept as the spec has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from steps.etcd_seen import Place as EtcdPlace
from steps.etcd_seen import places as etcd_places
from steps.etcd_seen import quorum_risk, served
from steps.login import login
from steps.machine_after import GUEST_CHECKS, check_guest
from steps.machine_before import PLACE_CHECKS, Test, room, unchangeable
from steps.machine_changes import (
    autostart_change,
    boot_change,
    create_change,
    drift,
    remove_changes,
    resize_changes,
    start_change,
)
from steps.machine_image import image_change
from steps.machine_plan import Place, look, look_everywhere
from steps.machine_wait import STOPPED
from steps.parse.guest_details import Domain
from steps.wire_checks import wire_checks
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, Status, When, failed, passed, skipped
from wizard.core.context import Context
from wizard.core.errors import HostError, RemoteError
from wizard.core.step import Step
from wizard.payload.guests import GuestPlan

AWAY = ("remove", "resize", "redefine")
"""First words of the changes that shut a guest down."""

FIRST = "etcd"
"""The role whose guests the next step is about."""


class Machines(Step):
    """Virtual machines on both hypervisors, each with the address, the keys and the disks it was given."""

    id = "machines"
    title = "Machines"
    summary = "Make the guests on both hypervisors and wait for those of etcd"
    needs = ("decisions",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: room and nothing foreign in the way; after: every guest runs and is who it shall be."""
        if not ctx.spec.machines:
            yield Check("machines.none", "Machines are made where any are wanted", _none)
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
        yield from wire_checks()
        for machine in ctx.spec.machines:
            if machine.role == FIRST:
                yield from guest_checks(machine.name)

    def risks(self, ctx: Context, changes: Sequence[Change]) -> Iterator[str]:
        """A guest is not shut down while it holds etcd's quorum, or the last copies of volumes that are in use."""
        verbs = {one.key: one.key.partition(":") for one in changes}
        names = [name for verb, _, name in verbs.values() if verb in AWAY]
        yield from filter(None, (quorum_risk(ctx, names), copies_risk(ctx, names)))

    def changes(self, ctx: Context) -> Iterator[Change]:
        """Per hypervisor: what is gone from the spec, the base image, new guests, then those that differ.

        A hypervisor that cannot be asked has findings of its own; the guests of the other do not wait for it.
        """
        places = usable(ctx)
        everywhere = [plan for place in places for plan in place.plans]
        voters = _voters(ctx)
        gone = [change for place in places for change in remove_changes(place, everywhere, voters)]
        yield from gone
        here = waited_here(places)
        begun = [change for place in places for change in _new(place, [change.key for change in gone], here)]
        begun += [change for place in places for change in _standing_still(place, here)]
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


def usable(ctx: Context) -> list[Place]:
    """The hypervisors that carry machines and tell of their guests."""
    if not ctx.spec.machines:
        return []
    found = look_everywhere(ctx).values()
    return [place for place in found if isinstance(place, Place) and place.seen.answers]


def guest_checks(name: str) -> Iterator[Check]:
    """What must hold of a guest.

    Args:
        name: of the machine.
    """
    for each in GUEST_CHECKS:
        run, title = partial(check_guest, name=name, test=each.test), each.title.format(name=name)
        yield Check(each.id, title, run, level=each.level, host=name, retry=each.retry)


def waited_here(places: Sequence[Place]) -> frozenset[str]:
    """The guests whose boot this step waits for; the step of the other guests waits for the rest beside what follows.

    Those the next step is about, and any that was up before: others look at it. Where a guest is resized it is all of
    them: never are two away at a time.

    Args:
        places: every hypervisor.
    """
    kept = [(plan, domain) for place in places for plan, domain in _kept(place)]
    resizes = any(drift(plan, domain) for plan, domain in kept)
    stopped = {plan.name for plan, domain in kept if domain.state in STOPPED}
    plans = [plan for place in places for plan in place.plans]
    return frozenset(one.name for one in plans if resizes or one.role == FIRST or one.name in stopped)


def unbooted(place: Place) -> Iterator[GuestPlan]:
    """Guests whose first boot, or boot after a stop, is still to be waited for: those to be made are among them.

    Args:
        place: their hypervisor.
    """
    yield from _missing(place)
    for plan, domain in _kept(place):
        begins = domain.state in STOPPED or (domain.state == "running" and not _booted(place, plan))
        if begins and not drift(plan, domain):
            yield plan


def _missing(place: Place) -> list[GuestPlan]:
    """The guests that are not there. What comes next is for etcd's: they boot while the others are still being made."""
    free = [plan for plan in place.plans if not place.foreign(plan.name) and place.domain(plan.name) is None]
    return sorted(free, key=lambda plan: plan.role != FIRST)


def _new(place: Place, gone: Sequence[str], here: frozenset[str]) -> Iterator[Change]:
    """The base image and the guests that are not there."""
    missing = _missing(place)
    yield from image_change(place, bool(missing))
    for plan in missing:
        yield create_change(place, plan, gone)
        if plan.name in here:
            yield boot_change(place, plan, after=(f"create:{plan.name}",))


def _standing_still(place: Place, here: frozenset[str]) -> Iterator[Change]:
    """Guests that do not run or do not start by themselves, and those whose first boot was not seen to its end."""
    waits = {plan.name for plan in unbooted(place)} & here
    for plan, domain in _kept(place):
        if domain.autostart is False:
            yield autostart_change(plan)
        starts = domain.state in STOPPED and not drift(plan, domain)
        if starts:
            yield start_change(plan, domain)
        if plan.name in waits:
            yield boot_change(place, plan, after=(f"start:{plan.name}",) if starts else ())


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


def _none(ctx: Context) -> Finding:
    """No machines, by wish; or nothing could be proposed yet, since a hypervisor cannot be asked."""
    if ctx.spec.propose:
        for host in ctx.spec.hypervisors:
            ctx.facts(host.name)
    return passed("The spec asks for no machines: there is nothing to make.")


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


def copies_risk(ctx: Context, names: Sequence[str]) -> str:
    """Why guests must not be shut down now: no other guest with copies of the volumes runs. Empty = they may.

    Of several never are two away at a time.

    Args:
        ctx: this pass.
        names: of the guests that would be shut down.
    """
    states = {
        plan.name: domain.state
        for place in usable(ctx)
        for plan in place.plans
        if plan.role == "storage" and (domain := place.domain(plan.name)) is not None
    }
    up = {name for name, state in states.items() if state == "running"}
    if len(up) != 1 or not up & set(names):
        return ""
    only = next(iter(up))
    return f"{only} is the only machine with copies of your volumes that runs: without it they stop. Start another first."
