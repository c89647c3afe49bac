"""Find out what the hosts are, and whether a cluster can be built on them as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from statistics import median_low

from steps import present
from steps.host_checks import HOST_CHECKS, HostCheck, time_fix
from steps.hypervisor_checks import HYPERVISOR_CHECKS
from steps.login import login
from wizard.core.change import Change
from wizard.core.check import Check, Finding, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.errors import RemoteError
from wizard.core.facts import HostFacts
from wizard.core.spec.model import HostSpec
from wizard.core.step import Step

SKEW_ERROR = 30.0
"""Seconds. k0sctl stops at this distance from the hosts' median; certificates then begin in somebody's future."""

SKEW_WARNING = 1.0
"""Seconds. etcd warns of its peers' clocks from here on (faults.md 68)."""

OURS = "this machine"


class Discover(Step):
    """Nothing is changed here: what the hosts are is read, told, and judged."""

    id = "discover"
    title = "Discovery"
    summary = "Look at every host: hardware, disks, network, what runs, clocks"
    needs = ("hosts",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """What each host must be, then what must hold between them."""
        for host in ctx.spec.hosts:
            yield Check(
                "discover.facts", f"{host.name} tells its facts", partial(_facts, host=host), host=host.name
            )
            for each in (*HOST_CHECKS, *HYPERVISOR_CHECKS):
                if _concerns(each, host):
                    yield _check(each, host)
        yield from present.checks(ctx)
        yield Check("discover.clocks", "Clocks agree with each other", clocks)
        yield Check("discover.identity", "Every host is a machine of its own", identity)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """Never one; but what cannot be built beside what is already there is not begun.

        Raises:
            RefusedError: something is there that a later step would meet.
        """
        present.refuse(ctx)
        yield from ()


def _concerns(check: HostCheck, host: HostSpec) -> bool:
    """Told by the spec alone: what is checked can be listed without asking a host."""
    if check.role == "unraid":
        return host.role == "hypervisor" and host.platform in (None, "unraid")
    return check.role in ("", host.role)


def _check(each: HostCheck, host: HostSpec) -> Check:
    title = each.title.format(host=host.name)
    return Check(each.id, title, partial(_on, check=each, host=host), level=each.level, host=host.name)


def _on(ctx: Context, *, check: HostCheck, host: HostSpec) -> Finding:
    facts = ctx.try_facts(host.name)
    if isinstance(facts, RemoteError):
        return replace(skipped(f"Not checked: {facts.what}"), explained_by="discover.facts")
    if not isinstance(facts, HostFacts):
        raise facts
    return check.test(facts, host, login(ctx.spec, host))


def _facts(ctx: Context, *, host: HostSpec) -> Finding:
    facts = ctx.facts(host.name)
    detail = f"{facts.os.pretty or facts.platform}, {len(facts.disks)} disks, {len(facts.ports)} open ports."
    return passed(detail, evidence="; ".join(facts.notes))


def _known(ctx: Context) -> list[HostFacts]:
    """The facts of every host that gave them; the others have findings of their own."""
    found = [ctx.try_facts(host.name) for host in ctx.spec.hosts]
    return [facts for facts in found if isinstance(facts, HostFacts)]


def clocks(ctx: Context) -> Finding:
    """Every host's clock, and ours, against the middle of all of them."""
    found = _known(ctx)
    return clocks_of(found, lambda name: _clock_fix(ctx, found, name))


def clocks_of(found: Sequence[HostFacts], fix: Callable[[str], str]) -> Finding:
    """The clocks of machines, and ours, against the middle of all of them.

    A distance only counts as far as the measurement's own uncertainty leaves no doubt of it.

    Args:
        found: facts of the machines, just read.
        fix: the command that sets the clock of a machine.
    """
    known = [facts for facts in found if facts.clock.offset is not None]
    if not known:
        return skipped("No host told its time.")
    middle = _middle([facts.clock.offset or 0.0 for facts in known])
    off = {facts.host: _certain(facts, middle) for facts in known} | {OURS: abs(middle)}
    evidence = ", ".join(_clock_text(facts) for facts in known) + f" against {OURS}"
    worst = max(off.values())
    if worst <= SKEW_WARNING:
        return passed(f"Within {SKEW_WARNING:.0f} s of each other.", evidence=evidence)
    names = [name for name, distance in off.items() if distance > SKEW_WARNING]
    make = failed if worst > SKEW_ERROR else warned
    return make(
        f"The clock of {' and '.join(names)} is off by {_seconds(worst)}.",
        evidence=evidence,
        cause=_clock_cause([facts for facts in known if facts.host in names]),
        fix="\n".join(map(fix, names)),
    )


def _middle(offsets: list[float]) -> float:
    """The median of all clocks, ours included as offset 0; with one host nobody can say who of the two is off."""
    return median_low([*offsets, 0.0]) if len(offsets) > 1 else 0.0


def _certain(facts: HostFacts, middle: float) -> float:
    distance = abs((facts.clock.offset or 0.0) - middle)
    return max(0.0, distance - (facts.clock.uncertainty or 0.0))


def _clock_text(facts: HostFacts) -> str:
    return f"{facts.host} {facts.clock.offset or 0.0:+.2f} s (+-{facts.clock.uncertainty or 0.0:.2f})"


def _seconds(value: float) -> str:
    minute, hour, day = 60.0, 3600.0, 86400.0
    if value < 2 * minute:
        return f"{value:.1f} s"
    unit, name = next(
        (u, n) for u, n in ((day, "days"), (hour, "hours"), (minute, "minutes")) if value >= 2 * u
    )
    return f"{value / unit:.0f} {name}"


def _clock_cause(off: list[HostFacts]) -> str:
    if not off:
        return "The clock of the machine the wizard runs on is wrong."
    if any(facts.pi for facts in off):
        return (
            "A Raspberry Pi has no clock of its own: after a boot without a time server it lives in the past."
        )
    return "Its clock was never set, or nobody keeps it."


def _clock_fix(ctx: Context, known: list[HostFacts], name: str) -> str:
    facts = next((facts for facts in known if facts.host == name), None)
    if facts is None:
        return "sudo timedatectl set-ntp true"
    return time_fix(facts, login(ctx.spec, ctx.spec.host(name)))


def identity(ctx: Context) -> Finding:
    """No two names of the spec lead to one machine, and no machine is a copy of another."""
    known = _known(ctx)
    for what, values, cause, fix in (
        ("boot id", {f.host: f.boot_id for f in known if not f.virtualisation.container}, _SAME, _SAME_FIX),
        ("machine id", {f.host: f.machine_id for f in known}, _COPIED, _COPIED_FIX),
        ("host name", {f.host: f.hostname for f in known}, "Both were given the same name.", _NAME_FIX),
    ):
        same = twins(values)
        if same:
            ssh = login(ctx.spec, ctx.spec.host(same[-1]))
            return failed(
                f"{' and '.join(same)} have the same {what}.",
                evidence=f"{what} {values[same[0]]}",
                cause=cause,
                fix=fix.format(ssh=ssh, name=same[-1]),
            )
    return passed(f"{len(known)} hosts, each with a name and a machine id of its own.")


_SAME = "Both entries of the spec lead to one and the same machine."
_SAME_FIX = "wizard check"
_COPIED = "One was installed as a copy of the other."
_COPIED_FIX = "{ssh} sh -c 'rm /etc/machine-id; systemd-machine-id-setup'"
_NAME_FIX = "{ssh} hostnamectl set-hostname {name}"


def twins(values: dict[str, str]) -> list[str]:
    """The hosts that share a value with another one; an unknown value is shared with nobody."""
    first = next((v for v in values.values() if v and list(values.values()).count(v) > 1), None)
    return [host for host, value in values.items() if first is not None and value == first]
