"""What a person accepts for a while, by the name of its check: it stays visible, and a run is not held up by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from wizard.core.draft import Draft

DAYS = 30
"""How long what is accepted on a screen holds: time for another disk to be ordered and put in."""


def accepted_until(draft: Draft, check: str) -> str:
    """Until when the answers accept a check's failure, as `2026-12-24`; empty = they do not."""
    return next((str(one["until"]) for one in _waivers(draft) if one.get("check") == check), "")


def accept(draft: Draft, check: str, reason: str, today: date) -> Draft:
    """The answers with a check's failure accepted for a while.

    Args:
        draft: the answers.
        check: the id.
        reason: why, as doctor will say it.
        today: by our clock.
    """
    until = (today + timedelta(days=DAYS)).isoformat()
    others = [one for one in _waivers(draft) if one.get("check") != check]
    return draft.put("waivers", [*others, {"check": check, "reason": reason, "until": until}])


def accept_no_longer(draft: Draft, check: str) -> Draft:
    """The answers without what they say of a check."""
    others = [one for one in _waivers(draft) if one.get("check") != check]
    return draft.put("waivers", others) if others else draft.drop("waivers")


def _waivers(draft: Draft) -> list[Mapping[str, str]]:
    found = draft.section("waivers") if draft.length("waivers") else ()
    return [{str(key): str(value) for key, value in one.items()} for one in found if isinstance(one, Mapping)]
