"""What doctor found, put in the order a person needs: the root cause first, what it explains folded under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wizard.core.check import Finding, Status
from wizard.core.dataclass import dataclass
from wizard.core.session import DoctorReport
from wizard.core.text import printable
from wizard.core.view.columns import wrapped
from wizard.core.view.styled import Line, Tone, line

NAMED = 4
"""How many of the findings a cause explains are named; the table has them all."""
LABEL = 9
"""Columns of the words in front of evidence, cause and fix."""

SYMBOLS = {Status.PASS: "ok", Status.WARN: "!!", Status.FAIL: "xx", Status.SKIP: "--", Status.WAITING: ".."}
TONES = {
    Status.PASS: Tone.OK,
    Status.WARN: Tone.WARN,
    Status.FAIL: Tone.BAD,
    Status.SKIP: Tone.DIM,
    Status.WAITING: Tone.BUSY,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that is wrong and explained by nothing else, and what it explains."""

    finding: Finding
    explains: tuple[Finding, ...] = ()

    @property
    def explained_ids(self) -> tuple[str, ...]:
        """The ids of what it explains, each once."""
        return tuple(dict.fromkeys(one.check for one in self.explains))


@dataclass(frozen=True, slots=True)
class DoctorView:
    """A report as it is read: one sentence, the causes, the rest, the sum."""

    headline: str
    verdict: str
    """`ok`, `warn` or `fail`."""
    causes: tuple[Cause, ...]
    findings: tuple[Finding, ...]
    """All of them, in the order of the story."""
    sum: str

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What works and should not stay so, where failures are the causes."""
        mine = {id(cause.finding) for cause in self.causes}
        return tuple(one for one in self.findings if one.status is Status.WARN and id(one) not in mine)


def doctor_view(report: DoctorReport) -> DoctorView:
    """Put a report in order.

    Args:
        report: as found.
    """
    roots = report.root_causes
    found = [item for item in report.findings if _is_cause(item, roots)]
    found.sort(key=lambda item: roots.index(item.check))
    causes = tuple(Cause(item, tuple(_explained(item, report.findings))) for item in found)
    return DoctorView(
        _headline(report, causes), report.verdict, causes, report.findings, sum_text(report.findings)
    )


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each status.

    Args:
        findings: of one report.
    """
    found = Counter(item.status for item in findings)
    return {str(status): found[status] for status in Status if status is not Status.WAITING}


def sum_text(findings: Sequence[Finding]) -> str:
    """How many held, and how many did not.

    Args:
        findings: of one report.
    """
    found = counts(findings)
    warnings = "warning" if found["warn"] == 1 else "warnings"
    words = {"pass": "ok", "warn": warnings, "fail": "failed", "skip": "not checked"}
    parts = [f"{found[key]} {word}" for key, word in words.items() if found[key]]
    return " · ".join(parts) if parts else "No checks were asked for."


def cause_lines(cause: Cause, width: int = 0) -> list[Line]:
    """A cause with its evidence, likely cause and fix, as doctor tells it everywhere.

    Args:
        cause: to be told.
        width: columns; sentences are wrapped, commands stay whole so that they can be copied; 0 = nothing is.
    """
    item = cause.finding
    first = _fitted(item.detail, width - 3)
    lines = [line((SYMBOLS[item.status], TONES[item.status]), " ", (first[0], Tone.STRONG))]
    lines += [line("   ", (more, Tone.STRONG)) for more in first[1:]]
    lines += _labelled("seen", item.evidence, width)
    lines += _labelled("likely", item.cause, width)
    lines += _labelled("do", item.fix, 0, Tone.ACCENT)
    names = cause.explained_ids
    if names:
        more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines += _labelled("explains", f"{', '.join(names[:NAMED])}{more}", width, Tone.DIM)
    return lines


def _labelled(label: str, text: str, width: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    parts = [
        part
        for row in printable(text, keep_newlines=True).splitlines()
        for part in _fitted(row, width - 3 - LABEL)
    ]
    return [
        line("   ", (f"{label if not index else '':<{LABEL}}", Tone.DIM), (part, tone))
        for index, part in enumerate(parts)
    ]


def _fitted(text: str, width: int) -> list[str]:
    return wrapped(text, width, "", "") if width > 0 and len(text) > width else [text]


def finding_line(item: Finding) -> Line:
    """One finding in one line: symbol, what was asserted, where, and what was found if it does not hold.

    Args:
        item: the finding.
    """
    place = f" [{item.host}]" if item.host and item.host not in item.title else ""
    tail = f": {item.detail}" if item.status is not Status.PASS else ""
    return line((SYMBOLS[item.status], TONES[item.status]), "  ", f"{item.title}{place}{tail}")


def _is_cause(item: Finding, roots: Sequence[str]) -> bool:
    return item.check in roots and item.status in (Status.FAIL, Status.WARN) and not item.explained_by


def _explained(cause: Finding, findings: Sequence[Finding]) -> list[Finding]:
    return [
        item
        for item in findings
        if item.explained_by == cause.check and item.host in ("", cause.host) and item is not cause
    ]


def _headline(report: DoctorReport, causes: Sequence[Cause]) -> str:
    if report.verdict == "ok":
        return "All is well."
    if report.verdict == "warn":
        return "It works, and something should not stay as it is."
    explained = sum(1 for item in report.findings if item.explained_by)
    what = f"{len(causes)} cause{'s' if len(causes) != 1 else ''}"
    if not explained:
        return f"Something is wrong: {what}."
    verb = "explains" if len(causes) == 1 else "explain"
    return f"Something is wrong: {what} {verb} {explained} more finding{'s' if explained != 1 else ''}."
