"""The answers given so far: a spec that may be half filled, as the person wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wizard.core.dataclass import dataclass
from wizard.core.errors import SpecError
from wizard.core.paths import parse_path

if TYPE_CHECKING:
    from wizard.core.spec.model import ClusterSpec, Problem
    from wizard.core.spec.writing import Tree

FIRST = "welcome"
"""The screen a new draft begins at."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the answers mean."""

    spec: ClusterSpec
    """Neutral values stand where an answer is missing or refused: empty text, no hosts."""
    whole: bool
    """Nothing is missing and every value is well formed; they may still contradict each other."""
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """It can be planned and built."""
        return self.whole and not self.errors()

    def errors(self, *paths: str) -> list[Problem]:
        """What must be put right, at these paths and below them; everywhere when none is given."""
        return [one for one in self.at(*paths) if one.level == "error"]

    def at(self, *paths: str) -> list[Problem]:
        """Every problem and warning at these paths and below them; everywhere when none is given."""
        if not paths:
            return list(self.problems)
        return [one for one in self.problems if any(_under(one.path, path) for path in paths)]


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith((f"{root}.", f"{root}["))


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers by their place in the spec (`hosts[0].address`), and the screen the person was at."""

    tree: Mapping[str, Tree]
    place: str = FIRST
    anew: bool = False
    """Begun by starting over: what an earlier run left half done is not asked about before the next run."""

    @classmethod
    def new(cls) -> Draft:
        """What is known before anything was asked: versions and names that suit nearly everybody."""
        return cls(
            {
                "schema": "1",
                "name": "home",
                "ssh": {"user": "root"},
                "network": {
                    "domain": "home.arpa",
                    "upstream_dns": ["9.9.9.9", "149.112.112.112"],
                    "pod_cidr": "10.42.0.0/16",
                    "service_cidr": "10.43.0.0/16",
                },
                "hosts": [
                    {"name": "tower-a", "role": "hypervisor"},
                    {"name": "tower-b", "role": "hypervisor"},
                    {"name": "pi", "role": "witness"},
                ],
                "storage": {"kind": "longhorn", "replicas": "2"},
                "k3s": {"version": "v1.36.4+k3s1"},
                "etcd": {"version": "3.6.14"},
                "dns": {"kind": "adguard"},
                "apps": {"metallb": {}, "traefik": {}},
            }
        )

    @classmethod
    def read(cls, text: str | bytes, *, source: str, place: str = FIRST) -> Draft:
        """The answers in a spec file, sound or not.

        Args:
            text: its content.
            source: its name, for the error.
            place: the screen to begin at.

        Raises:
            SpecError: it is no file of keys and values.
        """
        from wizard.core.spec.reading import read_document

        doc = read_document(text)
        if not isinstance(doc.root, dict):
            told = " ".join(f"{one.text} {one.hint}" for one in doc.problems[:3])
            raise SpecError(
                "The answers cannot be read.",
                where=source,
                why=told or "It does not hold keys and values.",
                do=(f"Correct the file, or move it away: mv {source} {source}.old",),
            )
        tree = _as_written(doc.root)
        assert isinstance(tree, Mapping)
        return cls(tree, place)

    def completed(self) -> Draft:
        """With what suits nearly everybody where something is missing that must be there: of a part of a spec, a whole.

        What no question is about, such as a version, would keep the person from going on otherwise.
        """
        missing = {one.path for one in self.check().errors()}
        return replace(self, tree=_filled(self.tree, Draft.new().tree, "", missing))

    def get(self, path: str) -> str:
        """The answer at a place; empty where there is none. A list of words is told with commas."""
        node: Any = self.tree
        for key in parse_path(path):
            if isinstance(key, int):
                node = node[key] if isinstance(node, Sequence) and key < len(node) else ""
            else:
                node = node.get(key, "") if isinstance(node, Mapping) else ""
        if isinstance(node, str):
            return node
        return "" if isinstance(node, Mapping) else ", ".join(str(item) for item in node)

    def section(self, path: str) -> Tree:
        """The whole of a section or list; an empty section where there is none."""
        node: Any = self.tree
        for key in parse_path(path):
            node = node[key] if (key in node if isinstance(node, Mapping) else True) else {}
        return node  # type: ignore[no-any-return] # a tree of any depth

    def length(self, path: str) -> int:
        """How many items a list has."""
        node = self.section(path)
        return 0 if isinstance(node, str | Mapping) else len(node)

    def put(self, path: str, value: Tree) -> Draft:
        """With an answer.

        Args:
            path: its place; an index just behind a list's end adds an item.
            value: what was answered; an empty text takes the answer away.
        """
        return replace(self, tree=_put(self.tree, parse_path(path), value))

    def drop(self, path: str) -> Draft:
        """Without what is at a place: `hosts[1]`, `machines`."""
        return replace(self, tree=_put(self.tree, parse_path(path), ""))

    def rename_host(self, index: int, name: str) -> Draft:
        """With another name for a host; the machines on it go along.

        Args:
            index: of the host.
            name: the new one.
        """
        old = self.get(f"hosts[{index}].name")
        if name == old:
            return self
        draft = self.put(f"hosts[{index}].name", name)
        for number in range(self.length("machines")):
            if name and self.get(f"machines[{number}].host") == old:
                draft = draft.put(f"machines[{number}].host", name)
        return draft

    def at(self, place: str) -> Draft:
        """The same answers, at another screen."""
        return replace(self, place=place)

    def text(self) -> str:
        """As a spec file, with the comments of the example."""
        from wizard.core.spec.writing import spec_text

        return spec_text(self.tree)

    def check(self) -> Checked:
        """What the answers mean and what is wrong with them, by the same rules as `wizard check`."""
        from wizard.core.spec.schema import understand

        spec, whole, problems = understand(self.text())
        assert spec is not None, "what we wrote ourselves can be read"
        return Checked(spec, whole, tuple(replace(one, line=None) for one in problems))


def _as_written(node: Any) -> Tree:  # noqa: ANN401 - what the reader makes: dicts, lists and scalars
    if isinstance(node, dict):
        return {key: _as_written(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_written(value) for value in node]
    return "" if node.kind == "null" else str(node.text)


def _filled(
    tree: Mapping[str, Tree], usual: Mapping[str, Tree], root: str, missing: set[str]
) -> dict[str, Tree]:
    found = dict(tree)
    for key, value in usual.items():
        path, there = f"{root}{key}", found.get(key)
        if there is None and path in missing:
            found[key] = value
        elif isinstance(there, Mapping) and isinstance(value, Mapping):
            found[key] = _filled(there, value, f"{path}.", missing)
    return found


def _put(node: Any, keys: Sequence[str | int], value: Tree) -> Any:  # noqa: ANN401 - a tree of any depth
    key, rest = keys[0], keys[1:]
    if isinstance(key, int):
        items = list(node) if isinstance(node, Sequence) and not isinstance(node, str) else []
        inner = _put(items[key] if key < len(items) else {}, rest, value) if rest else value
        items[key : key + 1] = [] if inner == "" else [inner]
        return items
    known = dict(node) if isinstance(node, Mapping) else {}
    inner = _put(known.get(key, {}), rest, value) if rest else value
    if inner in ("", []):
        known.pop(key, None)
        return known
    return {**known, key: inner}
