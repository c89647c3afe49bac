"""What a fault changed in the simulated homelab, so that it can be told from what the run itself changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import field
from typing import Any, TypeVar

from wizard.core.dataclass import dataclass

Key = TypeVar("Key")

_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class _Trace:
    """One value: how it is read and set, what it was, what the fault made of it, and which fault."""

    read: Callable[[], Any]
    write: Callable[[Any], None]
    before: Any
    after: Any
    fault: str

    def is_there(self) -> bool:
        """Whether the value is still the fault's: what was changed since is somebody's work."""
        return bool(self.read() == self.after)


@dataclass(slots=True)
class Traces:
    """Every change of a fault. Somebody else's later change of the same value stays."""

    _all: list[_Trace] = field(default_factory=list)
    _fault: str = ""

    def by(self, fault: str) -> Traces:
        """The same traces, for one fault to add its own.

        Args:
            fault: its name.
        """
        return Traces(self._all, fault)

    def mended(self, fault: str) -> bool:
        """Whether somebody has since made something else of all that a fault did; no if it did nothing.

        Args:
            fault: its name.
        """
        own = [one for one in self._all if one.fault == fault]
        others = [one for one in self._all if one.fault != fault]
        # What another fault made of the same thing is nobody's work.
        covered = any(one.read() == other.after for one in own for other in others)
        return bool(own) and not covered and not any(one.is_there() for one in own)

    def take_back(self) -> None:
        """Undo all that is still as the faults left it, for good."""
        for trace in reversed(self._all):
            self._undo(trace)
        self._all.clear()

    def set(self, owner: object, attribute: str, value: object) -> None:
        """Give an attribute another value.

        Args:
            owner: an object of the world.
            attribute: its name.
            value: the new one.
        """
        self._do(lambda: getattr(owner, attribute), lambda new: setattr(owner, attribute, new), value)

    def put(self, mapping: MutableMapping[Key, Any], key: Key, value: object) -> None:
        """Give an entry of a mapping another value, or make one."""
        self._do(lambda: mapping.get(key, _NOTHING), lambda new: _put(mapping, key, new), value)

    def drop(self, mapping: MutableMapping[Key, Any], key: Key) -> None:
        """Take an entry out of a mapping."""
        self.put(mapping, key, _NOTHING)

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """The world as it would be without the faults, for as long as the block runs."""
        undone = [trace for trace in reversed(self._all) if self._undo(trace)]
        try:
            yield
        finally:
            for trace in reversed(undone):
                trace.write(trace.after)

    def _undo(self, trace: _Trace) -> bool:
        there = trace.is_there()
        if there:
            trace.write(trace.before)
        return there

    def _do(self, read: Callable[[], Any], write: Callable[[Any], None], value: object) -> None:
        self._all.append(_Trace(read, write, read(), value, self._fault))
        write(value)


def _put(mapping: MutableMapping[Key, Any], key: Key, value: object) -> None:
    if value is _NOTHING:
        mapping.pop(key, None)
    else:
        mapping[key] = value
