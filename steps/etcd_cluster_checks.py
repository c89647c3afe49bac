"""What must hold between the members once etcd is set up."""

from __future__ import annotations

from collections.abc import Iterator

from steps.etcd_before import blind, ssh
from steps.etcd_member_checks import etcdctl
from steps.etcd_seen import LOOKS, Cluster, Member, Place, look_at_all, names
from wizard.core.check import Finding, failed, passed, skipped
from wizard.core.context import Context

EMPTY = "The spec names no machines yet: there is nothing to check."


def rights(ctx: Context) -> Finding:
    """The doctor's certificate can do nothing but look."""
    cluster = look_at_all(ctx)
    told = {member.name: member.seen.rights for member in cluster.followers if member.seen.rights}
    if not told:
        return (
            blind(skipped("Not checked: no member can tell."), "etcd.quorum")
            if cluster.members
            else skipped(EMPTY)
        )
    more = [name for name, may in told.items() if may != LOOKS]
    if not more:
        return passed("The doctor's certificate can do nothing but look.")
    return failed(
        "Every certificate of etcd may do everything."
        if told[more[0]] != "root"
        else "The doctor may do everything.",
        evidence=f"etcdctl auth status, asked with the doctor's certificate on {more[0]}",
        cause="etcd's authentication is off."
        if told[more[0]] != "root"
        else "Somebody gave its user a role.",
        fix="wizard apply",
    )


def quorum(ctx: Context) -> Finding:
    """Most members follow one and the same leader of one and the same cluster."""
    cluster = look_at_all(ctx)
    if not cluster.members:
        return skipped(EMPTY)
    evidence = "; ".join(_standing(member) for member in cluster.members)
    if not any(member.known for member in cluster.members):
        return blind(skipped("Not checked: no member can be asked."), "hosts.reach")
    if not cluster.formed and all(member.known for member in cluster.members):
        return failed(
            "There is no etcd cluster yet.",
            evidence=evidence,
            cause="`wizard apply` was not run.",
            fix="wizard apply",
        )
    if not cluster.live:
        return _lost(ctx, cluster, evidence)
    strangers = [
        member for member in cluster.answering if member.seen.status and _cluster_of(member) != cluster.id
    ]
    if strangers:
        return failed(
            f"{names(strangers)} {'is' if len(strangers) == 1 else 'are'} in another cluster than the others.",
            evidence=evidence,
            cause="It was started with data of another time, or while nobody else was to be seen.",
            fix=f"{ssh(ctx.spec, strangers[0].name)} systemctl stop etcd",
        )
    leaders = {member.seen.status.leader for member in cluster.followers if member.seen.status}
    if len(leaders) > 1:
        return failed(
            "The members follow different leaders.",
            evidence=evidence,
            cause="An election is under way, or the members do not see each other.",
            fix="wizard doctor etcd.quorum --wait 30",
        )
    return passed(_agreed(cluster), evidence=evidence)


def _agreed(cluster: Cluster) -> str:
    away = [member for member in cluster.members if member not in cluster.followers]
    leader = next((one.name for one in cluster.followers if _leads(one)), "one that cannot be asked")
    count = f"{len(cluster.followers)} of {len(cluster.members)} members follow {leader}"
    spare = len(cluster.followers) - cluster.quorum
    return f"{count}." if not away else f"{count}; without {names(away)}, {_spare(spare)}."


def _spare(spare: int) -> str:
    return "no other may be lost" if spare == 0 else f"{spare} more may be lost"


def _leads(member: Member) -> bool:
    status = member.seen.status
    return status is not None and status.leader == status.member


def _cluster_of(member: Member) -> str:
    return member.seen.status.cluster if member.seen.status else ""


def _standing(member: Member) -> str:
    if not member.known:
        return f"{member.name} cannot be asked"
    status, unit = member.seen.status, member.seen.unit
    if status is None:
        return f"{member.name} {unit.active or 'not set up'}"
    return f"{member.name} {'leads' if _leads(member) else 'follows'}, cluster {status.cluster}, {status.version}"


def _lost(ctx: Context, cluster: Cluster, evidence: str) -> Finding:
    up = [member for member in cluster.members if member.runs]
    down = [member for member in cluster.members if not member.runs]
    whom = names(down) if down else "its members, which do not see each other"
    return failed(
        f"etcd has lost its quorum: {len(up)} of {len(cluster.members)} members up, {cluster.quorum} are needed. "
        "Nothing can be written.",
        evidence=evidence,
        cause=f"Too many members are away: {whom}. It comes back by itself once {cluster.quorum} of them are up.",
        fix="\n".join(
            f"{ssh(ctx.spec, member.name)} systemctl restart --no-block etcd"
            for member in (down or cluster.members)
        ),
    )


def members(ctx: Context) -> Finding:
    """The list of members is that of the spec, and each of them may vote."""
    cluster = look_at_all(ctx)
    if not cluster.members:
        return skipped(EMPTY)
    if not cluster.live or not cluster.listed:
        return blind(skipped("Not checked: no quorum tells the list of members."), "etcd.quorum")
    wrong = list(_wrong(cluster))
    evidence = "; ".join(
        f"{one.id} {one.name or 'unnamed'} {','.join(one.peers)}{' learner' if one.learner else ''}"
        for one in cluster.listed
    )
    if not wrong:
        return passed(f"{len(cluster.listed)} members, all started, all voters.", evidence=evidence)
    strangers = [one for one in cluster.listed if not _known(cluster, one.name, one.peers)]
    helper = ssh(ctx.spec, cluster.followers[0].name)
    return failed(
        f"The list of etcd's members is not right: {'; '.join(wrong)}.",
        evidence=evidence,
        cause="A replacement was not finished, or somebody changed the list.",
        fix=f"{helper} {etcdctl()} member remove {strangers[0].id}" if strangers else "wizard apply",
    )


def _wrong(cluster: Cluster) -> Iterator[str]:
    for member in cluster.members:
        entry = cluster.entry(member.place)
        if entry is None:
            yield f"{member.name} is not in it"
        elif entry.learner:
            yield f"{member.name} is a learner still"
        elif not entry.started:
            yield f"{member.name} was never started"
        elif member.place.peer not in entry.peers:
            yield f"{member.name} is listed at {', '.join(entry.peers)}"
    for one in cluster.listed:
        if not _known(cluster, one.name, one.peers):
            yield f"{one.name or one.id} is not in the spec"


def _known(cluster: Cluster, name: str, peers: tuple[str, ...]) -> bool:
    places: list[Place] = [member.place for member in cluster.members]
    return any(place.name == name or place.peer in peers for place in places)


def alarm(ctx: Context) -> Finding:
    """No alarm is raised: with NOSPACE etcd takes no more writes until somebody makes room (row 71)."""
    cluster = look_at_all(ctx)
    if not cluster.members:
        return skipped(EMPTY)
    if not cluster.answering:
        return blind(skipped("Not checked: no member answers."), "etcd.quorum")
    found = {error for one in cluster.answering if one.seen.status for error in one.seen.status.errors}
    alarms = sorted(error for error in found if "alarm:" in error)
    if not alarms:
        return passed("No alarm is raised.")
    if not any("NOSPACE" in one for one in alarms):
        return failed(
            "etcd has raised an alarm: its members' data differ.",
            evidence="; ".join(alarms),
            cause="A disk or memory error has damaged the data of a member.",
            fix="Find the member named in the alarm and replace it: docs/etcd.md#replace",
        )
    asked = next((one for one in cluster.followers if one.seen.status), cluster.answering[0])
    login, revision = ssh(ctx.spec, asked.name), asked.seen.status.revision if asked.seen.status else 0
    every = etcdctl(",".join(member.place.client for member in cluster.members))
    return failed(
        "etcd takes no more writes: the quota of its database is used up (alarm NOSPACE).",
        evidence="; ".join(alarms),
        cause="Old revisions were not compacted, or something writes more than etcd is made for.",
        fix=f"{login} {etcdctl()} compact {revision}\n{login} {every} defrag\n{login} {etcdctl()} alarm disarm",
    )
