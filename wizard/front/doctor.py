"""What doctor found, as text and as one JSON document; the order is that of `wizard.core.view.findings`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wizard.core.check import Finding
from wizard.core.session import DoctorReport
from wizard.core.view.findings import cause_lines, counts, doctor_view, finding_line
from wizard.core.view.styled import plain

DOCTOR_SCHEMA = 1
"""Version of the document `doctor --json` prints."""


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


def doctor_text(report: DoctorReport, *, short: bool = False) -> str:
    """The report a person reads.

    Args:
        report: as found.
        short: only what is wrong.
    """
    view = doctor_view(report)
    lines = [view.headline, ""]
    for cause in view.causes:
        lines += [plain(cause_lines(cause)), ""]
    if not short:
        lines += [*_table(report.findings), ""]
    lines.append(view.sum)
    return "\n".join(lines)


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    step = ""
    for item in findings:
        if item.step != step:
            step = item.step
            yield step
        yield f"  {plain([finding_line(item)])}"
