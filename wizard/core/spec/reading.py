"""YAML text to a tree of sections, lists and scalars, each with its line; nothing is constructed or guessed.

The parser's events are read one by one with a stack of our own, so that neither depth nor aliases can blow up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Any

from wizard.core.dataclass import dataclass
from wizard.core.spec.model import Problem
from wizard.core.text import printable

if TYPE_CHECKING:
    from yaml.events import CollectionStartEvent, Event, ScalarEvent

SIZE_LIMIT = 1 << 20
"""Bytes of a spec; one of 12 hosts and 60 machines has about 16 KiB."""
DEPTH_LIMIT = 16
"""Levels of nesting; the deepest key of a spec has 4."""
NODE_LIMIT = 10_000
"""Keys and values together; one of 12 hosts and 60 machines has about 1,500."""
SCALAR_LIMIT = 4096
"""Characters of one key or value."""
SHOWN = 60
"""Characters of a value that are quoted in a message."""

Path = tuple[str | int, ...]

_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|\r(?!\n)")
_TAB_INDENT = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it is written."""

    text: str
    kind: str
    """What YAML 1.1 would make of it: str, int, float, bool, null, timestamp, merge."""
    plain: bool
    """Written without quotes."""


Node = dict[str, Any] | list[Any] | Scalar


@dataclass(slots=True)
class Document:
    """A spec as read, before anybody asked what its keys mean."""

    root: Node | None = None
    """None where it could not be read to the end."""
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    spoiled: set[Path] = field(default_factory=set)
    """Where the value itself is unusable: nothing further is said about it."""

    def line(self, path: Path) -> int | None:
        """The line of a key, or of the nearest section around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def add(self, path: Path, text: str, hint: str, line: int | None = None) -> None:
        """Note a problem; the line defaults to that of the path."""
        self.problems.append(Problem(path_text(path), text, hint, line or self.line(path)))


class _StopReading(Exception):  # noqa: N818 - control flow, never seen outside
    """The rest of the file cannot be made sense of."""


def path_text(path: Path) -> str:
    """`("hosts", 0, "address")` as `hosts[0].address`, safe to print."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{quoted(key)}" for key in path)
    return text.removeprefix(".")


def quoted(text: str) -> str:
    """A value from the file, safe to print and not longer than `SHOWN` characters."""
    return printable(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")


def read_document(source: str | bytes) -> Document:
    """Read one YAML document.

    Args:
        source: the file's content.

    Returns:
        The tree, the line of each path, and every problem of the writing itself.
    """
    doc = Document()
    text = _decode(source, doc)
    if text is None:
        return doc
    try:
        _Builder(doc).build(text)
    except _StopReading:
        doc.root = None
    return doc


def _decode(source: str | bytes, doc: Document) -> str | None:
    size = len(source)
    if size > SIZE_LIMIT:
        doc.add(
            (),
            f"The file has {size:,} bytes; more than {SIZE_LIMIT:,} are not read.",
            "Is it the right file?",
        )
        return None
    if isinstance(source, bytes) and (source[:2] in (b"\xff\xfe", b"\xfe\xff")):
        doc.add((), "The file is written in UTF-16.", "Save it as UTF-8 without a byte order mark.", 1)
        return None
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        doc.add((), f"Byte 0x{byte:02x} is not UTF-8.", "Save the file as UTF-8.", line)
        return None
    return _clean(text, doc)


def _clean(text: str, doc: Document) -> str | None:
    """Without byte order mark and carriage returns (said as warnings); None where no parser should see it."""
    if text.startswith("\ufeff"):
        text = text[1:]
        _warn(doc, "The file begins with a byte order mark.", "Save it as UTF-8 without BOM.", 1)
    if unusable := _UNUSABLE.search(text):
        char = unusable.group()
        line = text.count("\n", 0, unusable.start()) + 1
        doc.add((), f"{_char_name(char)} has no place in a text file.", "Remove that character.", line)
        return None
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        _warn(
            doc,
            "Lines end as on Windows (CRLF).",
            "sed -i 's/\\r$//' on the file makes plain line ends.",
            line,
        )
        text = text.replace("\r\n", "\n")
    for tab in _TAB_INDENT.finditer(text):
        line = text.count("\n", 0, tab.start()) + 1
        doc.add((), "A tab indents this line; YAML wants blanks.", "Replace the tab by blanks.", line)
    return None if any(problem.level == "error" for problem in doc.problems) else text


def _warn(doc: Document, text: str, hint: str, line: int) -> None:
    doc.problems.append(Problem("", text, hint, line, "warning"))


def _char_name(char: str) -> str:
    if char == "\0":
        return "A NUL byte"
    return f"The character U+{ord(char):04X} ({unicodedata.name(char, 'a control character').lower()})"


@dataclass(slots=True)
class _Frame:
    """A section or list that is being filled."""

    node: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    """The key whose value comes next (sections only)."""
    seen: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Turns parser events into the document's tree."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.stack: list[_Frame] = []
        self.nodes = 0
        self.documents = 0

    def build(self, text: str) -> None:
        for event in _events(text, self.doc):
            self._take(event)
        if self.doc.root is None:
            self.doc.add(
                (), "The file is empty.", "wizard example > cluster.yaml writes one to begin with.", 1
            )

    def _take(self, event: Event) -> None:
        from yaml import events as ev

        if isinstance(event, ev.DocumentStartEvent):
            self._document(event)
        elif isinstance(event, ev.AliasEvent):
            self._alias(event)
        elif isinstance(event, ev.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, ev.CollectionStartEvent):
            self._open(event, {} if isinstance(event, ev.MappingStartEvent) else [])
        elif isinstance(event, ev.CollectionEndEvent):
            self.stack.pop()

    def _document(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            self._stop(
                (), "A second document begins here (---).", "Keep one document in the file.", _line(event)
            )

    def _count(self, line: int) -> None:
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            self._stop((), f"More than {NODE_LIMIT:,} keys and values.", "Is it the right file?", line)

    def _stop(self, path: Path, text: str, hint: str, line: int) -> None:
        self.doc.add(path, text, hint, line)
        raise _StopReading

    def _open(self, event: CollectionStartEvent, node: dict[str, Any] | list[Any]) -> None:
        line = _line(event)
        self._count(line)
        if len(self.stack) >= DEPTH_LIMIT:
            text = f"Too deeply nested: more than {DEPTH_LIMIT} levels."
            self._stop((), text, "Look for brackets that are never closed.", line)
        if self._awaits_key():
            self._stop(self.stack[-1].path, "A key must be a single word.", "Write key: value.", line)
        path = self._place(node, line)
        self._refuse_marks(event, path)
        self.stack.append(_Frame(node, path))

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - the C parser's events share no typed base
        self._count(_line(event))
        if self._awaits_key():
            self._stop((), "An alias (*) cannot be a key.", "Write the key itself.", _line(event))
        path = self._place(Scalar("", "null", plain=True), _line(event))
        text = f"*{quoted(event.anchor)} repeats another part of the file; that is not accepted here."
        self.doc.add(path, text, "Write the values out.")
        self.doc.spoiled.add(path)

    def _scalar(self, event: ScalarEvent) -> None:
        line = _line(event)
        self._count(line)
        text = unicodedata.normalize("NFC", event.value)
        plain = event.implicit[0]
        scalar = Scalar(text, yaml_kind(text) if plain else "str", plain)
        if self._awaits_key():
            self._key(scalar, line)
            path = (*self.stack[-1].path, text)
        else:
            path = self._place(scalar, line)
        self._refuse_marks(event, path)
        self._refuse_characters(text, path, line)

    def _awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node, dict) and self.stack[-1].key is None

    def _key(self, scalar: Scalar, line: int) -> None:
        frame, text = self.stack[-1], scalar.text
        frame.key = text
        path = (*frame.path, text)
        if first := frame.seen.get(text):
            where = f"{quoted(text)} stands twice here, in line {first} and in line {line}."
            self.doc.add(path, where, "Keep one of them: YAML would silently drop the first.", line)
        elif scalar.kind == "merge":
            self.doc.add(
                path, "<< merges another part of the file; not accepted here.", "Write it out.", line
            )
        elif scalar.kind != "str":
            reason = f"The key {quoted(text)} is not text to YAML: it reads {yaml_reading(text)}."
            self.doc.add(path, reason, f'If it is meant so, quote it: "{quoted(text)}".', line)
        frame.seen.setdefault(text, line)

    def _place(self, node: Node, line: int) -> Path:
        """Put a value where it belongs, note its line, and return its path. A repeated key keeps its first value."""
        if not self.stack:
            self.doc.root = node
            self.doc.lines[()] = line
            return ()
        frame = self.stack[-1]
        if isinstance(frame.node, list):
            path: Path = (*frame.path, len(frame.node))
            frame.node.append(node)
            self.doc.lines.setdefault(path, line)
            return path
        key, frame.key = frame.key or "", None
        path = (*frame.path, key)
        frame.node.setdefault(key, node)
        self.doc.lines.setdefault(path, frame.seen[key])
        return path

    def _refuse_marks(self, event: CollectionStartEvent | ScalarEvent, path: Path) -> None:
        if event.anchor is not None:
            text = (
                f"&{quoted(event.anchor)} names a part of the file to repeat it; that is not accepted here."
            )
            self.doc.add(path, text, "Remove the &name and write the values out.", _line(event))
        if event.tag is not None:
            text = f"The tag {quoted(event.tag)} is not accepted: a spec holds plain values only."
            self.doc.add(path, text, "Remove the word that begins with an exclamation mark.", _line(event))
            self.doc.spoiled.add(path)

    def _refuse_characters(self, text: str, path: Path, line: int) -> None:
        if len(text) > SCALAR_LIMIT:
            self._stop(
                (),
                f"A value of {len(text):,} characters; {SCALAR_LIMIT:,} are accepted.",
                "Shorten it.",
                line,
            )
        hidden = next((c for c in text if unicodedata.category(c) in _INVISIBLE and c != "\n"), None)
        if hidden is not None:
            self.doc.add(
                path, f"{_char_name(hidden)} does not show on a screen.", "Type the value anew.", line
            )
            self.doc.spoiled.add(path)


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _events(text: str, doc: Document) -> Iterator[Event]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        doc.add((), _yaml_reason(error), "Compare with: wizard example", mark.line + 1 if mark else 1)
        raise _StopReading from None
    except yaml.YAMLError as error:
        doc.add((), f"Not YAML: {quoted(str(error))}", "Compare with: wizard example", 1)
        raise _StopReading from None


def _yaml_reason(error: Any) -> str:  # noqa: ANN401 - untyped attributes in the stubs
    parts = [part for part in (error.context, error.problem) if part]
    return f"This is not YAML: {quoted(', '.join(parts))}."


@cache
def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    import yaml

    table: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
    return table


def yaml_kind(text: str) -> str:
    """What YAML 1.1 makes of an unquoted value: str, int, float, bool, null, timestamp, merge or value."""
    if text in ("y", "Y", "n", "N"):
        return "bool"  # the YAML 1.1 type repository has them, PyYAML leaves them out
    for tag, pattern in _resolvers().get(text[:1], []):
        if pattern.match(text):
            return tag.rpartition(":")[2]
    return "str"


def yaml_reading(text: str) -> str:
    """What a YAML 1.1 reader would turn an unquoted value into, in words: `no` as "false"."""
    import yaml

    kind = yaml_kind(text)
    if kind == "null":
        return "nothing"
    if kind == "bool":
        return "true" if text.lower() in ("y", "yes", "true", "on") else "false"
    if kind in ("int", "float"):
        try:
            return quoted(str(yaml.safe_load(text)))
        except ValueError:
            return "a number"
    return "a date" if kind == "timestamp" else "something else"
