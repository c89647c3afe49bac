"""The file of `--answers`: paths of the spec with values, a part of a spec, or both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from wizard.core.draft import Draft
from wizard.core.errors import UsageError
from wizard.core.spec.writing import Tree

_PATH = re.compile(r"[A-Za-z_][\w-]*(\[\d{1,2}\])?(\.[\w.-]+)?")
_HOST_NAME = re.compile(r"hosts\[(\d+)\]\.name")


def read_answers(path: Path) -> dict[str, Tree]:
    """The answers by their place in the spec; a list stands whole at its own.

    Args:
        path: of the file.

    Raises:
        UsageError: it cannot be read, or a key is no place in a spec.
        SpecError: it does not hold keys and values.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(
            "The file of answers cannot be read.",
            where=f"--answers {path}",
            why=f"{error.strerror}.",
            do="wizard setup --plain",
        ) from error
    tree = Draft.read(text, source=str(path)).tree
    for key in tree:
        if not _PATH.fullmatch(key):
            raise UsageError(
                f"{key!r} is no place in a spec.",
                where=str(path),
                why="A place is written as hosts[0].address or network.cidr.",
                do="wizard example",
            )
    return dict(_places("", tree))


def _places(root: str, tree: Mapping[str, Tree]) -> Iterator[tuple[str, Tree]]:
    for key, value in tree.items():
        path = f"{root}.{key}".removeprefix(".")
        if isinstance(value, Mapping) and value:
            yield from _places(path, value)
        else:
            yield path, value


def leaves(path: str, value: Tree) -> Iterator[str]:
    """Every place an answer settles: that of a list, and those of what is in it.

    Args:
        path: of the answer.
        value: the answer.
    """
    yield path
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(f"{path}.{key}", inner)
    elif not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from leaves(f"{path}[{index}]", inner)


def answered(draft: Draft, given: Mapping[str, Tree]) -> Draft:
    """The draft with the answers of the file.

    Args:
        draft: as it was.
        given: answers by place.
    """
    for path, value in given.items():
        name = _HOST_NAME.fullmatch(path)
        renamed = name and isinstance(value, str)
        draft = draft.rename_host(int(name[1]), str(value)) if name and renamed else draft.put(path, value)
    return draft
