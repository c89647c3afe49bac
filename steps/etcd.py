"""Three etcd members on three machines, TLS everywhere: set up, started together, proven by a write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from steps import etcd_before as before
from steps import etcd_cluster_checks as between
from steps import etcd_member_checks as each
from steps import etcd_pace as pace
from steps.etcd_authority import renewal
from steps.etcd_pace import paced
from steps.etcd_plan import Planner
from steps.etcd_seen import READ_SECONDS, STEP, Place, look_at_all, places, quorum_risk
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, When
from wizard.core.context import Context
from wizard.core.step import Step

DISTURBING = ("install", "restart", "replace")
"""First words of the changes that take a member away for a moment."""

CHECK_SECONDS = READ_SECONDS + 10
"""A check may be the one that asks a member first."""


class Etcd(Step):
    """The store Kubernetes keeps everything in; it goes on while any one of its members is lost."""

    id = STEP
    title = "etcd cluster"
    summary = "Certificates, programs and configuration on three members; all started; a write through each"
    needs = ("machines", "etcd-programs")
    beside = ("guests",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """What must hold before anything is touched, then between the members, then on each of them."""
        if places(ctx.spec):
            yield from _first(ctx)
        yield _after("etcd.quorum", "Most members follow one leader", between.quorum)
        yield _after("etcd.members", "The list of members is that of the spec", between.members)
        yield _after("etcd.alarm", "etcd has raised no alarm", between.alarm)
        yield _after("etcd.rights", "The doctor's certificate can only look", between.rights)
        if places(ctx.spec):
            yield _after("etcd.renewal", "etcd's authority lasts, or is being renewed", renewal)
            yield _after("etcd.leader", "A quick member leads", pace.leader)
            yield _after("etcd.timers", "All members have the timers that fit their disks", pace.timers)
            yield _after("etcd.measured", "No disk is known to be too slow", pace.measured)
        for place in places(ctx.spec):
            yield from _of_member(place)

    def risks(self, ctx: Context, changes: Sequence[Change]) -> Iterator[str]:
        """A member that others need now is not disturbed."""
        disturbed = [one.host for one in changes if one.key.partition(":")[0] in DISTURBING]
        risk = quorum_risk(ctx, disturbed)
        if risk:
            yield risk

    def changes(self, ctx: Context) -> Iterator[Change]:
        """What is missing on each member, the proof by a write last; nothing where the spec names no machines."""
        if places(ctx.spec):
            yield from Planner(paced(ctx), look_at_all(ctx), pace.timers_of(ctx).words).changes()


def _first(ctx: Context) -> Iterator[Check]:
    yield _before("etcd.clocks", "Clocks agree before certificates are made", before.clocks)
    yield _before("etcd.authority", "The members trust the authority we have the key of", before.authority)
    yield _before("etcd.survivors", "Enough members have their data", before.survivors)
    yield _before("etcd.measured", "The witness was not measured to be too slow", pace.measured_before)
    yield from before_checks(places(ctx.spec))


def before_checks(members: Sequence[Place]) -> Iterator[Check]:
    """What must hold before programs are put on members.

    Args:
        members: that get them.
    """
    yield _before("etcd.version", "The etcd asked for can be installed", before.version)
    for place in members:
        name, disk, foreign = (
            place.name,
            partial(before.disk, place=place),
            partial(before.foreign, place=place),
        )
        yield _before("etcd.disk", f"{name} has a disk for etcd", disk, name)
        yield _before("etcd.foreign", f"Nobody else's etcd is on {name}", foreign, name)


def _of_member(place: Place) -> Iterator[Check]:
    name = place.name
    on, on_running = partial(each.on, place=place), partial(each.on_running, place=place)
    yield _after("etcd.running", f"etcd on {name} runs", partial(on, test=each.running), name)
    yield _after("etcd.disk", f"{name} has a disk for etcd", partial(before.disk, place=place), name)
    yield _after("etcd.installed", f"{name} runs the etcd asked for", partial(on, test=each.version), name)
    yield _after("etcd.boot", f"etcd on {name} starts at boot", partial(on, test=each.boot), name)
    yield _after(
        "etcd.certificates", f"The certificates of {name} hold", partial(on, test=each.certificates), name
    )
    yield _after(
        "etcd.fsync", f"The disk of {name} is quick enough", partial(on_running, test=each.fsync), name
    )
    yield _after("etcd.space", f"{name} has room for its data", partial(on_running, test=each.space), name)
    if not place.witness:
        yield _after(
            "etcd.guard",
            f"{name} takes the lead back from a slow witness",
            partial(on, test=pace.guard),
            name,
        )


Run = Callable[[Context], Finding]


def _before(check: str, title: str, run: Run, host: str = "") -> Check:
    return Check(check, title, run, When.BEFORE, Level.FATAL, host, timeout=CHECK_SECONDS)


def _after(check: str, title: str, run: Run, host: str = "") -> Check:
    return Check(check, title, run, When.AFTER, Level.ERROR, host, timeout=CHECK_SECONDS)
