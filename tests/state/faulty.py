"""An operating system that fails, shortens a write, kills the process or cuts the power at one call."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from wizard.core.files import SystemCalls

P = ParamSpec("P")
R = TypeVar("R")

KILLED = 97
"""Exit code of a child killed by `KillAt`."""


@dataclass
class Recorder(SystemCalls):
    """Counts the calls once armed."""

    armed: bool = False
    names: list[str] = field(default_factory=list)
    arguments: list[tuple[object, ...]] = field(default_factory=list)

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not self.armed:
            return function(*args, **kwargs)
        self.names.append(function.__name__)
        self.arguments.append(args)
        return self.strike(len(self.names) - 1, function, *args, **kwargs)

    def strike(self, index: int, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)


@dataclass
class FailAt(Recorder):
    """Raises an error at one call, or from it on; before the call or after it took effect."""

    index: int = 0
    number: int = 0
    after: bool = False
    for_ever: bool = False

    def strike(self, index: int, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        if index != self.index and not (self.for_ever and index > self.index):
            return function(*args, **kwargs)
        if self.after:
            result = function(*args, **kwargs)
            if function is os.open and isinstance(result, int):
                os.close(result)
        raise OSError(self.number, os.strerror(self.number))


@dataclass
class ShortWrites(Recorder):
    """Writes a few bytes at a time, as a signal or a nearly full disk makes it."""

    step: int = 7

    def strike(self, index: int, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        if function is os.write:
            handle, data = args
            assert isinstance(handle, int)
            assert isinstance(data, memoryview)
            return function(handle, data[: self.step])
        return function(*args, **kwargs)


@dataclass
class KillAt(Recorder):
    """Ends the process at one call as kill -9 does: nothing is closed, flushed or tidied.

    With `power`, the disk also forgets what was not synced: data without fsync is lost (the file is empty),
    and so are the renames since the last sync of the folder.
    """

    index: int = 0
    power: bool = False
    _unsynced: dict[int, int] = field(default_factory=dict)
    """Open file to a second handle on it, which outlives its closing."""
    _lost: list[int] = field(default_factory=list)
    _renamed: list[tuple[Path, bytes | None]] = field(default_factory=list)

    def strike(self, index: int, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        if index == self.index:
            if self.power:
                self._forget()
            os._exit(KILLED)
        before = self._before(function, args)
        result = function(*args, **kwargs)
        self._after(function, args, before, result)
        return result

    def _before(self, function: object, args: tuple[object, ...]) -> bytes | None:
        if function is not os.replace:
            return None
        target = args[1]
        assert isinstance(target, Path)
        return target.read_bytes() if target.exists() else None

    def _after(
        self, function: object, args: tuple[object, ...], before: bytes | None, result: object
    ) -> None:
        if (
            function is os.open
            and isinstance(result, int)
            and isinstance(args[1], int)
            and args[1] & os.O_CREAT
        ):
            self._unsynced[result] = os.dup(result)
        elif function is os.fsync and isinstance(args[0], int):
            if args[0] in self._unsynced:
                os.close(self._unsynced.pop(args[0]))
            else:
                self._renamed.clear()
        elif function is os.close and args[0] in self._unsynced:
            self._lost.append(self._unsynced.pop(args[0]))
        elif function is os.replace and isinstance(args[1], Path):
            self._renamed.append((args[1], before))

    def _forget(self) -> None:
        for handle in (*self._unsynced.values(), *self._lost):
            os.ftruncate(handle, 0)
        for path, content in reversed(self._renamed):
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
