"""The timer on the quick members that takes the lead back from a slow witness: its files, where it belongs, its changes.

Etcd knows no preference for a leader, and every write goes at the leader's pace (domain.md 2.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from steps.etcd_seen import Cluster, Member, Place, places
from steps.installed_files import files_flaw
from wizard.core.change import Change
from wizard.core.context import Context, Work
from wizard.core.decide.speeds import kept_speeds
from wizard.core.decide.timers import guarded
from wizard.core.host import Args
from wizard.core.resources import asset_text
from wizard.core.secret import Secret
from wizard.core.spec.model import ClusterSpec
from wizard.payload.etcd_files import MemberFile, bundle
from wizard.payload.etcd_guard import GUARD_SCRIPT, GUARD_SERVICE, GUARD_TIMER, NAME, service_text, timer_text

GUARD_SECONDS = 60.0
"""Deadline of switching the timer: systemd may be busy."""


def guard_files(spec: ClusterSpec, wanted: Sequence[str]) -> tuple[MemberFile, ...]:
    """The script, its service and its timer.

    Args:
        spec: tells where the witnesses are reached.
        wanted: their names.
    """
    urls = [place.client for place in places(spec) if place.name in wanted]
    return (
        MemberFile(GUARD_SCRIPT, Secret(asset_text("etcd/leader-guard.sh")), "755"),
        MemberFile(GUARD_SERVICE, Secret(service_text(urls))),
        MemberFile(GUARD_TIMER, Secret(timer_text())),
    )


def guard_wanted(ctx: Context, place: Place) -> tuple[str, ...]:
    """The witnesses a member takes the lead back from; none on a witness, and where the witness is quick.

    Raises:
        StateError: our file of measurements cannot be read.
    """
    if place.witness:
        return ()
    return guarded(ctx.spec, kept_speeds(ctx.measurements, ctx.spec))


def guard_flaw(spec: ClusterSpec, member: Member, wanted: Sequence[str]) -> str:
    """What keeps the timer from doing its work; empty where nothing does."""
    wrong = files_flaw(guard_files(spec, wanted), member.seen.files)
    if wrong:
        return wrong
    if not member.seen.guard.enabled:
        return "its timer does not start at boot"
    return "" if member.seen.guard.active else "its timer is stopped"


def leading(cluster: Cluster) -> Member | None:
    """The member that leads, where it can be asked."""
    return next(
        (
            one
            for one in cluster.followers
            if one.seen.status and one.seen.status.leader == one.seen.status.member
        ),
        None,
    )


def guard_changes(ctx: Context, cluster: Cluster) -> Iterator[Change]:
    """What is missing of the timers, and those that are not needed any more."""
    for member in cluster.members:
        if not member.known:
            continue
        wanted = guard_wanted(ctx, member.place)
        if wanted and guard_flaw(ctx.spec, member, wanted):
            yield _install(ctx.spec, member, wanted)
        elif not wanted and member.seen.guard.present:
            yield _remove(member)


def _args(action: str) -> Args:
    return {"action": action, "name": NAME, "settings": ""}


def _install(spec: ClusterSpec, member: Member, wanted: Sequence[str]) -> Change:
    name, whom = member.name, " and ".join(wanted)
    shown = [f"writes {file.path}" for file in guard_files(spec, wanted)]
    return Change(
        key=f"guard:{name}",
        host=name,
        summary=f"Let {name} take the lead of etcd back from {whom}, whose disk is slow or was not measured",
        preview="\n".join([*shown, "systemctl enable --now wizard-etcd-leader.timer"]),
        weight=2.0,
        do=_set_up(tuple(wanted)),
    )


def _set_up(wanted: tuple[str, ...]) -> Callable[[Work], str]:
    def do(work: Work) -> str:
        files = bundle(list(guard_files(work.spec, wanted)))
        return work.run("do/timer", _args("install"), timeout=GUARD_SECONDS, payload=files)

    return do


def _remove(member: Member) -> Change:
    return Change(
        key=f"unguard:{member.name}",
        host=member.name,
        summary=f"Take the timer off {member.name} that kept the witness from leading: its disk is quick",
        preview="systemctl disable --now wizard-etcd-leader.timer",
        weight=1.0,
        do=lambda work: work.run("do/timer", _args("remove"), timeout=GUARD_SECONDS),
    )
