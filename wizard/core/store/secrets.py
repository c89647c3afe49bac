"""`secrets.yaml`: generated keys, tokens and passwords of one cluster, in one file of mode 0600."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from wizard.core.errors import StateError
from wizard.core.files import SYSTEM, SystemCalls, read_private, write_private
from wizard.core.secret import Secret

SECRETS_SCHEMA = 1
"""Version of the file format."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*)*")


class FileSecrets:
    """The secrets in a file, read at first use and written whole.

    The caller holds the lock on the run state when it makes or replaces one; within this process any thread may ask.

    Args:
        path: of the file; its folder must exist before something is saved.
        system: the operating system.
    """

    def __init__(self, path: Path, system: SystemCalls = SYSTEM) -> None:
        self._path = path
        self._system = system
        self._guard = threading.RLock()
        self._values: dict[str, Secret] | None = None

    def get(self, name: str) -> Secret | None:
        """As `wizard.core.secrets.Secrets.get`."""
        with self._guard:
            return self._known().get(name)

    def names(self) -> tuple[str, ...]:
        """What there is, in order.

        Raises:
            StateError: as `get`.
        """
        with self._guard:
            return tuple(sorted(self._known()))

    def ensure(self, make: Callable[[], Mapping[str, Secret]], *names: str) -> tuple[Secret, ...]:
        """As `wizard.core.secrets.SecretKeeper.ensure`."""
        with self._guard:
            if any(name not in self._known() for name in names):
                self.put(make())
            known = self._known()
            return tuple(known[name] for name in names)

    def put(self, values: Mapping[str, Secret]) -> None:
        """As `wizard.core.secrets.SecretKeeper.put`."""
        with self._guard:
            wanted = {**self._known(), **values}
            write_private(self._path, _text(wanted), self._system)
            self._values = wanted

    def _known(self) -> dict[str, Secret]:
        if self._values is None:
            raw = read_private(self._path, self._system)
            self._values = {} if raw is None else _parsed(raw, self._path)
        return self._values


def _text(values: Mapping[str, Secret]) -> bytes:
    import yaml

    for name in values:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a secret")
    plain = {name: values[name].reveal() for name in sorted(values)}
    document = {"schema": str(SECRETS_SCHEMA), "checksum": _checksum(plain), "secrets": plain}
    # The dumper in C where there is one: a run writes this file as often as it makes a key.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(document, Dumper=dumper, default_style="|", sort_keys=False).encode()


def _checksum(plain: Mapping[str, str]) -> str:
    """Over every name and value: a file that lost some would make us make new keys beside those in use."""
    text = "".join(f"{len(word)}:{word}" for name in sorted(plain) for word in (name, plain[name]))
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(raw: bytes, path: Path) -> dict[str, Secret]:
    import yaml

    try:
        # The base loader knows no types: whatever stands there is text.
        document = yaml.load(raw, yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        # The parser's own words quote the file: they must not be shown.
        raise _corrupt(path, "It is not YAML any more.") from None
    if not isinstance(document, dict) or not isinstance(document.get("secrets"), dict):
        raise _corrupt(path, "It has no list of secrets.")
    if document.get("schema") != str(SECRETS_SCHEMA):
        raise _corrupt(path, f"It is not of schema {SECRETS_SCHEMA}: a newer wizard may have written it.")
    found = document["secrets"]
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in found.items()):
        raise _corrupt(path, "It holds something that is not a name and a text.")
    if document.get("checksum") != _checksum(found):
        raise _corrupt(
            path, "Its checksum does not fit: a part is missing, or it was changed by other hands."
        )
    return {name: Secret(value) for name, value in found.items()}


def _corrupt(path: Path, why: str) -> StateError:
    return StateError(
        "The file of secrets cannot be used.",
        where=str(path),
        why=why,
        do=(
            f"put back a good copy of {path} (mode 0600)",
            "without one, what was made with these keys must be made anew",
        ),
    )
