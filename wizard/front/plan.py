"""The plan and how an earlier run was left, as text."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.change import Change
from wizard.core.engine.plan import Plan, PlannedStep
from wizard.core.engine.resume import Standing
from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.core.view.decided import decided_block, measured_block
from wizard.core.view.resume import answer_text, count, groups

INDENT = " " * 6


def plan_text(plan: Plan, left: Standing, cluster: str) -> str:
    """Everything the plan found, step by step, and what it would destroy.

    Args:
        plan: as made.
        left: how it stands against the run state.
        cluster: its name.
    """
    lines = [f"Plan for {printable(cluster)}", ""]
    lines += standing_lines(left)
    lines += decided_block(plan.decided)
    lines += measured_block(plan.measured)
    for item in plan.steps:
        lines += _step(item)
    lines += ["", _sum(plan)]
    return "\n".join(lines)


def standing_lines(left: Standing) -> list[str]:
    """What an earlier run left behind: still true, drifted, half done, not started, and the answers that changed."""
    lines = [line for group in groups(left) for line in _group(group.word, group.names)]
    if left.answers:
        lines.append("  answers that changed since the last apply:")
        lines += [f"{INDENT}{answer_text(*row)}" for row in left.answers]
    return ["Since the last run:", *lines, ""] if lines else []


def _group(word: str, names: tuple[str, ...]) -> Iterator[str]:
    yield f"  {word + ':':<21} {printable(names[0])}"
    for name in names[1:]:
        yield f"  {'':<21} {printable(name)}"


def _step(item: PlannedStep) -> Iterator[str]:
    symbol = {"done": "ok", "changes": "..", "unknown": "!!"}[item.status]
    detail = {"done": "nothing to do", "changes": item.step.summary, "unknown": ""}[item.status]
    detail = detail or (printable(item.error.what) if item.error else "")
    yield f"  {symbol}  {item.step.title:<14} {detail}"
    for change in item.changes:
        yield from _change(change)


def _change(change: Change) -> Iterator[str]:
    yield f"{INDENT}{change.host:<10} {printable(change.summary)}"
    for line in printable(change.preview, keep_newlines=True).splitlines():
        yield f"{INDENT}{'':<10}   {line}"
    for loss in change.destroys:
        yield f"{INDENT}{'':<10} !! destroys {printable(loss)}"


def _sum(plan: Plan) -> str:
    if plan.changes == 0:
        return "Nothing to do." if not plan.errors else "Nothing to do as far as could be seen."
    return f"{count(plan.changes)} to make, {plan.destroys or 'nothing'} destroyed."


def unreachable_text(errors: list[WizardError]) -> str:
    """Which errors kept us from seeing everything, one line each."""
    return "\n".join(f"!! {printable(error.what)} ({printable(error.why)})" for error in errors)
