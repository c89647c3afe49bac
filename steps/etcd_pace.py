"""How quickly the members' disks were measured to be, which timers follow, who leads and who takes the lead back."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from steps.etcd_before import blind, ssh
from steps.etcd_guard import guard_flaw, guard_wanted, leading
from steps.etcd_member_checks import etcdctl
from steps.etcd_seen import Member, look_at_all
from wizard.core.check import Finding, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.decide.prove_rules import waiver_line
from wizard.core.decide.speeds import kept_speeds
from wizard.core.decide.timers import (
    DiskSpeed,
    EtcdTimers,
    choose_timers,
    guarded,
    is_witness,
    number,
    timed,
    verdict,
)
from wizard.core.measurements import age_words
from wizard.payload.etcd_unit import RUNNING_CONFIG

MEASURE = "wizard witness"

_TIMERS = re.compile(r"^(heartbeat-interval|election-timeout): (\d+)$", re.MULTILINE)


def timers_of(ctx: Context) -> EtcdTimers:
    """The timers all members shall have: those of the spec, else those that follow from the last measurement.

    Raises:
        StateError: our file of measurements cannot be read.
    """
    return choose_timers(ctx.spec, kept_speeds(ctx.measurements, ctx.spec))


def paced(ctx: Context) -> Context:
    """The same context, its spec naming the timers that are in use."""
    return replace(ctx, spec=timed(ctx.spec, timers_of(ctx)))


def measured_before(ctx: Context) -> Finding:
    """No new witness begins on a disk that was measured to be too slow (row 61); one that has data is left in peace."""
    for member in look_at_all(ctx).members:
        if not member.place.witness or member.has_data or member.runs:
            continue
        speed = kept_speeds(ctx.measurements, ctx.spec).disk(member.name)
        if speed and verdict(speed, ctx.spec) == "refused":
            return _refused(ctx, speed)
    return passed("No witness was measured to be too slow.")


def measured(ctx: Context) -> Finding:
    """What the last measurement said of the disks, and how old it is."""
    speeds = kept_speeds(ctx.measurements, ctx.spec)
    known = [one for member in ctx.spec.etcd_members() if (one := speeds.disk(member.name))]
    if not known:
        return passed(f"The disks were not measured yet: `{MEASURE}` does that.")
    judged = {one: verdict(one, ctx.spec) for one in known}
    evidence = "; ".join(_told(one, judged[one]) for one in known)
    refused = next((one for one in known if judged[one] == "refused"), None)
    if refused:
        return replace(_refused(ctx, refused), evidence=evidence)
    slow = [one for one in known if judged[one] == "slow"]
    if slow:
        return warned(
            f"The disk of {slow[0].member} was measured to take {number(slow[0].p99_ms or 0)} ms to sync.",
            evidence=evidence,
            cause="It will do for a witness, with slower timers."
            if is_witness(ctx.spec, slow[0].member)
            else "Something else writes to it, or it is a slow one.",
            fix=f"{MEASURE}   # once it is another disk, or less busy; docs/witness.md#disks",
        )
    return passed(
        f"Every disk that was measured is quick enough, or accepted: {evidence}.", evidence=evidence
    )


def _told(speed: DiskSpeed, judged: str) -> str:
    when = age_words(time.time() - speed.measured_at)
    return f"{speed.member} {number(speed.p99_ms or 0)} ms by {speed.method}, {judged}, {when}"


def _refused(ctx: Context, speed: DiskSpeed) -> Finding:
    witness = is_witness(ctx.spec, speed.member)
    accept = "witness: {accept_slow: true} in cluster.yaml" if witness else waiver_line("etcd.measured")
    folder = "etcd's folder" if witness else f"the disk of {speed.member} (etcd_dir of {speed.host})"
    return failed(
        f"The disk of {speed.member} was measured to take {number(speed.p99_ms or 0)} ms to sync: too slow for etcd.",
        evidence=_told(speed, "refused"),
        cause="It is an SD card, a slow stick, or a disk that something else writes to.",
        fix=f"Put {folder} on an SSD, then: {MEASURE}\nor accept it{'' if witness else ' for a while'}: {accept}",
    )


def timers(ctx: Context) -> Finding:
    """All members run with the same timers, those that were chosen."""
    wanted, cluster = timers_of(ctx), look_at_all(ctx)
    running = {member.name: found for member in cluster.members if (found := _running(member))}
    if not running:
        return blind(skipped("Not checked: no member runs."), "etcd.quorum")
    wrong = {
        name: found for name, found in running.items() if found != (wanted.heartbeat_ms, wanted.election_ms)
    }
    if not wrong:
        return passed(f"Heartbeat and election: {wanted.words}.")
    name, (beat, election) = next(iter(wrong.items()))
    return warned(
        f"{' and '.join(wrong)} {'runs' if len(wrong) == 1 else 'run'} with {beat}/{election} ms "
        f"instead of {wanted.heartbeat_ms}/{wanted.election_ms} ms.",
        evidence="; ".join(f"{one} {found[0]}/{found[1]} ms" for one, found in running.items()),
        cause=f"They were measured or set after {name} was started: {wanted.words}.",
        fix="wizard apply",
    )


def _running(member: Member) -> tuple[int, int] | None:
    found = dict(_TIMERS.findall(member.seen.texts.get(RUNNING_CONFIG, "")))
    if not member.runs or len(found) < 2:  # noqa: PLR2004 - both of them
        return None
    return int(found["heartbeat-interval"]), int(found["election-timeout"])


def leader(ctx: Context) -> Finding:
    """Who leads; a witness that is not known to be quick should not."""
    cluster = look_at_all(ctx)
    if not cluster.live:
        return blind(skipped("Not checked: there is no quorum."), "etcd.quorum")
    found = leading(cluster)
    if found is None:
        return blind(skipped("Not checked: the member that leads does not answer."), "etcd.running")
    watched = guarded(ctx.spec, kept_speeds(ctx.measurements, ctx.spec))
    if found.name not in watched:
        return passed(f"{found.name} leads.")
    quick = [one for one in cluster.followers if one.name not in watched and one.seen.status]
    if not quick:
        return passed(f"{found.name} leads, since no quicker member is up.")
    awake = [one.name for one in quick if _watches(ctx, one)]
    if awake:
        return passed(
            f"{found.name} leads for the moment: the timer on {awake[0]} takes the lead back within two minutes.",
            evidence=_pace_of(ctx, found.name),
        )
    to = quick[0].seen.status.member if quick[0].seen.status else ""
    return warned(
        f"{found.name} leads: every write goes at the pace of its disk.",
        evidence=_pace_of(ctx, found.name),
        cause="etcd prefers nobody, and no timer on a quick member is there to take the lead back.",
        fix=f"{ssh(ctx.spec, found.name)} {etcdctl()} move-leader {to}",
    )


def _watches(ctx: Context, member: Member) -> bool:
    """Whether the timer of a member is on, and its last look did not fail."""
    wanted = guard_wanted(ctx, member.place)
    return not guard_flaw(ctx.spec, member, wanted) and member.seen.guard.result in ("", "success")


def _pace_of(ctx: Context, name: str) -> str:
    speed = kept_speeds(ctx.measurements, ctx.spec).disk(name)
    return _told(speed, verdict(speed, ctx.spec)) if speed else f"the disk of {name} was not measured"


def guard(ctx: Context, member: Member) -> Finding:
    """The timer that takes the lead back from a slow witness: there, on, and content with its last look."""
    name, wanted = member.name, guard_wanted(ctx, member.place)
    if not wanted:
        if not member.seen.guard.present:
            return passed("No timer is needed: the witness is quick enough to lead.")
        return warned(
            f"A timer on {name} still takes the lead from the witness.",
            evidence=member.seen.guard.said,
            cause="The witness was measured to be quick enough since.",
            fix="wizard apply",
        )
    flaw = guard_flaw(ctx.spec, member, wanted)
    if flaw:
        return warned(
            f"{name} would not take the lead back from {' and '.join(wanted)}: {flaw}.",
            evidence=member.seen.guard.said or "it has said nothing yet",
            cause="`wizard apply` was not run since, or somebody changed it.",
            fix="wizard apply",
        )
    seen = member.seen.guard
    if seen.result not in ("", "success"):
        return warned(
            f"The timer on {name} could not take the lead back.",
            evidence=f"{seen.result}, exit code {seen.code}: {seen.said}",
            cause=seen.said or "It did not say why.",
            fix=f"{ssh(ctx.spec, name)} journalctl -u wizard-etcd-leader -n 20",
        )
    return passed(f"{name} takes the lead back from {' and '.join(wanted)}.", evidence=seen.said)
