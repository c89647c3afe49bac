"""What is said about the ways to keep data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from screens.text import MUTED, STRONG, STYLES, Sign, labelled, lines, signed, told
from wizard.core.decide.layout_disks import host_disks
from wizard.core.decide.storage import Reason, Verdict
from wizard.core.decide.storage_hosts import size_text
from wizard.core.facts import GIB
from wizard.core.suggest import CHOOSABLE, hypervisors_seen

if TYPE_CHECKING:
    from screens.app import WizardApp

BLANK = "\N{NO-BREAK SPACE}"
"""A blank that wrapping keeps at the beginning of a line."""
SHORT = {"existing": "what is there", "cephfs": "CephFS+Rook"}
SIGNS = {"fits": Sign.DONE, "conditions": Sign.NEEDS, "rejected": Sign.FAILED}


def verdict_line(verdict: Verdict, *, chosen: bool) -> Content:
    """One line of the table."""
    mark = ("(*)" if chosen else "( )") if verdict.kind in CHOOSABLE else BLANK * 3
    sign, count = SIGNS[verdict.verdict], len(verdict.conditions)
    word = "rejected" if verdict.verdict == "rejected" else "fits"
    if verdict.verdict == "conditions":
        word = f"{count} condition{'s' if count > 1 else ''}"
    title = SHORT.get(verdict.kind, verdict.title)
    return told(f"{mark} {title:<14} ", (f"{sign} {word}", STYLES[sign]))


def reasons(verdict: Verdict, *, whole: bool) -> Content:
    """Why, what is not met first.

    Args:
        verdict: the highlighted one.
        whole: also what is met, and the sources.
    """
    counted = [*verdict.refused, *verdict.conditions]
    rest = [one for one in verdict.reasons if one not in counted] if whole else []
    rows: list[Content] = []
    if counted or rest:
        rows.append(
            told((f"Why {verdict.title}?" if not counted else f"{verdict.title}, what is missing", STRONG))
        )
    for one in (*counted, *rest):
        rows += _reason(one, whole=whole)
    met = len(verdict.reasons) - len(counted)
    if met and not whole:
        rows.append(told((f"{met} more met: ctrl+d shows them, with sources.", MUTED)))
    return lines(rows)


def _reason(one: Reason, *, whole: bool) -> Iterator[Content]:
    sign = Sign.DONE if one.met else Sign.UNKNOWN if one.met is None else Sign.FAILED
    if one.met is False and one.level != "must":
        sign = Sign.NEEDS
    where = f"{one.host}: " if one.host else ""
    yield signed(sign, where, one.found)
    if one.do and not one.met:
        yield labelled("   do", one.do, width=5)
    if whole:
        yield labelled("   wanted", (one.requirement, MUTED), width=9)
        yield labelled("   from", (one.source, MUTED), width=9)


def consequence(app: WizardApp, verdict: Verdict) -> Content:
    """What the way gives and costs, and what it asks for."""
    rows: list[Content] = [told((_head(app, verdict), STRONG)), told("")]
    rows += [labelled(label, text, width=8) for label, text in _figures(app, verdict)]
    rows += [told(""), told(verdict.summary)]
    if verdict.verdict != "rejected" and verdict.conditions:
        first = verdict.conditions[0]
        where = f"{first.host}: " if first.host else ""
        rows += [told(""), signed(Sign.NEEDS, where, first.found)]
    return lines(rows)


def _head(app: WizardApp, verdict: Verdict) -> str:
    if verdict.kind == "longhorn":
        return f"Longhorn, {app.draft.get('storage.replicas') or '2'} copies"
    return verdict.title[:1].upper() + verdict.title[1:]


def _figures(app: WizardApp, verdict: Verdict) -> Iterator[tuple[str, str]]:
    if verdict.kind == "none":
        yield "usable", "nothing: apps that keep data are not installed"
        yield "survives", "any one host"
    if verdict.kind != "longhorn":
        return
    usable = usable_bytes(app)
    yield "usable", size_text(usable) if usable else "not known yet"
    yield "survives", "any one host"
    layout = app.layout()
    guests = [one for one in layout.machines if one.role == "storage"] if layout else []
    if guests:
        yield "costs", f"{len(guests)} guests, {sum(one.memory for one in guests) / GIB:.0f} GB of memory"


def usable_bytes(app: WizardApp) -> int:
    """What volumes may hold: the smallest of the devices, since each carries a copy. 0 = not known."""
    sizes: list[int] = []
    for _, host, facts in hypervisors_seen(app.checked.spec, app.looker.facts):
        disks = host_disks(host, facts).storage
        sizes.append(sum(disk.size or 0 for disk in disks))
    return min(sizes, default=0)
