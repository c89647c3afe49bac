"""What is said about one host on the hosts screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from screens.text import MUTED, STRONG, STYLES, Sign, labelled, lines, signed, told
from wizard.core.errors import WizardError
from wizard.core.facts import GIB, HostFacts

if TYPE_CHECKING:
    from screens.app import WizardApp


def host_sign(app: WizardApp, index: int) -> Sign:
    """How a host of the draft stands."""
    name = app.draft.get(f"hosts[{index}].name")
    if app.checked.errors(f"hosts[{index}]"):
        return Sign.NEEDS if app.draft.get(f"hosts[{index}].address") else Sign.LATER
    if app.looker.looking(name):
        return Sign.RUNS
    result = app.looker.result(name)
    if result is None:
        return Sign.LATER
    return Sign.DONE if isinstance(result, HostFacts) else Sign.FAILED


PART = {"hypervisor": "guests", "witness": "votes"}
"""What a host is there for, short enough for the list."""


def host_line(app: WizardApp, index: int) -> Content:
    """One line of the list."""
    draft, sign = app.draft, host_sign(app, index)
    name = draft.get(f"hosts[{index}].name") or "(no name)"
    address = draft.get(f"hosts[{index}].address") or "no address yet"
    part = PART.get(draft.get(f"hosts[{index}].role"), "")
    return told((f"{sign} ", STYLES[sign]), f"{name:<10} {address:<15} ", (part, MUTED))


def host_meaning(app: WizardApp, index: int) -> Content:
    """What is known of the chosen host, then what the whole still needs."""
    name = app.draft.get(f"hosts[{index}].name")
    rows: list[Content] = [told((name or "This machine", STRONG)), told("")]
    rows += list(_standing(app, index, name))
    whole = [one for one in app.checked.errors("hosts") if one.path == "hosts"]
    if whole:
        rows += [told(""), signed(Sign.NEEDS, f"{whole[0].text} {whole[0].hint}")]
    return lines(rows)


def _standing(app: WizardApp, index: int, name: str) -> Iterator[Content]:
    result = app.looker.result(name)
    if app.looker.looking(name):
        yield signed(Sign.RUNS, "logging in and looking")
    elif isinstance(result, HostFacts):
        yield signed(Sign.DONE, "lets us in")
        yield from summary(result)
    elif isinstance(result, WizardError):
        yield signed(Sign.FAILED, result.what)
        yield told("")
        yield told((result.why, MUTED))
        yield told("")
        yield from (labelled("do", one, width=2) for one in result.do)
    elif not app.draft.get(f"hosts[{index}].address"):
        yield told("Type its address, then press ctrl+t to test whether it lets us in.")
    else:
        yield signed(Sign.LATER, "not tested yet: ctrl+t logs in and looks. Nothing is changed.")


def summary(facts: HostFacts) -> Iterator[Content]:
    """The machine in a few lines."""
    memory = f"{facts.memory.total / GIB:.0f} GB" if facts.memory.total else "? GB"
    yield told(facts.os.pretty or facts.platform)
    yield told(f"{facts.cpu.threads or '?'} threads, {memory}, {len(facts.disks)} disks")
    if facts.cpu.model:
        yield told((facts.cpu.model, MUTED))
