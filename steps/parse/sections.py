"""Takes the answer of the facts script apart into its sections, made printable on the way in."""

from __future__ import annotations

from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.text import printable


@dataclass(frozen=True, slots=True)
class Sections:
    """The sections by name; a section that is not there reads as empty."""

    _lines: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def __hash__(self) -> int:
        return hash(tuple(self._lines.items()))

    def without(self, *names: str) -> Sections:
        """The sections but these."""
        return Sections({name: lines for name, lines in self._lines.items() if name not in names})

    def heads(self) -> tuple[str, ...]:
        """The names of all sections, in the order they came."""
        return tuple(self._lines)

    def lines(self, name: str) -> tuple[str, ...]:
        """The lines of one section, without the bar."""
        return self._lines.get(name, ())

    def file(self, path: str) -> tuple[str, ...]:
        """The lines of a small file the script read."""
        return self.lines(f"file {path}")

    def first(self, path: str) -> str:
        """The first line of a small file, stripped."""
        return next(iter(self.file(path)), "").strip()

    def files(self, prefix: str) -> list[tuple[str, tuple[str, ...]]]:
        """(path, lines) of every small file below a folder, by path."""
        found = [name for name in self._lines if name.startswith(f"file {prefix}")]
        return [(name.removeprefix("file "), self._lines[name]) for name in sorted(found)]


def split_sections(text: str) -> Sections:
    """The sections of a facts answer.

    Args:
        text: as the script printed it; lines that are neither a head nor begin with a bar are ignored.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in _printable_lines(text):
        if line.startswith("|"):
            current.append(line[1:])
        elif line.startswith("== "):
            current = sections.setdefault(line[3:].strip(), [])
    return Sections({name: tuple(lines) for name, lines in sections.items()})


def _printable_lines(text: str) -> list[str]:
    """The lines made printable: all at once, as nearly every answer is, else one by one."""
    plain = text.replace("\t", " ")
    if plain.isascii() and plain.replace("\n", "").isprintable():
        return plain.split("\n")
    return [printable(line.removesuffix("\r")) for line in text.split("\n")]
