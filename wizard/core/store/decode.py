"""From the bytes of a state file to the state, or to what exactly is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wizard.core.dataclass import dataclass
from wizard.core.state import STATE_SCHEMA, RunState
from wizard.core.store.document import CHECKSUM, checksum, read_state
from wizard.core.store.fields import FieldError, Node, json_kind
from wizard.core.store.migrate import MIGRATIONS, Migration, migrate


class DamagedError(Exception):
    """The bytes are not a whole JSON document.

    Args:
        offset: the byte where it stops making sense.
        size: bytes of the file.
        text: what is wrong there, a sentence without its full stop.
    """

    def __init__(self, offset: int, size: int, text: str) -> None:
        super().__init__(text)
        self.offset = offset
        self.size = size
        self.text = text


class TooNewError(Exception):
    """The file has a format that only later versions read.

    Args:
        schema: of the file.
        writer: the version that wrote it, as it says itself.
    """

    def __init__(self, schema: int, writer: str) -> None:
        super().__init__(f"schema {schema}")
        self.schema = schema
        self.writer = writer


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a state file holds."""

    state: RunState
    document: dict[str, object]
    """As it stands in the file, before any migration."""
    schema: int
    edited: bool
    """The checksum does not fit: somebody edited it, or the disk did."""


def decode(raw: bytes, migrations: Mapping[int, Migration] = MIGRATIONS) -> Decoded:
    """Read a state file.

    Args:
        raw: its bytes.
        migrations: the ways up from older schemas.

    Raises:
        DamagedError: empty, torn, not JSON.
        TooNewError: of a later schema.
        FieldError: a value is missing or wrong.
    """
    document = _parse(raw)
    root = Node(document)
    schema = root.whole("schema")
    if schema > STATE_SCHEMA:
        raise TooNewError(schema, str(document.get("writer", "")))
    edited = root.text(CHECKSUM) != checksum(document)
    return Decoded(read_state(migrate(document, migrations)), document, schema, edited)


def _parse(raw: bytes) -> dict[str, object]:
    if not raw:
        raise DamagedError(0, 0, "The file is empty")
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_distinct)
    except UnicodeDecodeError as error:
        raise DamagedError(error.start, len(raw), "It is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        offset = len(error.doc[: error.pos].encode())
        raise DamagedError(offset, len(raw), f"It is not JSON ({error.msg})") from error
    except (RecursionError, ValueError) as error:
        raise DamagedError(
            0, len(raw), "It is JSON that no wizard wrote (nested too deep, or a huge number)"
        ) from error
    if not isinstance(document, dict):
        raise FieldError("the document", f"should be an object, and is {json_kind(document)}")
    return document


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise FieldError(next(name for name in names if names.count(name) > 1), "stands there twice")
    return found
