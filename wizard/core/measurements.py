"""What was measured and when: the wire, the speed of a disk. Kept beside the run state, shown with its age.

A measurement takes seconds and traffic, so that only `wizard layout` and `wizard witness` make one. Plan, prove and
doctor say what the last one found.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Protocol

from wizard.core.dataclass import dataclass
from wizard.core.errors import StateError
from wizard.core.filefaults import quoted, write_failed
from wizard.core.files import SYSTEM, SystemCalls, read_private, write_private
from wizard.core.home import ClusterHome, prepare_home
from wizard.core.store.fields import FieldError, Node

MEASUREMENTS_SCHEMA = 1
"""Version of the file format."""

_KEYS = ("kind", "host", "measured_at", "data")
_STEPS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"))


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing measured on one host."""

    kind: str
    """What was measured, e.g. `addresses`, `dhcp`, `fsync`."""
    host: str
    """Where, by its name in the spec."""
    measured_at: float
    """Our clock, seconds since the epoch."""
    data: Mapping[str, object]
    """The result as JSON values; its shape belongs to the kind."""


class Measured(Protocol):
    """What plan and doctor may do: look at the last results."""

    def last(self, kind: str, host: str) -> Measurement | None:
        """The last result of a kind on a host, or None where there is none.

        Raises:
            StateError: our file of measurements cannot be read or is not ours alone.
        """


class Measurements(Measured, Protocol):
    """What a measuring command may do besides: keep what it found."""

    def keep(self, found: Sequence[Measurement]) -> None:
        """Put results in the place of earlier ones of the same kind and host.

        Raises:
            StateError: they could not be saved.
        """


@dataclass(slots=True)
class MemoryMeasurements:
    """Measurements that nobody keeps: for a session without a folder, and for tests."""

    values: dict[tuple[str, str], Measurement] = field(default_factory=dict)

    def last(self, kind: str, host: str) -> Measurement | None:
        """As `Measured.last`."""
        return self.values.get((kind, host))

    def keep(self, found: Sequence[Measurement]) -> None:
        """As `Measurements.keep`."""
        self.values.update({(one.kind, one.host): one for one in found})


class FileMeasurements:
    """The measurements of one cluster in `measurements.json`, mode 0600, replaced as a whole.

    Two commands that measure side by side (the wire, a disk) take turns: what one kept is not lost to the other.

    Args:
        home: the cluster's folder; it is made when something is kept.
        system: the operating system.
    """

    def __init__(self, home: ClusterHome, system: SystemCalls = SYSTEM) -> None:
        self._home = home
        self._system = system

    def last(self, kind: str, host: str) -> Measurement | None:
        """As `Measured.last`."""
        return self._read().get((kind, host))

    def keep(self, found: Sequence[Measurement]) -> None:
        """As `Measurements.keep`."""
        if not found:
            return
        prepare_home(self._home, self._system)
        with _alone(self._home.folder):
            known = self._read() | {(one.kind, one.host): one for one in found}
            write_private(self._home.measurements, _encode(known.values()), self._system)

    def _read(self) -> dict[tuple[str, str], Measurement]:
        path = self._home.measurements
        raw = read_private(path, self._system)
        if raw is None:
            return {}
        try:
            return {(one.kind, one.host): one for one in _decode(raw)}
        except (ValueError, RecursionError) as error:
            raise _damaged(path, "It is not JSON any more.") from error
        except FieldError as error:
            raise _damaged(path, f"{error}.") from error


def age_words(seconds: float) -> str:
    """How long ago something was, as a person says it.

    Args:
        seconds: since then; less than a minute, or a clock that went back, is `just now`.
    """
    for length, unit in _STEPS:
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder itself (a `flock`, which ends with its holder): reading and replacing is one act."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise write_failed(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _encode(measurements: Iterable[Measurement]) -> bytes:
    rows = [json.dumps(_row(one), allow_nan=False) for one in measurements]
    body = ",\n  ".join(rows)
    return f'{{\n "schema": {MEASUREMENTS_SCHEMA},\n "measurements": [\n  {body}\n ]\n}}\n'.encode()


def _row(one: Measurement) -> dict[str, object]:
    return {"kind": one.kind, "host": one.host, "measured_at": one.measured_at, "data": dict(one.data)}


def _decode(raw: bytes) -> Iterator[Measurement]:
    root = Node({"": json.loads(raw)}).child("")
    if root.whole("schema") != MEASUREMENTS_SCHEMA:
        raise FieldError("schema", f"is not {MEASUREMENTS_SCHEMA}: another version of the wizard wrote it")
    rows = root.value.get("measurements")
    if not isinstance(rows, list):
        raise FieldError("measurements", "should be a list")
    for number, row in enumerate(rows):
        node = Node({"": row}, f"measurements[{number}]").child("")
        node.only(_KEYS)
        yield Measurement(
            node.text("kind"), node.text("host"), node.number("measured_at"), node.child("data").value
        )


def _damaged(path: Path, why: str) -> StateError:
    return StateError(
        "The file of measurements cannot be used.",
        where=str(path),
        why=why,
        do=(f"rm {quoted(path)}", "measure again: wizard layout, wizard witness"),
        again="Removing it is safe: it holds nothing but what was measured.",
    )
