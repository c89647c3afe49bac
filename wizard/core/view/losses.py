"""The failure domains as a table: what each loss takes away, one row a loss, one column a kind of service."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.core.decide.prove import PAIR, Loss, Proof
from wizard.core.decide.prove_services import Effect

COLUMNS = (
    ("etcd", "etcd"),
    ("api", "api"),
    ("vip", "vip"),
    ("dns", "dns"),
    ("lb", "load-balancer"),
    ("volumes", "volume:"),
    ("apps", "app:"),
)
"""Titles and the services below them; one that ends in a colon stands for all of its kind."""
HEAD = ("lost", *(title for title, _ in COLUMNS))
STOPS, UNTOUCHED, ABSENT = "STOPS", "ok", "-"
KEY = f'"{UNTOUCHED}" untouched, a time: away so long at most, "{STOPS}" until it is repaired'
MINUTES = 120
"""Seconds from which on a gap is told in minutes."""


def single_losses(proof: Proof) -> list[Loss]:
    """The losses of one thing.

    Args:
        proof: as made.
    """
    return [loss for loss in proof.losses if loss.kind != PAIR]


def loss_rows(losses: Sequence[Loss], proof: Proof) -> list[tuple[str, ...]]:
    """A row of cells for each loss, under `HEAD`.

    Args:
        losses: of the proof.
        proof: as made.
    """
    there = _there(proof)
    return [(", ".join(loss.lost), *(_cell(loss, key, there) for _, key in COLUMNS)) for loss in losses]


def stops(loss: Loss, proof: Proof) -> list[Effect]:
    """The services a loss stops.

    Args:
        loss: of the proof.
        proof: as made.
    """
    there = _there(proof)
    return [one for one in loss.effects if not one.stays and one.service in there]


def gap_text(seconds: float) -> str:
    """A gap as it is read best: `5 s`, `2.1 min`.

    Args:
        seconds: at most.
    """
    if seconds >= MINUTES:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _there(proof: Proof) -> set[str]:
    return {one.service for one in proof.healthy if one.stays}


def _cell(loss: Loss, key: str, there: set[str]) -> str:
    """The worst of the services in a column."""
    mine = [
        one
        for one in loss.effects
        if one.service in there
        and (one.service == key or (key.endswith(":") and one.service.startswith(key)))
    ]
    if not mine:
        return ABSENT
    if not all(one.stays for one in mine):
        return STOPS
    longest = max(one.gap_seconds or 0 for one in mine)
    return gap_text(longest) if longest else UNTOUCHED
