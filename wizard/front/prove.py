"""What `wizard prove` prints: what each loss takes away for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wizard.core.decide.prove import PAIR, Loss, Proof
from wizard.core.text import printable
from wizard.core.view.columns import WIDTH, table, wrapped
from wizard.core.view.losses import HEAD, KEY, loss_rows, stops

PROVE_SCHEMA = 1
"""Version of the JSON document."""


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
    lines = table(HEAD, loss_rows(single, proof))
    return [*lines, "", KEY]


def _stopped(single: Sequence[Loss], proof: Proof, width: int) -> Iterator[str]:
    for loss in single:
        for one in stops(loss, proof):
            yield from wrapped(f"{', '.join(loss.lost)}: {one.service} stops: {one.why}.", width)


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
