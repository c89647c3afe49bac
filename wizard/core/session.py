"""One cluster, its hosts and its run state: what the command line and the screens talk to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from types import MappingProxyType

from wizard.core.artifact import Artifacts, NoArtifacts
from wizard.core.check import Finding, When
from wizard.core.context import Context, FactsCache, FactsReader
from wizard.core.dataclass import dataclass
from wizard.core.decide.approved import layout_inputs, with_approved
from wizard.core.decide.judgements import Decided, decided_in
from wizard.core.decide.kept import kept_decisions
from wizard.core.decide.last_measured import last_measured
from wizard.core.decide.layout import effective_machines
from wizard.core.engine.apply import ApplyResult, apply_part, apply_steps
from wizard.core.engine.changes import RECONNECT_PAUSES, Tools
from wizard.core.engine.checks import WORKERS, Assertion, root_causes, run_checks, verdict
from wizard.core.engine.control import Control
from wizard.core.engine.journal import Journal, StateSaver
from wizard.core.engine.order import in_order
from wizard.core.engine.plan import Plan, make_plan, prefetch, prefetch_all
from wizard.core.engine.repair import NOTHING_CHANGED, Repair, find_repair, mendable
from wizard.core.engine.resume import Standing, close_in_flight, settle_in_flight, standing
from wizard.core.errors import RefusedError, WizardError
from wizard.core.events import Event, RunFinished, RunStarted, Sink
from wizard.core.holder import ourselves
from wizard.core.host import Hosts, Reader, ReadOnlyHost
from wizard.core.kubeconfig import AdminSource
from wizard.core.kubernetes import Api, NoApi, ReadOnlyApi
from wizard.core.measurements import Measurements, MemoryMeasurements
from wizard.core.secrets import MemorySecrets, SecretKeeper
from wizard.core.spec import ClusterSpec
from wizard.core.state import ApprovedLayout, RunState
from wizard.core.step import Step

Approve = Callable[[Plan, Standing], bool]
"""Asks the person whether the plan shall be carried out, told how an earlier run was left; False changes nothing."""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What doctor found."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """`ok`, `warn` or `fail`."""
        return verdict(self.findings)

    @property
    def root_causes(self) -> list[str]:
        """Ids of what explains the rest."""
        return root_causes(self.findings)


@dataclass(frozen=True, slots=True)
class Session:
    """Everything a front end needs for one cluster; it may be used for several passes one after another."""

    spec: ClusterSpec
    hosts: Hosts
    steps: Sequence[Step]
    state: RunState
    saver: StateSaver
    read_facts: FactsReader
    emit: Sink
    control: Control = field(default_factory=Control)
    secrets: SecretKeeper = field(default_factory=MemorySecrets)
    artifacts: Artifacts = field(default_factory=NoArtifacts)
    measurements: Measurements = field(default_factory=MemoryMeasurements)
    kubernetes: Api = field(default_factory=NoApi)
    admin: AdminSource | None = None
    """Where the administrator's kubeconfig comes from."""
    pauses: Sequence[float] = RECONNECT_PAUSES

    def __post_init__(self) -> None:
        """Leave out the steps that are none of this homelab's."""
        ours = tuple(step for step in self.steps if step.concerns(self.spec, self.state))
        object.__setattr__(self, "steps", ours)

    def context(self, spec: ClusterSpec | None = None) -> Context:
        """A fresh pass: nothing cached, hosts wrapped so that they only read.

        Args:
            spec: with the machines that were agreed on in this run; otherwise it is the session's own, with those of
                the last apply where it names none.
        """
        wanted = spec or with_approved(self.spec, self.state.layout)
        readers: dict[str, Reader] = {host.name: ReadOnlyHost(self.hosts[host.name]) for host in wanted.hosts}
        cache = FactsCache(readers, self.read_facts)
        api = ReadOnlyApi(self.kubernetes, cache)
        more = (self.secrets, self.artifacts, self.measurements, api)
        return self._with_machines(Context(wanted, readers, self.state, cache, *more), wanted)

    def settled(self) -> Context:
        """A fresh pass that knows which machines are wanted: those that nobody named are proposed from the facts.

        Where a hypervisor cannot be asked nothing is proposed: the machines of the others could be other ones.
        """
        ctx = self.context()
        if not ctx.spec.propose or ctx.spec.machines:
            return ctx
        prefetch(ctx, [host.name for host in ctx.spec.hosts], _tell_nobody)
        facts = ctx.known_facts()
        if any(host.name not in facts for host in ctx.spec.hypervisors):
            return ctx
        return self._with_machines(ctx, replace(ctx.spec, machines=effective_machines(ctx.spec, facts)))

    def _with_machines(self, ctx: Context, spec: ClusterSpec) -> Context:
        self.hosts.know(spec.machines)
        self.kubernetes.know(spec.machines)
        if self.admin is not None:
            self.admin.know(spec.machines)
        guests = {machine.name: ReadOnlyHost(self.hosts[machine.name]) for machine in spec.machines}
        readers = {**ctx.hosts, **guests}
        return replace(ctx, spec=spec, hosts=readers, cache=replace(ctx.cache, hosts=readers))

    def facts(self, names: Sequence[str] = ()) -> Context:
        """Read the facts of the named hosts (all when none is named); errors are kept in the context."""
        ctx = self.context()
        prefetch(ctx, names or [host.name for host in self.spec.hosts], self.emit)
        return ctx

    def plan(self) -> tuple[Plan, Standing]:
        """What is missing, and how it stands against what we remember. Only reads."""
        with self._pass("plan") as end:
            ctx = self.settled()
            plan = _decided(make_plan(self.steps, ctx, self.emit), ctx)
            end(plan.changes, "failed" if plan.errors else "done")
        return plan, standing(self.state, plan, ctx.spec.flatten())

    def doctor(self, only: Sequence[str] = ()) -> DoctorReport:
        """Run the steps' after-checks, all hosts side by side. Only reads.

        Args:
            only: ids of checks or steps; everything when empty.
        """
        with self._pass("doctor") as end:
            ctx = self.settled()
            prefetch_all(ctx, self.emit)
            wanted = [item for item in assertions(self.steps, ctx) if selected(item, only)]
            report = DoctorReport(tuple(run_checks(wanted, ctx, self.emit, self.control)))
            end(0, "failed" if report.verdict == "fail" else "done")
        return report

    def check_ids(self) -> list[str]:
        """The ids of the checks doctor makes, in the order of the story; no host is asked."""
        return list(dict.fromkeys(item.check.id for item in assertions(self.steps, self.context())))

    def apply(self, approve: Approve) -> ApplyResult:
        """Bring about what is missing, after the person said yes to the plan.

        The caller holds the lock on the run state. Every host we can reach is locked for the run once there is
        something to do; the facts are read again under the lock, so that nobody else's work is overwritten.

        Raises:
            StateError: another operator holds a host, or the state could not be saved.
            HostError: a host was lost while it was being locked; no change was begun.
        """
        with self._pass("apply") as end:
            result = self._apply(approve)
            end(result.changes, result.status)
        return result

    def _apply(self, approve: Approve) -> ApplyResult:
        journal = Journal(self.state, self.saver)
        ctx = self.settled()
        tools = self._tools(ctx.spec, journal)
        plan = _decided(make_plan(self.steps, ctx, self.emit), ctx)
        refused = [error for error in plan.errors if isinstance(error, RefusedError)]
        if refused:
            return ApplyResult(failed=["plan"], errors=list(refused))
        lacking = self.artifacts.lacking(plan.needs)
        if lacking is not None:
            return ApplyResult(failed=["plan"], errors=[lacking])
        if plan.changes == 0 and not journal.state.in_flight():
            return _with_unreachable(apply_steps(self.steps, ctx, tools), plan)
        if not approve(plan, standing(self.state, plan, ctx.spec.flatten())):
            return ApplyResult(stopped=True)
        tools = replace(tools, losses=plan.losses)
        journal.replace(agreed(journal.state, ctx, plan.decided))
        with ExitStack() as locks:
            self._lock_hosts(plan, journal.state, locks)
            ctx = replace(self.context(ctx.spec), state=journal.state)
            if journal.state.in_flight():
                settle_in_flight(journal, ctx.hosts, self.emit, self.control)
                # An operation that ended just now left its marker with the serial of its own run. Taking the lock
                # is what raises it, and a state that is older than ours shall be refused from here on.
                locks.close()
                self._lock_hosts(plan, journal.state, locks)
            plan = make_plan(self.steps, ctx, self.emit)
            close_in_flight(journal, plan)
            return _with_unreachable(apply_steps(self.steps, ctx, tools), plan)

    def repair(self, findings: Sequence[Finding], approve: Approve) -> ApplyResult:
        """Bring about the part of one step's plan that mends findings of one of its checks, after the person said yes.

        The caller holds the lock on the run state; hosts are locked as for an apply.

        Args:
            findings: of one check, as doctor told them.
            approve: shown what would be done.

        Raises:
            RefusedError: the wizard has no change that mends them, or to make it now would make things worse.
            StateError: another operator holds a host, or the state could not be saved.
            HostError: a host was lost while it was being locked; no change was begun.
        """
        titles = [step for step in self.steps if step.id == findings[0].step]
        with self._pass("apply", titles) as end:
            result = self._repair(findings, approve)
            end(result.changes, result.status)
        return result

    def find_repair(self, findings: Sequence[Finding]) -> Repair:
        """What would be done about findings of one check. Only reads.

        Args:
            findings: as doctor told them.
        """
        ctx = self.settled()
        prefetch_all(ctx, _tell_nobody)
        return find_repair(self.steps, ctx, findings)

    def mendable(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Those of some findings that `repair` would do something about. Only reads.

        Args:
            findings: as doctor told them, of any checks.
        """
        ctx = self.settled()
        prefetch_all(ctx, _tell_nobody)
        return mendable(self.steps, ctx, findings)

    def _repair(self, findings: Sequence[Finding], approve: Approve) -> ApplyResult:
        found = _not_refused(self.find_repair(findings))
        if not approve(found.plan, standing(self.state, found.plan, self.state.answers)):
            return ApplyResult(stopped=True)
        journal = Journal(replace(self.state, serial=self.state.serial + 1), self.saver)
        journal.replace(journal.state)
        with ExitStack() as locks:
            ctx = self.settled()
            away = {host for host, _ in prefetch_all(ctx, self.emit)}
            self._lock([one.name for one in self.spec.hosts if one.name not in away], journal.state, locks)
            ctx = replace(self.settled(), state=journal.state)
            again = _not_refused(find_repair(self.steps, ctx, findings))
            shown = found.plan.losses
            more = [loss for loss, count in again.plan.losses.items() if count > shown.get(loss, 0)]
            lost = [
                loss for one in again.changes if (findings[0].step, one.key) in more for loss in one.destroys
            ]
            if lost or again.planned is None:
                raise _another_repair(lost)
            tools = replace(self._tools(ctx.spec, journal), losses=shown)
            result = apply_part(again.planned, ctx, tools)
            result.state = journal.state
            return result

    def _tools(self, spec: ClusterSpec, journal: Journal) -> Tools:
        more = (self.pauses, self.secrets, self.artifacts, self.kubernetes)
        return Tools(spec, self.hosts, journal, self.emit, self.control, *more)

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[Hosts]:
        """Hold hosts as `apply` does, for a command that writes to them and changes nothing of the cluster.

        The caller holds the lock on the run state.

        Args:
            names: of hosts of the spec that can be reached.

        Raises:
            StateError: another operator holds one of them, or it belongs to another cluster.
            HostError: one was lost while it was being locked.
        """
        with ExitStack() as locks:
            self._lock(names, self.state, locks)
            yield self.hosts

    def _lock_hosts(self, plan: Plan, state: RunState, locks: ExitStack) -> None:
        away = {host for host, _ in plan.unreachable}
        self._lock([host.name for host in self.spec.hosts if host.name not in away], state, locks)

    def _lock(self, names: Sequence[str], state: RunState, locks: ExitStack) -> None:
        from concurrent.futures import ThreadPoolExecutor

        held = [self.hosts[name].run_lock(str(ourselves()), state.serial, state.lineage) for name in names]
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="lock") as pool:
            futures = [pool.submit(lock.__enter__) for lock in held]
        errors = [future.exception() for future in futures]
        for lock, error in zip(held, errors, strict=True):
            if error is None:
                locks.push(lock)
        for error in errors:
            if error is not None:
                raise error

    def _pass(self, command: str, steps: Sequence[Step] | None = None) -> _Pass:
        titles = tuple((step.id, step.title) for step in steps or in_order(self.steps))
        return _Pass(command, self.spec.name, titles, self.emit)


def _not_refused(found: Repair) -> Repair:
    if found.refused is not None:
        raise found.refused
    return found


def _another_repair(lost: Sequence[str]) -> RefusedError:
    return RefusedError(
        "Meanwhile it would take something else to mend this.",
        where="the hosts, looked at again under the lock",
        why=f"It would destroy {lost[0]}." if lost else "There is nothing left to change.",
        do="wizard doctor",
        again=NOTHING_CHANGED,
    )


def agreed(state: RunState, ctx: Context, decided: Decided | None) -> RunState:
    """The state of a run that somebody said yes to: its answers, the machines that stay from now on, and why.

    Args:
        state: of the runs before.
        ctx: what was looked at when the plan was made.
        decided: what was shown with the plan.
    """
    facts, layout, kept = ctx.known_facts(), state.layout, state.decisions
    if ctx.spec.machines and (layout is None or layout.machines != ctx.spec.machines):
        layout = ApprovedLayout(ctx.spec.machines, time.time(), layout_inputs(ctx.spec, facts))
    if decided is not None:
        kept = MappingProxyType(kept_decisions(ctx.spec, facts, decided))
    return replace(state, serial=state.serial + 1, answers=ctx.spec.flatten(), layout=layout, decisions=kept)


def _decided(plan: Plan, ctx: Context) -> Plan:
    """The plan with what was decided for it; undecided as long as a hypervisor that has to be asked does not answer."""
    if ctx.spec.propose and not ctx.spec.machines:
        return plan
    measured = last_measured(ctx.spec, ctx.measurements, time.time())
    return replace(plan, decided=decided_in(ctx), measured=measured)


def _tell_nobody(_event: Event) -> None:
    """Hosts are connected to before the plan is made; who makes it tells of it."""


class _Pass:
    """Says that a pass begins and, whatever happens in it, how it ended."""

    def __init__(self, command: str, cluster: str, steps: tuple[tuple[str, str], ...], emit: Sink) -> None:
        self._command = command
        self._emit = emit
        self._began = time.monotonic()
        self._end = (0, "failed")
        emit(RunStarted(command=command, cluster=cluster, steps=steps))

    def __enter__(self) -> Callable[[int, str], None]:
        return self._set

    def _set(self, changes: int, status: str) -> None:
        self._end = (changes, status)

    def __exit__(self, *_: object) -> None:
        changes, status = self._end
        seconds = round(time.monotonic() - self._began, 3)
        event: Event = RunFinished(command=self._command, status=status, changes=changes, seconds=seconds)
        self._emit(event)


def assertions(steps: Sequence[Step], ctx: Context) -> Iterator[Assertion]:
    """Every check doctor makes, in the order of the story."""
    for step in in_order(steps):
        yield from (Assertion(step.id, check) for check in step.checks(ctx) if check.when is When.AFTER)


def selected(item: Assertion, only: Sequence[str]) -> bool:
    """Whether a check was asked for: by its id, the step's id, or the beginning of its id up to a dot."""
    names = {item.step, item.check.id, item.check.id.split(".")[0]}
    return not only or bool(names & set(only))


def _with_unreachable(result: ApplyResult, plan: Plan) -> ApplyResult:
    seen: list[WizardError] = [error for _, error in plan.unreachable]
    result.errors = seen + [error for error in result.errors if error not in seen]
    return result
