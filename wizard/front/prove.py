"""What `wizard prove` prints: what each loss takes away for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wizard.core.decide.prove import PAIR, Loss, Proof
from wizard.core.decide.prove_services import Effect
from wizard.core.text import printable
from wizard.front.layout import WIDTH, table, wrapped

PROVE_SCHEMA = 1
"""Version of the JSON document."""
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
STOPS, UNTOUCHED, ABSENT = "STOPS", "ok", "-"
MINUTES = 120
"""Seconds from which on a gap is told in minutes."""


def prove_json(cluster: str, proof: Proof) -> dict[str, object]:
    """The one document of `wizard prove --json`.

    Args:
        cluster: its name.
        proof: as made.
    """
    return {
        "schema": PROVE_SCHEMA,
        "cluster": cluster,
        "proposed": proof.proposed,
        "losses": [_loss_json(loss) for loss in proof.losses],
        "refused": [
            {
                "rule": one.rule,
                "text": one.text,
                "override": one.override,
                "overridden": one.overridden or None,
            }
            for one in proof.refused
        ],
        "notes": list(proof.notes),
    }


def _loss_json(loss: Loss) -> dict[str, object]:
    return {
        "lost": list(loss.lost),
        "kind": loss.kind,
        "effects": [
            {"service": one.service, "stays": one.stays, "why": one.why, "gap_seconds": one.gap_seconds}
            for one in loss.effects
        ],
    }


def prove_text(cluster: str, proof: Proof, *, width: int = WIDTH) -> str:
    """The proof as a person wants to read it.

    Args:
        cluster: its name.
        proof: as made.
        width: columns of the terminal.
    """
    single = [loss for loss in proof.losses if loss.kind != PAIR]
    blocks = [
        list(_verdict(cluster, proof, width)),
        list(_refused(proof, width)),
        list(_not_there(proof, width)),
        _losses_table(single, proof),
        list(_stopped(single, proof, width)),
        list(_pairs(proof, width)),
        [line for note in proof.notes for line in wrapped(f" ! {note}", width, "", "   ")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _verdict(cluster: str, proof: Proof, width: int) -> Iterator[str]:
    pairs = sum(loss.kind == PAIR for loss in proof.losses)
    single = len(proof.losses) - pairs
    on = "the proposed machines" if proof.proposed else "the machines of the spec"
    text = f"Failure domains of {cluster}: {single} single losses and {pairs} pairs, on {on}."
    yield from wrapped(text, width)


def _refused(proof: Proof, width: int) -> Iterator[str]:
    for one in proof.refused:
        sign = " ! accepted:" if one.overridden else "!! REFUSED:"
        yield from wrapped(f"{sign} {one.text}", width, "", "   ")
        said = f"your reason: {one.overridden}" if one.overridden else f"only with {one.override}"
        yield from wrapped(f"({one.rule}; {said})", width, "   ", "   ")


def _not_there(proof: Proof, width: int) -> Iterator[str]:
    for one in proof.healthy:
        if not one.stays:
            yield from wrapped(f"!! {one.service} is not there even with nothing lost: {one.why}.", width)


def _losses_table(single: Sequence[Loss], proof: Proof) -> list[str]:
    there = {one.service for one in proof.healthy if one.stays}
    rows = [(", ".join(loss.lost), *(_cell(loss, key, there) for _, key in COLUMNS)) for loss in single]
    lines = table(("lost", *(title for title, _ in COLUMNS)), rows)
    return [
        *lines,
        "",
        f'"{UNTOUCHED}" untouched, a time: away so long at most, "{STOPS}" until it is repaired',
    ]


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


def gap_text(seconds: float) -> str:
    """A gap as it is read best: `5 s`, `2.1 min`."""
    if seconds >= MINUTES:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _stopped(single: Sequence[Loss], proof: Proof, width: int) -> Iterator[str]:
    there = {one.service for one in proof.healthy if one.stays}
    for loss in single:
        for one in _stops(loss, there):
            yield from wrapped(f"{', '.join(loss.lost)}: {one.service} stops: {one.why}.", width)


def _stops(loss: Loss, there: set[str]) -> list[Effect]:
    return [one for one in loss.effects if not one.stays and one.service in there]


def _pairs(proof: Proof, width: int) -> Iterator[str]:
    told: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for service, cuts in proof.cuts.items():
        pairs = tuple(cut for cut in cuts if len(cut) > 1)
        if pairs:
            told.setdefault(pairs, []).append(service)
    if told:
        yield "Two losses at once that stop what each alone does not:"
    for pairs, services in told.items():
        text = f"{', '.join(services)}: {'; '.join(' and '.join(pair) for pair in pairs)}"
        yield from wrapped(printable(text), width, "  ", "      ")
