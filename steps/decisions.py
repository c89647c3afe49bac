"""What was decided for this homelab: it fits, and nothing of it is what one loss would take down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, Status
from wizard.core.context import Context
from wizard.core.decide.judgements import CHECKS, STORAGE, SURVIVOR, Decided, Judgement, decided_in
from wizard.core.errors import RefusedError
from wizard.core.step import Step

STATUS = {
    "holds": Status.PASS,
    "warning": Status.WARN,
    "accepted": Status.WARN,
    "refused": Status.FAIL,
}


class Decisions(Step):
    """Storage, machines and failure domains, judged on the hosts as they are."""

    id = "decisions"
    title = "Decisions"
    summary = "Judge storage, machines and failure domains on what the hosts are"
    needs = ("discover",)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """One for each decision, in the words of `wizard storage`, `wizard layout` and `wizard prove`."""
        for check, title in CHECKS.items():
            level = Level.WARNING if check in (STORAGE, SURVIVOR) else Level.ERROR
            yield Check(check, title, partial(_judged, check=check), level=level)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """Never one; but nothing is built that is refused.

        Raises:
            RefusedError: every refusal, with the keys of the spec that accept them.
        """
        refused = _decided(ctx).refused
        if refused:
            rules = [f"rule {one.check}{f': {one.evidence}' if one.evidence else ''}" for one in refused]
            raise RefusedError(
                " ".join(one.text for one in refused),
                where="the spec, " + "; ".join(rules),
                why=" ".join(dict.fromkeys(one.why for one in refused)),
                do=tuple(dict.fromkeys(line for one in refused for line in one.do.splitlines())),
            )
        yield from ()


def _decided(ctx: Context) -> Decided:
    """The decisions of this pass.

    Raises:
        HostError: no machines could be proposed, since this hypervisor cannot be asked.
        RemoteError: as above.
    """
    if ctx.spec.propose and not ctx.spec.machines:
        for host in ctx.spec.hypervisors:
            ctx.facts(host.name)
    return decided_in(ctx)


def _judged(ctx: Context, *, check: str) -> Finding:
    return _finding(next(one for one in _decided(ctx).judged if one.check == check))


def _finding(one: Judgement) -> Finding:
    return Finding(STATUS[one.verdict], one.text, one.evidence, one.why, one.do)
