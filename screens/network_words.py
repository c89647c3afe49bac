"""The map of the addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from screens.text import MUTED, STRONG, Sign, lines, signed, told
from wizard.core.decide.addresses import PlannedAddress

if TYPE_CHECKING:
    from screens.app import WizardApp

SIGNS = {"free": Sign.DONE, "used": Sign.DONE, "not-checked": Sign.LATER, "taken": Sign.FAILED}
"""By the state of an address; `taken`: somebody answers there who should not."""
NAMES = {"api_vip": "API", "load_balancer": "services", "gateway": "router"}


def address_map(app: WizardApp) -> Content:
    """Every address of the cluster, in order, the range of services as one line."""
    layout, lan = app.layout(), app.checked.spec.network.cidr
    if layout is None:
        until = "answers beside are right" if app.draft.get("network.cidr") else "LAN is known"
        return lines([told(("Addresses", STRONG)), told(""), told(f"Shown as soon as the {until}.")])
    rows: list[Content] = [told((f"Addresses in {lan}", STRONG)), told("")]
    addresses = _asked(app) or layout.addresses
    singles = [one for one in addresses if one.used_for != "load_balancer"]
    span = [one for one in addresses if one.used_for == "load_balancer"]
    rows += [_line(_short(one.address, lan), one.used_for, _state(one)) for one in singles]
    ends = app.checked.spec.network.load_balancer
    rows.append(_line(f"{_short(ends.first, lan)}-{_short(ends.last, lan)}", "services", _worst(span)))
    rows += [told(""), *_notes(app, addresses)]
    return lines(rows)


def _asked(app: WizardApp) -> tuple[PlannedAddress, ...]:
    """What the wire said, where it was asked about these very answers."""
    result = app.wire.result
    return result if isinstance(result, tuple) and app.wire.about == app.checked.spec else ()


def _short(address: str, lan: str) -> str:
    """An address without the parts that all of the LAN share."""
    shared = int(lan.partition("/")[2] or 0) // 8
    return "".join(f".{part}" for part in address.split(".")[shared:])


def _state(one: PlannedAddress) -> str:
    return "taken" if one.conflict else one.probe


def _line(address: str, used_for: str, state: str) -> Content:
    return signed(SIGNS[state], f"{address:<9} ", (NAMES.get(used_for, used_for), MUTED))


def _worst(span: list[PlannedAddress]) -> str:
    for state in ("taken", "not-checked"):
        if any(_state(one) == state for one in span):
            return state
    return "free"


def _notes(app: WizardApp, addresses: Sequence[PlannedAddress]) -> Iterator[Content]:
    for one in addresses:
        if one.conflict:
            yield signed(Sign.FAILED, one.conflict)
    unchecked = [one for one in addresses if one.probe == "not-checked"]
    if app.wire.running:
        yield signed(Sign.RUNS, "asking the wire from both hypervisors")
    elif unchecked and _asked(app):
        yield signed(Sign.LATER, (f"not checked: {unchecked[0].why}", MUTED))
    elif unchecked:
        yield signed(Sign.LATER, ("not checked yet: ctrl+r asks the wire.", MUTED))
    else:
        yield signed(Sign.DONE, "asked from both hypervisors")
