"""Places in the spec, as problems and screens name them. Without the schema, which the first screen does not need."""

from __future__ import annotations


def parse_path(text: str) -> tuple[str | int, ...]:
    """`hosts[0].address` as `("hosts", 0, "address")`; a name with dots behind `records` or `apps` stays whole.

    Args:
        text: as in `Problem.path`.
    """
    head, dot, name = text.partition("dns.records.")
    if dot and not head:
        return ("dns", "records", name)
    parts: list[str | int] = []
    for part in text.split(".") if text else []:
        key, bracket, index = part.partition("[")
        parts += [key, int(index[:-1])] if bracket else [key]
    return tuple(parts)
