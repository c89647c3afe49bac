"""What doctor found: the root cause first, the evidence, the exact command that mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from wizard.core.check import Finding, Status
from wizard.core.session import DoctorReport
from wizard.core.text import printable

DOCTOR_SCHEMA = 1
"""Version of the document `doctor --json` prints."""

NAMED = 4
"""How many of the findings a cause explains are named; the table has them all."""

SYMBOLS = {Status.PASS: "ok", Status.WARN: "!!", Status.FAIL: "xx", Status.SKIP: "--", Status.WAITING: ".."}


def doctor_json(report: DoctorReport, cluster: str) -> dict[str, object]:
    """The document of `doctor --json` (design section 7)."""
    return {
        "schema": DOCTOR_SCHEMA,
        "cluster": cluster,
        "verdict": report.verdict,
        "root_causes": report.root_causes,
        "findings": [_finding_json(item) for item in report.findings],
        "counts": counts(report.findings),
    }


def _finding_json(item: Finding) -> dict[str, object]:
    return {
        "id": item.check,
        "step": item.step,
        "host": item.host,
        "level": str(item.level),
        "status": str(item.status),
        "title": item.title,
        "detail": item.detail,
        "evidence": item.evidence,
        "cause": item.cause,
        "fix": item.fix,
        "hint": item.hint,
        "explained_by": item.explained_by,
        "seconds": item.seconds,
    }


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each status."""
    found = Counter(item.status for item in findings)
    return {str(status): found[status] for status in Status if status is not Status.WAITING}


def doctor_text(report: DoctorReport, *, short: bool = False) -> str:
    """The report a person reads.

    Args:
        report: as found.
        short: only what is wrong.
    """
    roots = report.root_causes
    causes = [item for item in report.findings if _is_cause(item, roots)]
    causes.sort(key=lambda item: roots.index(item.check))
    lines = [_headline(report, causes), ""]
    for item in causes:
        lines += [*_cause(item, _explained(item, report.findings)), ""]
    if not short:
        lines += [*_table(report.findings), ""]
    lines.append(_sum(report.findings))
    return "\n".join(lines)


def _is_cause(item: Finding, roots: Sequence[str]) -> bool:
    return item.check in roots and item.status in (Status.FAIL, Status.WARN) and not item.explained_by


def _explained(cause: Finding, findings: Sequence[Finding]) -> list[Finding]:
    return [
        item
        for item in findings
        if item.explained_by == cause.check and item.host in ("", cause.host) and item is not cause
    ]


def _headline(report: DoctorReport, causes: Sequence[Finding]) -> str:
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


def _cause(item: Finding, explained: Sequence[Finding]) -> Iterator[str]:
    yield f"{SYMBOLS[item.status]} {printable(item.detail)}"
    rows = [("seen", item.evidence), ("likely", item.cause), ("do", item.fix)]
    for label, text in rows:
        for index, line in enumerate(printable(text, keep_newlines=True).splitlines()):
            yield f"   {label if index == 0 else '':<9}{line}"
    if explained:
        names = list(dict.fromkeys(one.check for one in explained))
        more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"   {'explains':<9}{', '.join(names[:NAMED])}{more}"


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    step = ""
    for item in findings:
        if item.step != step:
            step = item.step
            yield step
        place = f" [{item.host}]" if item.host and item.host not in item.title else ""
        tail = f": {printable(item.detail)}" if item.status is not Status.PASS else ""
        yield f"  {SYMBOLS[item.status]}  {printable(item.title)}{place}{tail}"


def _sum(findings: Sequence[Finding]) -> str:
    found = counts(findings)
    words = {"pass": "ok", "warn": "warnings", "fail": "failed", "skip": "not checked"}
    parts = [f"{found[key]} {word}" for key, word in words.items() if found[key]]
    return " · ".join(parts) if parts else "No checks were asked for."
