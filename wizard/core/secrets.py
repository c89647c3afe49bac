"""Where keys, tokens and passwords are asked for by name; the values never travel anywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Protocol

from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret


class Secrets(Protocol):
    """What plan and doctor may do: look."""

    def get(self, name: str) -> Secret | None:
        """The secret of this name, or None where it was never made.

        Args:
            name: words of letters, digits, dots and hyphens, separated by slashes: `etcd/etcd-a.key`.

        Raises:
            StateError: our file of secrets cannot be read or is not ours alone.
        """


class SecretKeeper(Secrets, Protocol):
    """What a change may do: make what is missing. It is on the disk before anything uses it."""

    def ensure(self, make: Callable[[], Mapping[str, Secret]], *names: str) -> tuple[Secret, ...]:
        """The secrets of these names; where one is missing, all of them are made anew together and saved.

        Args:
            make: makes a value for each of the names (a key and its certificate belong together).
            *names: of the secrets wanted.

        Returns:
            Them, in the order of the names.

        Raises:
            StateError: they could not be saved; nothing was handed out.
        """

    def put(self, values: Mapping[str, Secret]) -> None:
        """Replace secrets (a renewed certificate), saved before it returns.

        Raises:
            StateError: they could not be saved.
        """


@dataclass(slots=True)
class MemorySecrets:
    """Secrets that nobody keeps: for a session without a folder, and for tests."""

    values: dict[str, Secret] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def get(self, name: str) -> Secret | None:
        """As `Secrets.get`."""
        return self.values.get(name)

    def ensure(self, make: Callable[[], Mapping[str, Secret]], *names: str) -> tuple[Secret, ...]:
        """As `SecretKeeper.ensure`."""
        with self._guard:
            if any(name not in self.values for name in names):
                self.put(make())
            return tuple(self.values[name] for name in names)

    def put(self, values: Mapping[str, Secret]) -> None:
        """As `SecretKeeper.put`."""
        with self._guard:
            self.values.update(values)
