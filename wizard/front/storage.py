"""What `wizard storage` prints: each way to keep data with its verdict, what it rests on, and how its project is doing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from wizard.core.decide.storage import Reason, StorageDecision, Verdict
from wizard.core.decide.storage_data import Health, Story
from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.core.view.columns import WIDTH, hanging

STORAGE_SCHEMA = 1
"""Version of the JSON document."""

_INDENT = 6
"""Columns before the text of a requirement: two blanks, a symbol, two blanks more."""
_TITLE = 32
"""Columns of a candidate's title in the first table."""

WORDS = {"fits": "fits", "conditions": "with conditions", "rejected": "rejected"}


def storage_json(decision: StorageDecision, cluster: str, errors: Sequence[WizardError]) -> dict[str, object]:
    """The document of `storage --json` (design section 7).

    Args:
        decision: as made.
        cluster: its name.
        errors: why the hosts the decision does not know could not be asked, in their order.
    """
    return {
        "schema": STORAGE_SCHEMA,
        "cluster": cluster,
        "chosen": decision.chosen,
        "warning": decision.warning,
        "as_of": decision.as_of,
        "unknown_hosts": {name: error.what for name, error in zip(decision.unknown, errors, strict=True)},
        "verdicts": [_verdict_json(one) for one in decision.verdicts],
        "story": asdict(decision.story),
    }


def _verdict_json(verdict: Verdict) -> dict[str, object]:
    return {
        "kind": verdict.kind,
        "title": verdict.title,
        "verdict": verdict.verdict,
        "summary": verdict.summary,
        "reasons": [asdict(reason) for reason in verdict.reasons],
        "health": [asdict(row) for row in verdict.health.rows],
    }


def storage_text(decision: StorageDecision, cluster: str, *, width: int = WIDTH) -> str:
    """The verdicts as a person reads them: the table first, then each candidate, then why.

    Args:
        decision: as made.
        cluster: its name.
        width: columns of the terminal.
    """
    lines = [*_overview(decision, cluster, width), ""]
    for verdict in decision.verdicts:
        lines += [*_candidate(verdict, width), ""]
    lines += _story(decision.story, width)
    return "\n".join(lines)


def _overview(decision: StorageDecision, cluster: str, width: int) -> Iterator[str]:
    yield printable(f"Where the data of {cluster} could live")
    yield ""
    for one in decision.verdicts:
        mark = ">" if one.kind == decision.chosen else " "
        yield f" {mark} {one.title:<{_TITLE}}{WORDS[one.verdict]}"
    yield ""
    yield from hanging(
        f"> is what the spec says. ok met, xx not met, !! not met but no obstacle, ?? not known, "
        f"-- for information. Facts on the projects: {decision.as_of}.",
        "",
        width,
    )
    if decision.unknown:
        yield from hanging(f"Not asked: {', '.join(decision.unknown)}.", "?? ", width)
    if decision.warning:
        yield ""
        yield from hanging(decision.warning, "!! ", width)


def _candidate(verdict: Verdict, width: int) -> Iterator[str]:
    head = f"{verdict.title}: {WORDS[verdict.verdict]}"
    yield head
    yield "-" * len(head)
    yield from hanging(f"{verdict.what[:1].upper()}{verdict.what[1:]}. {verdict.summary}", "", width)
    for _, rows in groupby(verdict.reasons, key=lambda reason: reason.id):
        yield from _requirement(list(rows), width)
    yield from _health(verdict.health, width)


def symbol(reason: Reason) -> str:
    """How a reason is marked."""
    if reason.met:
        return "ok"
    if reason.level == "info":
        return "--"
    if reason.met is None:
        return "??"
    return "xx" if reason.level == "must" else "!!"


_WORST = ("xx", "??", "!!", "--", "ok")


def _requirement(rows: Sequence[Reason], width: int) -> Iterator[str]:
    worst = min((symbol(row) for row in rows), key=_WORST.index)
    yield from hanging(rows[0].requirement, f"  {worst}  ", width)
    label = max(len(row.host) for row in rows) + 2 if any(row.host for row in rows) else 0
    for row in rows:
        mark = f"{symbol(row)} " if len(rows) > 1 else ""
        yield from hanging(row.found, f"{'':{_INDENT}}{mark}{row.host:<{label}}", width)
    for way, places in _ways(rows).items():
        yield from hanging(way, f"{'':{_INDENT}}do{places}: ", width)
    yield from hanging(rows[0].source, f"{'':{_INDENT}}from: ", width)


def _ways(rows: Sequence[Reason]) -> dict[str, str]:
    """What to do about what is not met, each once, with the hosts where there are several."""
    found: dict[str, str] = {}
    for row in rows:
        if row.do and row.met is not True:
            found[row.do] = f"{found.get(row.do, '')} {row.host}" if len(rows) > 1 and row.host else ""
    return found


def _health(health: Health, width: int) -> Iterator[str]:
    if not health.rows:
        return
    yield "  How the project is doing"
    for row in health.rows:
        told = f"{row.text} ({row.date}: {row.source})"
        yield from hanging(told, f"{'':{_INDENT}}{row.what:<14}", width)


def _story(story: Story, width: int) -> Iterator[str]:
    yield story.title
    yield "-" * len(story.title)
    for paragraph in story.paragraphs:
        yield from hanging(paragraph, "", width)
        yield ""
    yield from hanging(story.source, "from: ", width)
    yield ""
    yield "What is done against it here; each will be a check of doctor:"
    for measure in story.measures:
        yield from hanging(measure.text, "  -  ", width)
        yield from hanging(f"{measure.how} [{measure.check}]", "     ", width)
        yield from hanging(measure.source, "     from: ", width)
