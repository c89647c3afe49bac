"""From older formats of the state file to the present one, a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wizard.core.state import STATE_SCHEMA
from wizard.core.store.fields import FieldError, Node

Document = dict[str, object]
Migration = Callable[[Document], Document]

MIGRATIONS: Mapping[int, Migration] = {}
"""From schema N to N+1, by N. Schema 1 is the first there is."""


def migrate(document: Document, migrations: Mapping[int, Migration] = MIGRATIONS) -> Document:
    """The document in the present schema; on the disk nothing changes before the next save.

    Args:
        document: of the present schema or an older one.
        migrations: the registry.

    Raises:
        FieldError: there is no way up from its schema.
    """
    while (schema := Node(document).whole("schema")) < STATE_SCHEMA:
        if schema not in migrations:
            raise FieldError("schema", f"is {schema}, and this version reads {_readable(migrations)}")
        document = {**migrations[schema](document), "schema": schema + 1}
    return document


def _readable(migrations: Mapping[int, Migration]) -> str:
    oldest = min(migrations, default=STATE_SCHEMA)
    return str(STATE_SCHEMA) if oldest == STATE_SCHEMA else f"{oldest} to {STATE_SCHEMA}"
