"""Assertions about the world, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.errors import RESUMES, WizardError

if TYPE_CHECKING:
    from wizard.core.context import Context


class When(StrEnum):
    """When a check is made: before the step's changes, or after them (and by doctor)."""

    BEFORE = "before"
    AFTER = "after"


class Level(StrEnum):
    """What a failed check means for the run."""

    FATAL = "fatal"
    """The step's changes are not begun."""
    ERROR = "error"
    WARNING = "warning"


class Status(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. A check fills what it knows; the engine stamps id, title, step, level and seconds."""

    status: Status
    detail: str
    """One sentence."""
    evidence: str = ""
    """What was seen, literally."""
    cause: str = ""
    """The likely cause, as a sentence."""
    fix: str = ""
    """The exact command that mends it."""
    check: str = ""
    step: str = ""
    title: str = ""
    host: str = ""
    level: Level = Level.ERROR
    hint: str = ""
    """Anchor in the guide."""
    explained_by: str = ""
    """The check whose failure explains this one."""
    seconds: float = 0.0

    @property
    def unseen(self) -> bool:
        """Whether it could not be looked at because of something else that is broken."""
        return self.status is Status.SKIP and bool(self.explained_by)


@dataclass(frozen=True, slots=True)
class Check:
    """An assertion in the present tense ("Clocks agree with each other")."""

    id: str
    """`step.subject`, stable: it is an anchor in the guide and a key in waivers."""
    title: str
    run: Callable[[Context], Finding]
    when: When = When.AFTER
    level: Level = Level.ERROR
    host: str = ""
    """The one host it looks at; empty = the whole cluster."""
    retry: float = 0.0
    """Seconds a failing check is tried again before it counts as failed."""
    timeout: float = 30.0
    """Seconds one try may take."""


def passed(detail: str, *, evidence: str = "") -> Finding:
    """A finding of a check that holds."""
    return Finding(Status.PASS, detail, evidence)


def warned(detail: str, *, evidence: str = "", cause: str = "", fix: str = "") -> Finding:
    """A finding of something that works and should not stay so."""
    return Finding(Status.WARN, detail, evidence, cause, fix)


def failed(detail: str, *, evidence: str = "", cause: str = "", fix: str = "") -> Finding:
    """A finding of a check that does not hold."""
    return Finding(Status.FAIL, detail, evidence, cause, fix)


def skipped(detail: str) -> Finding:
    """A finding of a check that could not or need not be made; the detail says why."""
    return Finding(Status.SKIP, detail)


def unmet(finding: Finding) -> WizardError:
    """A finding that kept a run from its end, as an error: for those who read no doctor's report.

    Args:
        finding: as the engine stamped it.
    """
    place = finding.host or "the cluster"
    return WizardError(
        finding.detail,
        where=f"{place}, check {finding.check}" + (f": {finding.evidence}" if finding.evidence else ""),
        why=finding.cause or finding.title,
        do=tuple(finding.fix.splitlines()) or "wizard doctor",
        again=RESUMES,
    )


def told(error: WizardError) -> Finding:
    """An error as a finding that failed."""
    return failed(error.what, evidence=error.where, cause=error.why, fix="\n".join(error.do))
