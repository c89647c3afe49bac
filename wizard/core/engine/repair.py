"""Repair: of what a step finds missing, the part that mends a finding; and why it must not be carried out now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from wizard.core.change import Change
from wizard.core.check import Finding, Status
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.engine.plan import Plan, PlannedStep, plan_step
from wizard.core.errors import RefusedError, WizardError
from wizard.core.step import Step

BY_APPLY = "wizard apply"
"""The fix of a finding that says itself that its step's plan mends it."""

NOTHING_CHANGED = "Nothing was changed: running again is safe."


@dataclass(frozen=True, slots=True)
class Repair:
    """What would be done about findings of one step."""

    findings: tuple[Finding, ...]
    planned: PlannedStep | None = None
    """The step with the changes that mend them; None where it is refused."""
    refused: WizardError | None = None
    """Why nothing may be done, or why the wizard can do nothing."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What would be done, in order."""
        return self.planned.changes if self.planned else ()

    @property
    def plan(self) -> Plan:
        """The same as a plan."""
        return Plan((self.planned,) if self.planned else ())


def find_repair(steps: Sequence[Step], ctx: Context, findings: Sequence[Finding]) -> Repair:
    """What the step of some findings would do about them.

    Args:
        steps: all there are.
        ctx: this pass; its hosts only read.
        findings: of one check, as doctor told them.
    """
    return _repair(findings, ctx, lambda step: plan_step(_named(steps, step), ctx))


def mendable(steps: Sequence[Step], ctx: Context, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those of some findings that the wizard has a change for, and may carry it out now.

    Args:
        steps: all there are; each is planned once.
        ctx: this pass; its hosts only read.
        findings: as doctor told them, of any checks.
    """
    planned = cache(lambda step: plan_step(_named(steps, step), ctx))
    return tuple(one for one in findings if _repair((one,), ctx, planned).refused is None)


def _named(steps: Sequence[Step], name: str) -> Step:
    return next(one for one in steps if one.id == name)


def _repair(findings: Sequence[Finding], ctx: Context, plan: Callable[[str], PlannedStep]) -> Repair:
    wrong = tuple(one for one in findings if one.status in (Status.FAIL, Status.WARN))
    error = _not_now(findings, wrong, ctx)
    if error is not None:
        return Repair(tuple(findings), refused=error)
    planned = plan(wrong[0].step)
    step = planned.step
    changes = mending(planned.changes, wrong)
    error = planned.error or _risky(step, ctx, wrong, changes)
    if error is not None:
        return Repair(wrong, refused=error)
    return Repair(wrong, PlannedStep(step, changes))


def mending(changes: Sequence[Change], findings: Sequence[Finding]) -> tuple[Change, ...]:
    """Of a step's changes those that mend its findings, with all that must be done before and what then lacks nothing.

    A finding of a machine is mended by the changes that bear the machine's name in their key; one of the whole cluster
    by all of them, where it says itself that an apply mends it.

    Args:
        changes: of the step, as it planned them.
        findings: of one of its checks.
    """
    by_key = {one.key: one for one in changes}
    whole = any(not one.host and BY_APPLY in one.fix for one in findings)
    names = {one.host for one in findings if one.host}
    open_ = [one.key for one in changes if whole or one.key.partition(":")[2] in names]
    wanted: set[str] = set()
    while open_:
        key = open_.pop()
        wanted.add(key)
        open_ += [before for before in by_key[key].after if before in by_key and before not in wanted]
    for one in changes:
        # Proofs come last: they are made where everything they wait for is.
        waits = set(one.after) & set(by_key)
        if one.after and waits & wanted and waits <= wanted:
            wanted.add(one.key)
    return tuple(one for one in changes if one.key in wanted)


def _not_now(findings: Sequence[Finding], wrong: Sequence[Finding], ctx: Context) -> WizardError | None:
    """Why these findings are not mended, whatever their step would do."""
    first = findings[0]
    if not wrong:
        why = first.detail if first.status is Status.SKIP else "The check holds."
        return _refusal(first, "There is nothing to mend.", why, ("wizard doctor",))
    explained = next((one for one in wrong if one.explained_by), None)
    if explained is not None and all(one.explained_by for one in wrong):
        root = explained.explained_by
        why = f"It comes of {root}: {explained.detail}"
        return _refusal(explained, "Something else is to be mended first.", why, (f"wizard doctor {root}",))
    left = [record.summary for _, record in ctx.state.in_flight()]
    if left:
        why = f"An earlier run was left in the middle: {left[0]}."
        return _refusal(first, "The run that was left goes on first.", why, (BY_APPLY,))
    return None


def _risky(
    step: Step, ctx: Context, wrong: Sequence[Finding], changes: Sequence[Change]
) -> WizardError | None:
    first = wrong[0]
    if not changes:
        do = tuple(first.fix.splitlines()) or ("wizard doctor",)
        why = f"The step {step.title!r} finds nothing to change about it."
        return _refusal(first, "The wizard has no change that mends this.", why, do)
    risk = next(iter(step.risks(ctx, changes)), "")
    if risk:
        return _refusal(
            first, "This is not mended now: it would make things worse.", risk, ("wizard doctor",)
        )
    return None


def _refusal(finding: Finding, what: str, why: str, do: tuple[str, ...]) -> RefusedError:
    place = f"{finding.check} on {finding.host}" if finding.host else finding.check
    return RefusedError(what, where=place, why=why, do=do, again=NOTHING_CHANGED)
