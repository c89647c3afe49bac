"""Plan: what every step finds missing. It only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from wizard.core.artifact import Need
from wizard.core.change import Change
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.decide.judgements import Decided
from wizard.core.engine.checks import WORKERS
from wizard.core.engine.order import in_order
from wizard.core.errors import HostError, RefusedError, RemoteError, WizardError
from wizard.core.events import HostState, Sink
from wizard.core.facts import HostFacts
from wizard.core.spec.machines import machine_document
from wizard.core.step import Step

PLAN_SCHEMA = 1
"""Version of the document `plan --json` prints."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step and what it would do."""

    step: Step
    changes: tuple[Change, ...] = ()
    error: WizardError | None = None
    """What kept it from finding out."""

    @property
    def status(self) -> str:
        """`done` (nothing to do), `changes` or `unknown`."""
        if self.error is not None:
            return "unknown"
        return "changes" if self.changes else "done"

    @property
    def losses(self) -> Mapping[tuple[str, str], int]:
        """How many things each change would destroy, by the id of the step and its key; the others are left out."""
        return {(self.step.id, one.key): len(one.destroys) for one in self.changes if one.destroys}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is missing, step by step, and the hosts nobody could ask."""

    steps: tuple[PlannedStep, ...]
    unreachable: tuple[tuple[str, WizardError], ...] = ()
    decided: Decided | None = None
    """Which machines are wanted and what was judged; None where a hypervisor that has to be asked did not answer."""
    measured: tuple[str, ...] = ()
    """What was measured last and how long ago: a plan measures nothing itself."""

    @property
    def changes(self) -> int:
        """How many changes there are."""
        return sum(len(item.changes) for item in self.steps)

    @property
    def destroys(self) -> int:
        """How many things would be lost."""
        return sum(self.losses.values())

    @property
    def losses(self) -> Mapping[tuple[str, str], int]:
        """The same of all steps."""
        return {loss: count for item in self.steps for loss, count in item.losses.items()}

    @property
    def needs(self) -> list[Need]:
        """Every file that a change will obtain, once."""
        return list(
            dict.fromkeys(need for item in self.steps for change in item.changes for need in change.needs)
        )

    @property
    def errors(self) -> list[WizardError]:
        """Every error once, hosts first."""
        found = [error for _, error in self.unreachable]
        found += [item.error for item in self.steps if item.error is not None and item.error not in found]
        return found


def prefetch(ctx: Context, hosts: Iterable[str], emit: Sink) -> list[tuple[str, WizardError]]:
    """Read the facts of the hosts side by side, so that steps find them in the cache.

    Args:
        ctx: the pass they are read for.
        hosts: names.
        emit: is told of each host as it is connected to.

    Returns:
        (host, error) of each that could not be asked.
    """
    names = list(hosts)
    if not names:
        return []
    pool = ThreadPoolExecutor(min(WORKERS, len(names)), thread_name_prefix="facts")
    try:
        return [item for item in pool.map(lambda name: _reach(ctx, name, emit), names) if item]
    finally:
        # Ctrl-C does not wait for a host that is slow to answer.
        pool.shutdown(wait=False, cancel_futures=True)


def prefetch_all(ctx: Context, emit: Sink) -> list[tuple[str, WizardError]]:
    """Read the facts of every host, then of every guest of ours that runs on them.

    Args:
        ctx: the pass they are read for.
        emit: is told of each as it is connected to.

    Returns:
        (host, error) of each host that could not be asked. A guest that cannot is the business of the step that made it.
    """
    unreachable = prefetch(ctx, (host.name for host in ctx.spec.hosts), emit)
    away = {name for name, _ in unreachable}
    prefetch(
        ctx,
        [one.name for one in ctx.spec.machines if one.host not in away and ctx.present(one.name)],
        emit,
    )
    return unreachable


def _reach(ctx: Context, name: str, emit: Sink) -> tuple[str, WizardError] | None:
    emit(HostState(host=name, status="connecting", detail=ctx.hosts[name].address))
    facts = ctx.try_facts(name)
    if isinstance(facts, HostFacts):
        emit(HostState(host=name, status="connected", detail=ctx.hosts[name].address))
        return None
    emit(HostState(host=name, status="failed", detail=facts.what))
    return name, facts


def make_plan(steps: Sequence[Step], ctx: Context, emit: Sink) -> Plan:
    """Ask every step what is missing.

    Args:
        steps: in the order of the story.
        ctx: a context whose hosts only read.
        emit: is told of hosts as they are connected to.

    Raises:
        StateError: our files and the hosts' markers do not belong together.
    """
    unreachable = prefetch_all(ctx, emit)
    return Plan(tuple(plan_step(step, ctx) for step in in_order(steps)), tuple(unreachable))


def plan_step(step: Step, ctx: Context) -> PlannedStep:
    """What one step finds missing, or the error that kept it from finding out."""
    try:
        return PlannedStep(step, tuple(step.changes(ctx)))
    except (HostError, RemoteError, RefusedError) as error:
        return PlannedStep(step, error=error)


def plan_json(plan: Plan, cluster: str) -> dict[str, object]:
    """The document of `plan --json` (design section 7)."""
    return {
        "schema": PLAN_SCHEMA,
        "cluster": cluster,
        "steps": [_step_json(item) for item in plan.steps],
        "changes": plan.changes,
        "destroys": plan.destroys,
        **(_decided_json(plan.decided) if plan.decided else {}),
        "measured": list(plan.measured),
        "unreachable": [
            {"host": host, "what": error.what, "why": error.why} for host, error in plan.unreachable
        ],
    }


def _decided_json(decided: Decided) -> dict[str, object]:
    layout = decided.layout
    return {
        "layout": {
            "proposed": layout.proposed,
            "approved_at": layout.approved_at,
            "machines": [machine_document(machine) for machine in layout.machines],
        },
        "decisions": [asdict(one) for one in decided.judged],
    }


def _step_json(item: PlannedStep) -> dict[str, object]:
    return {
        "id": item.step.id,
        "title": item.step.title,
        "status": item.status,
        "changes": [
            {
                "key": change.key,
                "host": change.host,
                "summary": change.summary,
                "destroys": list(change.destroys),
                "preview": change.preview,
            }
            for change in item.changes
        ],
    }
