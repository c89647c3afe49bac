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
    for line in text.split("\n"):
        if line.startswith("|"):
            current.append(printable(line[1:].removesuffix("\r")))
        elif line.startswith("== "):
            current = sections.setdefault(printable(line[3:].strip()), [])
    return Sections({name: tuple(lines) for name, lines in sections.items()})
