"""The Debian packages K3s, its address and the volumes need on guests, and the agent of virtual machines: offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from steps.etcd_before import blind, ssh
from steps.package_seen import READ_SECONDS, Wanted, look, look_everywhere, supplied
from steps.package_work import install_debs
from wizard.core.artifact import Need
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, failed, passed, skipped, warned
from wizard.core.context import Context, Work
from wizard.core.dataclass import dataclass
from wizard.core.packages import Deb
from wizard.core.spec.model import MachineSpec
from wizard.core.step import Step

SHOWN = 3
"""Packages a change names; the preview has all of them."""

SECONDS_EACH = 0.7
"""That dpkg takes over a package on a small guest, for the progress bar."""

Test = Callable[[Context, Wanted], Finding]


class Packages(Step):
    """Nothing of it is on etcd's guests, so this is done beside etcd and never waits for it."""

    id = "packages"
    title = "Packages of guests"
    summary = "Install what K3s and the volumes need from Debian, without a network"
    needs = ("guests",)
    beside: ClassVar[tuple[str, ...]] = ("etcd",)
    members: ClassVar[bool] = False
    """Whether it is about etcd's guests, as opposed to all others."""

    def checks(self, ctx: Context) -> Iterator[Check]:
        """After: what each guest was given is there, whole, and no older than ours."""
        for machine in supplied(ctx, members=self.members):
            for each in PACKAGE_CHECKS:
                run, title = (
                    partial(_on, machine=machine, test=each.test),
                    each.title.format(name=machine.name),
                )
                yield Check(
                    each.id, title, run, level=each.level, host=machine.name, timeout=READ_SECONDS + 10
                )

    def changes(self, ctx: Context) -> Iterator[Change]:
        """One a guest that lacks something."""
        for wanted in look_everywhere(ctx, supplied(ctx, members=self.members)):
            if wanted.known and wanted.incomplete:
                yield packages_change(ctx, wanted)


class MemberPackages(Packages):
    """etcd's guests, once etcd is up: what a member waits for is never dpkg, nor who else holds it."""

    id = "member-packages"
    title = "etcd's guests"
    summary = "Install the agent of virtual machines on etcd's guests, without a network"
    needs = ("etcd",)
    beside = ()
    members = True


def packages_change(ctx: Context, wanted: Wanted) -> Change:
    """Install what a guest lacks.

    Args:
        ctx: this pass.
        wanted: as it stands.
    """
    debs = wanted.missing
    names = wanted.lacking or tuple(name for name, _ in wanted.broken) or wanted.roots
    count = f" ({len(debs)} package{'' if len(debs) == 1 else 's'}, {_mb(debs)})" if debs else ""
    verb = "Install" if wanted.lacking and debs else "Finish installing"
    return Change(
        key=f"packages:{wanted.name}",
        host=wanted.name,
        summary=f"{verb} {_listed(names)} on {wanted.name}{count}",
        preview="\n".join(
            [*_files(ctx, debs), "apt-get install ./*.deb, without a network; nothing is started"]
        ),
        weight=2.0 + SECONDS_EACH * len(debs),
        do=partial(_install, roots=wanted.roots, debs=debs),
        needs=tuple(Need(deb.artifact, deb.arch, deb.version) for deb in debs),
    )


def _install(work: Work, *, roots: Sequence[str], debs: Sequence[Deb]) -> str:
    return install_debs(work, roots, debs)


def _files(ctx: Context, debs: Sequence[Deb]) -> Iterator[str]:
    for deb in debs:
        found = ctx.artifacts.named(deb.artifact, deb.arch, deb.version)
        yield f"{deb.name} {found.version}{', built' if found.origin == 'built' else ''}"


def _listed(names: Sequence[str]) -> str:
    if len(names) <= SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def _mb(debs: Sequence[Deb]) -> str:
    return f"{sum(deb.size for deb in debs) / 1e6:.1f} MB"


def _on(ctx: Context, *, machine: MachineSpec, test: Test) -> Finding:
    if not ctx.present(machine.name):
        return blind(skipped(f"Not checked: {machine.name} does not run."), "machines.running")
    return test(ctx, look(ctx, machine))


def _there(_ctx: Context, wanted: Wanted) -> Finding:
    """All of them are there, in whatever version."""
    gone = [root for root in wanted.roots if root not in wanted.seen.packages]
    if not wanted.seen.apt:
        return failed(
            f"{wanted.name} has no apt: it is no Debian.",
            evidence="apt-get: not found",
            cause="The guest was made from another image.",
            fix="wizard artifacts list",
        )
    if gone:
        return failed(
            f"{wanted.name} lacks {_listed(gone)}.",
            evidence=f"dpkg-query: no {', '.join(gone)}",
            cause="It was not installed yet, or somebody removed it.",
            fix="wizard apply",
        )
    there = (f"{root} {wanted.seen.packages[root].version}" for root in wanted.roots)
    return passed(f"{wanted.name} has {', '.join(there)}.")


def _whole(ctx: Context, wanted: Wanted) -> Finding:
    """All that dpkg began is at its end, and so is what we began."""
    login = ssh(ctx.spec, wanted.name)
    ours, others = wanted.broken, [one for one in wanted.seen.broken if one not in wanted.broken]
    if ours or wanted.seen.cut_off:
        units = f"kept from starting: {', '.join(wanted.seen.kept_off)}" if wanted.seen.kept_off else ""
        return failed(
            f"The installation of packages on {wanted.name} was cut off.",
            evidence="; ".join(filter(None, (_states(ours), units)))
            or "its note of what it began is still there",
            cause="The guest or the wizard was stopped in the middle of it.",
            fix="wizard apply",
        )
    if others:
        return warned(
            f"dpkg on {wanted.name} is in the middle of something that is not ours.",
            evidence=_states(others),
            cause="An upgrade is under way, or was cut off.",
            fix=f"{login} dpkg --configure -a",
        )
    return passed(f"dpkg on {wanted.name} is in order.")


def _states(broken: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} is {state}" for name, state in broken)


def _new_enough(_ctx: Context, wanted: Wanted) -> Finding:
    """None is older than the one we know; a later one is the distribution's update, and welcome."""
    versions = {deb.name: deb.version for deb in wanted.debs}
    old = [
        f"{root} {found.version} (ours is {versions[root]})"
        for root in wanted.roots
        if (found := wanted.seen.packages.get(root)) and not found.enough
    ]
    if not any(root in wanted.seen.packages for root in wanted.roots):
        return blind(skipped(f"Not checked: {wanted.name} has none of its packages."), "packages.installed")
    if old:
        return warned(
            f"{wanted.name} has an older {', '.join(one.split()[0] for one in old)} than the wizard.",
            evidence=", ".join(old),
            cause="The guest was set up by an earlier wizard, and takes no updates.",
            fix="wizard apply",
        )
    return passed(f"The packages of {wanted.name} are at least those of the wizard.")


@dataclass(frozen=True, slots=True)
class PackageCheck:
    """A check of one guest as data; `{name}` in the title is its name."""

    id: str
    title: str
    test: Test
    level: Level = Level.ERROR


PACKAGE_CHECKS = (
    PackageCheck("packages.installed", "{name} has the packages of its role", _there),
    PackageCheck("packages.whole", "No installation on {name} was cut off", _whole),
    PackageCheck("packages.version", "The packages of {name} are new enough", _new_enough, Level.WARNING),
)
"""What is asked of every guest that is given packages."""
