"""Reach every host, trust it, have root's rights on it, and leave our marker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, When, failed, passed, skipped, told
from wizard.core.context import Context, Work
from wizard.core.errors import (
    AuthError,
    HostError,
    HostKeyChangedError,
    HostKeyUnknownError,
    PrivilegeError,
    RemoteError,
    WizardError,
)
from wizard.core.facts import HostFacts, Marker
from wizard.core.state import RunState
from wizard.core.step import Step
from wizard.core.store.marker import check_marker

MARKER_SECONDS = 30.0
"""Deadline of writing a three-line file; a flash drive that is checked may take that long."""


class Hosts(Step):
    """Every host answers, is the one we think it is, lets us be root, and knows that it is ours."""

    id = "hosts"
    title = "Hosts"
    summary = "Reach and trust every host, and leave our marker on it"
    needs = ("here",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """One row of checks a host, each explained by the one before it."""
        for host in ctx.spec.hosts:
            yield _check("hosts.reach", f"{host.name} answers on SSH", host.name, _reached)
            yield _check("hosts.key", f"{host.name} shows the host key we trust", host.name, _trusted)
            yield _check("hosts.login", f"{host.name} lets us log in", host.name, _let_in)
            yield _check("hosts.root", f"{host.name} lets us be root", host.name, _root)
            yield _check(
                "hosts.marker", f"{host.name} knows that it belongs to this cluster", host.name, _marked
            )

    def changes(self, ctx: Context) -> Iterator[Change]:
        """A marker on each host that has none.

        Raises:
            StateError: a host belongs to another cluster, or has seen a newer state than ours.
        """
        for host in ctx.spec.hosts:
            facts = ctx.try_facts(host.name)
            if not isinstance(facts, HostFacts):
                continue
            if facts.marker is not None:
                check_marker(ctx.state, facts.marker.lineage, facts.marker.serial, host.name)
            else:
                yield marker_change(host.name, ctx)


def marker_change(host: str, ctx: Context) -> Change:
    """The change that leaves our marker on a host."""
    return Change(
        key=f"marker:{host}",
        host=host,
        summary=f"Leave our marker on {host}",
        preview=f"name={ctx.spec.name}\nlineage={ctx.state.lineage if ctx.state.serial else 'given at the first apply'}",
        weight=1.0,
        do=_leave_marker,
    )


def _leave_marker(work: Work) -> str:
    args = {"name": work.spec.name, "lineage": work.state.lineage, "serial": str(work.state.serial)}
    return work.run("do/marker", args, timeout=MARKER_SECONDS).replace("\n", " ")


Test = Callable[[Context, str], Finding]


def _check(check: str, title: str, host: str, test: Test) -> Check:
    return Check(check, title, partial(_on, test=test, host=host), When.AFTER, Level.ERROR, host)


def _on(ctx: Context, *, test: Test, host: str) -> Finding:
    return test(ctx, host)


def _reached(ctx: Context, host: str) -> Finding:
    facts = ctx.try_facts(host)
    if isinstance(facts, HostFacts):
        return passed(f"{ctx.hosts[host].address} answered in {facts.seconds * 1000:.0f} ms.")
    above = (HostKeyUnknownError, HostKeyChangedError, AuthError, PrivilegeError, RemoteError)
    return passed(f"{ctx.hosts[host].address} answers.") if isinstance(facts, above) else told(facts)


def _trusted(ctx: Context, host: str) -> Finding:
    facts = ctx.try_facts(host)
    if isinstance(facts, HostKeyUnknownError | HostKeyChangedError):
        return told(facts)
    return _unless(facts, (AuthError, PrivilegeError, RemoteError), "The host key is the trusted one.")


def _let_in(ctx: Context, host: str) -> Finding:
    facts = ctx.try_facts(host)
    if isinstance(facts, AuthError):
        return told(facts)
    return _unless(facts, (PrivilegeError, RemoteError), "Logged in.")


def _root(ctx: Context, host: str) -> Finding:
    facts = ctx.try_facts(host)
    if isinstance(facts, PrivilegeError | RemoteError):
        return told(facts)
    if isinstance(facts, HostFacts) and facts.privileges.uid != 0:
        uid = facts.privileges.uid
        return failed(
            f"Our scripts run as uid {uid} on {host}, not as root.",
            cause="The login is not root and sudo was not used or gave other rights.",
            fix=f"ssh {ctx.hosts[host].address} sudo -v",
        )
    return _unless(facts, (), "Our scripts run as root.")


def _marked(ctx: Context, host: str) -> Finding:
    facts = ctx.facts(host)
    if facts.marker is None:
        return failed(
            f"{host} carries no marker: the wizard has not set it up.",
            cause="`wizard apply` was not run yet, or the host was reinstalled.",
            fix="wizard apply",
        )
    return marker_finding(ctx.state, ctx.spec.name, facts.marker, host)


def marker_finding(state: RunState, cluster: str, marker: Marker, host: str) -> Finding:
    """Whether a host's marker is ours.

    Args:
        state: what we remember; one that was never applied knows no lineage to compare with.
        cluster: the spec's name.
        marker: as read from the host.
        host: the host's name.
    """
    if state.serial == 0 and marker.name == cluster:
        return passed(f"Belongs to {cluster}; there is no run state on this machine to compare with.")
    try:
        check_marker(state, marker.lineage, marker.serial, host)
    except WizardError as error:
        return told(error)
    return passed(f"Belongs to {marker.name}, run {marker.serial}.")


def _unless(facts: object, above: tuple[type[WizardError], ...], detail: str) -> Finding:
    """Holds where we got at least this far; an earlier failure is its own finding and explains this one."""
    if isinstance(facts, (HostFacts, *above)):
        return passed(detail)
    if isinstance(facts, HostError):
        raise facts
    return skipped(detail)
