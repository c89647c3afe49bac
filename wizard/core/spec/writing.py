"""A spec as a file: the values given, with the explaining comments of the example beside and above them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache

from wizard.core.dataclass import dataclass
from wizard.core.spec.loading import example_text

Tree = Mapping[str, "Tree"] | Sequence["Tree"] | str
"""A section, a list or a value as it is written; never a number or a yes/no of Python's."""

COMMENT_COLUMN = 43
"""Where the comments of the example begin."""
NUMBERS = frozenset(
    {"schema", "port", "replicas", "cpus", "heartbeat_ms", "election_ms", "vlan", "mtu", "keep"}
)
SWITCHES = frozenset({"accept_slow", "accept_built", "enabled"})

_LINE = re.compile(
    r"(?P<lead> *(?P<off># ?)?)(?P<inner> *)(?P<dash>- )?(?P<key>[a-z][a-z0-9_.]*):(?P<rest>( .*)?)$"
)
_COMMENT = re.compile(r"(?:^|\s)#\s+(.*)$")
_SAFE = re.compile(r"[A-Za-z0-9/~.+][A-Za-z0-9/~.@+:_ =-]*")


@dataclass(slots=True)
class _Entry:
    """A key of the example with what is said about it."""

    key: str
    indent: int
    raw: list[str]
    """Its own lines in the example, those of its children included."""
    before: list[str]
    """The lines of talk above it."""
    comment: str
    children: list[_Entry] = field(default_factory=list)


def spec_text(tree: Mapping[str, Tree]) -> str:
    """The text of a spec file.

    Args:
        tree: sections, lists and values as written. What is missing stands there as a comment, as in the example.
    """
    lines: list[str] = []
    left = dict(tree)
    for entry in _template():
        lines += entry.before
        lines += _known(entry, left.pop(entry.key)) if entry.key in left else _switched_off(entry)
    for key, node in left.items():
        lines += ["", *_block(key, node, 0, None)]
    return "\n".join(lines) + "\n"


def comments_of(text: str) -> set[str]:
    """Every comment of a file, without its sign and the blanks around it.

    Args:
        text: of a spec, whoever wrote it. A `#` within quotes may be taken for one: it is then kept too much.
    """
    found = (_COMMENT.search(line) for line in text.splitlines())
    return {match.group(1).strip() for match in found if match} - {""}


@cache
def comments_of_ours() -> frozenset[str]:
    """Every comment that a spec file has from the wizard: those it begins with, and their lines switched off."""
    from wizard.core.resources import asset_text

    lines = f"{example_text()}\n{asset_text('practice/cluster.yaml')}".splitlines()
    return frozenset(comments_of("\n".join([*lines, *(_as_comment(line) for line in lines)])))


def _known(entry: _Entry, node: Tree) -> list[str]:
    return list(_block(entry.key, node, entry.indent, entry))


def _block(key: str, node: Tree, indent: int, entry: _Entry | None) -> Iterator[str]:
    comment = entry.comment if entry else ""
    head = f"{' ' * indent}{scalar('', key)}:"
    if isinstance(node, str):
        yield _with_comment(f"{head} {scalar(key, node)}", comment)
    elif isinstance(node, Mapping):
        yield _with_comment(head if node else f"{head} {{}}", comment)
        yield from _section(node, indent + 2, entry.children if entry else [])
    elif all(isinstance(item, str) for item in node):
        told = ", ".join(scalar(key, str(item)) for item in node)
        yield _with_comment(f"{head} [{told}]", comment)
    else:
        yield _with_comment(head, comment)
        yield from _items(node, indent + 2, entry.children if entry else [])


def _section(node: Mapping[str, Tree], indent: int, entries: Sequence[_Entry]) -> Iterator[str]:
    left = dict(node)
    for entry in entries:
        if entry.key in left:
            yield from _block(entry.key, left.pop(entry.key), indent, entry)
        elif node:
            yield from _switched_off(entry)
    for key, value in left.items():
        yield from _block(key, value, indent, None)


def _items(items: Sequence[Tree], indent: int, entries: Sequence[_Entry]) -> Iterator[str]:
    """The first item is explained as in the example, the others have only what is theirs."""
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            yield f"{' ' * indent}- {scalar('', str(item))}"
            continue
        told = [entry for entry in entries if index == 0 or entry.key in item]
        plain = [entry if index == 0 else _Entry(entry.key, 0, [], [], "") for entry in told]
        yield from _dashed(list(_section(item, indent + 2, plain)), indent)


def _dashed(lines: list[str], indent: int) -> Iterator[str]:
    first = next((number for number, line in enumerate(lines) if not line.lstrip().startswith("#")), None)
    if first is None:
        yield f"{' ' * indent}- {{}}"
        return
    head = f"{' ' * indent}- {lines[first].lstrip()}"
    yield from (head, *lines[:first], *lines[first + 1 :])


def _switched_off(entry: _Entry) -> list[str]:
    """The example's lines as a comment."""
    return [line if line.lstrip().startswith("#") or not line else _as_comment(line) for line in entry.raw]


def _as_comment(line: str) -> str:
    text = line.lstrip()
    return f"{' ' * (len(line) - len(text))}# {text.removeprefix('- ')}"


def _with_comment(text: str, comment: str) -> str:
    return f"{text.ljust(COMMENT_COLUMN - 2)}  # {comment}" if comment else text


def scalar(key: str, value: str) -> str:
    """A value as YAML wants it, quoted where it would be misread.

    Args:
        key: what it is the value of: some are numbers or switches.
        value: as the person wrote it.
    """
    from wizard.core.spec.reading import yaml_kind

    kind = yaml_kind(value)
    if (key in NUMBERS and value.isdigit()) or (key in SWITCHES and value in ("true", "false")):
        return value
    plain = _SAFE.fullmatch(value) and not value.endswith((" ", ":")) and ": " not in value
    return value if kind == "str" and plain else json.dumps(value, ensure_ascii=False)


@cache
def _template() -> tuple[_Entry, ...]:
    """The example, read as keys with their comments."""
    top: list[_Entry] = []
    open_entries: list[_Entry] = []
    before: list[str] = []
    for line in example_text().splitlines():
        found = _LINE.match(line)
        if found is None:
            before.append(line)
            continue
        entry = _entry(line, found, before)
        before = []
        while open_entries and open_entries[-1].indent >= entry.indent:
            open_entries.pop()
        siblings = open_entries[-1].children if open_entries else top
        if all(one.key != entry.key for one in siblings):
            siblings.append(entry)
        for parent in open_entries:
            parent.raw += [*entry.before, line]
        open_entries.append(entry)
    return tuple(top)


def _entry(line: str, found: re.Match[str], before: list[str]) -> _Entry:
    lead = len(found["lead"]) - len(found["off"] or "")
    indent = lead + len(found["inner"]) + len(found["dash"] or "")
    comment = _COMMENT.search(found["rest"])
    return _Entry(found["key"], indent, [line], before, comment.group(1).strip() if comment else "")
