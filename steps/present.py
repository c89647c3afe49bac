"""What is already on the hosts and guests: asked where the facts show a trace of it, judged, told as checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from steps.etcd_seen import look, place_of
from steps.k3s_seen import look as look_at_node
from steps.k3s_seen import ours
from steps.login import login
from steps.parse.present import parse_present
from steps.side_by_side import side_by_side
from wizard.core.check import Check, Finding, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.decide.present import Present, Site, judge, worth_asking
from wizard.core.decide.present_kubernetes import shows_k3s
from wizard.core.errors import RefusedError, RemoteError, UnreachableError
from wizard.core.facts import HostFacts
from wizard.core.spec import ClusterSpec
from wizard.core.spec.model import MachineSpec
from wizard.payload.etcd_unit import UNIT
from wizard.payload.k3s_unit import RUNNING_CONFIG

READ = "read/present"
READ_SECONDS = 60.0
"""Deadline of the one read: every question in it has its own, of a few seconds each."""

CHECK_SECONDS = READ_SECONDS + 10

GUIDE = "docs/present.md"


def already_there(ctx: Context, name: str, *, count: bool = False) -> tuple[Present, ...]:
    """Everything that is on a host or a guest already, and what is answered.

    Args:
        ctx: of this pass; a host without any trace is not asked again.
        name: of a host, or of a guest that is present.
        count: also how much data there is and which nodes it knows, which takes seconds and reads whole trees.

    Raises:
        HostError: it cannot be reached or trusted.
        RemoteError: it did not answer as our scripts do.
    """
    facts = ctx.facts(name)
    site = _site(ctx, name, facts)
    if not worth_asking(site, facts):
        return judge(site, facts, {})
    answer = ctx.ask(name, READ, {"count": "yes" if count else "no"}, timeout=READ_SECONDS)
    return judge(site, facts, parse_present(answer.stdout))


def all_already_there(
    ctx: Context, names: Sequence[str], *, count: bool = False
) -> dict[str, tuple[Present, ...]]:
    """Of each host or guest what is on it already, asked side by side.

    Args:
        ctx: of this pass.
        names: of hosts, and of guests whether they are there or not.
        count: as `already_there`.
    """

    def found_on(name: str) -> tuple[Present, ...]:
        return already_there(ctx, name, count=count) if ctx.present(name) else ()

    # What cannot be asked has findings of its own.
    return dict(zip(names, side_by_side(names, found_on, lambda *_: ()), strict=True))


def _site(ctx: Context, name: str, facts: HostFacts) -> Site:
    spec = ctx.spec
    machine = next((one for one in spec.machines if one.name == name), None)
    own_etcd, own_unit = _own_etcd(ctx, name, facts, guest=machine is not None)
    return Site(
        name=name,
        role="guest" if machine else "witness" if spec.host(name).role == "witness" else "hypervisor",
        address=machine.address if machine else spec.host(name).address,
        ssh=f"ssh root@{machine.address}" if machine else login(spec, spec.host(name)),
        cluster=spec.name,
        lineage=ctx.state.lineage if ctx.state.serial else "",
        own_etcd=own_etcd,
        own_unit=own_unit,
        own_k3s=machine is not None and _own_node(ctx, machine, facts),
        endpoints=_endpoints(spec),
    )


def _endpoints(spec: ClusterSpec) -> tuple[str, ...]:
    members = (one.address for one in spec.etcd_members())
    servers = (one.address for one in spec.machines if one.role == "server")
    return tuple(dict.fromkeys((*members, *servers, spec.network.api_vip)))


def _own_etcd(ctx: Context, name: str, facts: HostFacts, *, guest: bool) -> tuple[bool, bool]:
    """Whether the etcd seen there is a member of ours, and whether `etcd.service` is, up or not.

    Of a guest that is a member the etcd step itself judges.
    """
    place = place_of(ctx.spec, name)
    if place is None or guest:
        return guest and place is not None, False
    if not (facts.service("etcd").running or any(one.process == "etcd" for one in facts.ports)):
        return False, False
    seen, lineage = look(ctx, place).seen, ctx.lineage_on(name)
    # A member whose disk was lost has no mark any more: that is for the etcd step to mend.
    unit = bool(lineage) and seen.data.marker in ("", lineage) and seen.unit.fragment == UNIT
    return unit and seen.unit.sub != "auto-restart", unit


def _own_node(ctx: Context, machine: MachineSpec, facts: HostFacts) -> bool:
    """Whether the K3s seen in a guest is a node of ours: marked as one, and started for our cluster where it runs."""
    if machine not in ctx.spec.nodes() or not shows_k3s(facts) or not ours(ctx, machine):
        return False
    started = look_at_node(ctx, machine).seen.texts.get(RUNNING_CONFIG, "")
    return not started or any(f"//{address}:" in started for address in _endpoints(ctx.spec))


# --- as checks


def checks(ctx: Context) -> Iterator[Check]:
    """What is asked of every host, and of every guest there is."""
    for host in ctx.spec.hosts:
        for check, title, kinds in (
            (
                "discover.kubernetes",
                "No other Kubernetes is in our way on {}",
                ("microk8s", "k3s", "kubeadm"),
            ),
            ("discover.swarm", "No Docker Swarm is in our way on {}", ("swarm",)),
            ("discover.etcd", "Nobody else's etcd is in our way on {}", ("etcd",)),
            ("discover.dns", "Port 53 of {} is free where we need it", ("dns",)),
        ):
            yield _check(check, title.format(host.name), host.name, kinds)
    for machine in ctx.spec.machines:
        title = f"Nothing of another cluster runs in {machine.name}"
        yield _check("discover.guest", title, machine.name, ("microk8s", "k3s", "kubeadm", "etcd"))


def _check(check: str, title: str, name: str, kinds: Sequence[str]) -> Check:
    return Check(check, title, partial(_judged, name=name, kinds=kinds), host=name, timeout=CHECK_SECONDS)


def _judged(ctx: Context, *, name: str, kinds: Sequence[str]) -> Finding:
    try:
        if not ctx.present(name):
            return skipped(f"Not checked: {name} does not run yet.")
        silent = _silent_guest(ctx, name)
    except RemoteError as broken:
        return replace(skipped(f"Not checked: {broken.what}"), explained_by="discover.facts")
    if silent:
        return skipped(f"Not checked: {silent}")
    return finding([one for one in already_there(ctx, name) if one.kind in kinds])


def _silent_guest(ctx: Context, name: str) -> str:
    """What keeps a guest from answering; empty where it answers. To wait for it or to mend it is for a later step.

    Raises:
        HostError: it is a host that cannot be reached, or nobody to be trusted.
        RemoteError: its facts cannot be read.
    """
    try:
        ctx.facts(name)
    except UnreachableError as error:
        if any(host.name == name for host in ctx.spec.hosts):
            raise
        return error.what
    return ""


def finding(found: Sequence[Present]) -> Finding:
    """What a check says of things that are there: nothing, a warning, or that it cannot go on beside them.

    Args:
        found: of the kinds it looks at, on one host.
    """
    loud = sorted((one for one in found if one.running), key=lambda one: not one.forbids)
    if not loud:
        quiet = "; ".join(f"{one.what} {one.why}" for one in found)
        return passed(quiet or "Nothing of the kind is there.", evidence="; ".join(_evidence(found)))
    first = loud[0]
    make = failed if first.forbids else warned
    return make(
        " ".join(one.what for one in loud),
        evidence="; ".join(_evidence(loud)),
        cause=first.why,
        fix="\n".join(command for one in loud for command in one.steps) or f"wizard facts {first.host}",
    )


def _evidence(found: Sequence[Present]) -> list[str]:
    return [line for one in found for line in one.evidence]


def refuse(ctx: Context) -> None:
    """Stop where something is there that what we build would meet: before anything is changed.

    Raises:
        RefusedError: names the first such thing, with its evidence and what to do.
    """
    names = [host.name for host in ctx.spec.hosts] + [machine.name for machine in ctx.spec.machines]
    for name, there in all_already_there(ctx, names).items():
        if any(map(_meets, there)):
            told = [one for one in (*already_there(ctx, name, count=True), *there) if _meets(one)]
            raise _refusal(told[0])


def _meets(one: Present) -> bool:
    """Whether what we build would meet it; a mark of another cluster is refused by the step that would overwrite it."""
    return one.forbids and one.blocks != "hosts"


def _refusal(one: Present) -> RefusedError:
    return RefusedError(
        one.what,
        where=f"{one.host}: {'; '.join(one.evidence)}",
        why=one.why,
        do=(*one.steps, f"the guide tells more: {GUIDE}"),
    )
