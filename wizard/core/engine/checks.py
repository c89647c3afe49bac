"""Runs checks: in parallel, each with its deadline and retries, and says what explains what."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import date

from wizard.core.check import Check, Finding, Level, Status, When, failed, skipped, told
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.engine.control import Control
from wizard.core.errors import HostError, WizardError
from wizard.core.events import CheckFinished, Sink
from wizard.core.spec.model import ClusterSpec

WORKERS = 16
"""Hosts worked on at the same time; a homelab has fewer than that."""

CHECKS_AT_ONCE = 128
"""Most of the checks only wait for an answer that another has asked for. With few at a time, those that wait for the
slowest machine would keep the first question from the others."""

RETRY_PAUSE = 2.0
"""Seconds between two tries of a failing check."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A check and the step it belongs to."""

    step: str
    check: Check


def run_checks(
    assertions: Sequence[Assertion], ctx: Context, emit: Sink, control: Control | None = None
) -> list[Finding]:
    """Make every check and report each as it ends.

    Args:
        assertions: what to check, in the order the findings are wanted.
        ctx: a context whose hosts only read.
        emit: is told of each finding, waiting ones included.
        control: lets go of retries when the person stops the run.

    Returns:
        One finding per assertion, in the order given.
    """
    if not assertions:
        return []
    pool = ThreadPoolExecutor(min(CHECKS_AT_ONCE, len(assertions)), thread_name_prefix="check")
    try:
        futures = [pool.submit(_patiently, item, ctx, emit, control or Control()) for item in assertions]
        return [_finding(item, future, emit) for item, future in zip(assertions, futures, strict=True)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _finding(item: Assertion, future: Future[Finding], emit: Sink) -> Finding:
    limit = item.check.timeout + item.check.retry + RETRY_PAUSE
    wait([future], timeout=limit)
    if future.done():
        return future.result()
    finding = _stamped(item, failed(f"No answer within {limit:.0f} s."), limit)
    emit(CheckFinished(finding=finding))
    return finding


def _patiently(item: Assertion, ctx: Context, emit: Sink, control: Control) -> Finding:
    began, until = time.monotonic(), control.clock() + item.check.retry
    while True:
        finding = _stamped(item, _once(item.check, ctx), time.monotonic() - began)
        again = until - control.clock()
        if finding.status is not Status.FAIL or again <= 0 or control.stop.is_set():
            finding = _accepted(item.check, finding, ctx.spec)
            emit(CheckFinished(finding=finding))
            return finding
        emit(CheckFinished(finding=replace(finding, status=Status.WAITING)))
        control.stop.wait(min(RETRY_PAUSE, again))
        ctx.cache.forget(item.check.host)
        ctx.cache.forget_answers()


def _accepted(check: Check, finding: Finding, spec: ClusterSpec) -> Finding:
    """A failure that the spec accepts by name is a warning. What must hold before anything is changed is no such thing."""
    if finding.status is not Status.FAIL or check.when is When.BEFORE or not spec.waivers:
        return finding
    waiver = spec.waiver(check.id, date.today().isoformat())
    if waiver is None:
        return finding
    detail = f"{finding.detail} Accepted until {waiver.until}: {waiver.reason.rstrip('.')}."
    return replace(finding, status=Status.WARN, detail=detail)


def _once(check: Check, ctx: Context) -> Finding:
    try:
        return check.run(ctx)
    except HostError as error:
        return replace(skipped(f"Not checked: {error.what}"), explained_by=_explains(error, check, ctx))
    except WizardError as error:
        return told(error)


def _explains(error: HostError, check: Check, ctx: Context) -> str:
    """A guest that does not answer is one of our machines, which has checks of its own."""
    if check.host in {machine.name for machine in ctx.spec.machines}:
        return GUEST_CHECK
    return explains(error)


GUEST_CHECK = "machines.answers"
"""The check that fails where a guest cannot be reached, whatever the reason."""


def explains(error: HostError) -> str:
    """The id of the check that fails for this kind of error, so that the ones above it point at it."""
    return HOST_CHECKS.get(type(error).__name__, "hosts.reach")


HOST_CHECKS = {
    "UnreachableError": "hosts.reach",
    "LinkLostError": "hosts.reach",
    "HostKeyUnknownError": "hosts.key",
    "HostKeyChangedError": "hosts.key",
    "AuthError": "hosts.login",
    "PrivilegeError": "hosts.root",
}
"""Which check stands for which way a host can be out of reach."""


def _stamped(item: Assertion, finding: Finding, seconds: float) -> Finding:
    check = item.check
    status = finding.status
    if status is Status.FAIL and check.level is Level.WARNING:
        status = Status.WARN
    return replace(
        finding,
        status=status,
        check=check.id,
        step=item.step,
        title=check.title,
        host=finding.host or check.host,
        level=check.level,
        hint=check.id,
        seconds=round(seconds, 3),
    )


def root_causes(findings: Iterable[Finding]) -> list[str]:
    """The ids of what is wrong and explained by nothing else: failures where there are any, else warnings.

    What explains most comes first, otherwise the order of the story.
    """
    found = list(findings)
    weight = Counter(item.explained_by for item in found)
    for status in (Status.FAIL, Status.WARN):
        ids = dict.fromkeys(item.check for item in found if item.status is status and not item.explained_by)
        if ids:
            return sorted(ids, key=lambda name: -weight[name])
    return []


def verdict(findings: Iterable[Finding]) -> str:
    """`fail` if anything failed, `warn` if anything should not stay so, else `ok`."""
    statuses = {item.status for item in findings}
    if Status.FAIL in statuses:
        return "fail"
    return "warn" if Status.WARN in statuses else "ok"
