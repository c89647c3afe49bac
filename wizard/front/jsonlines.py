"""The event log: one JSON object a line, appended as it happens."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from wizard.core.errors import UsageError
from wizard.core.events import Event, event_json


class JsonLines:
    """Appends events to a file that only its owner can read. Safe from any thread.

    Args:
        path: created with mode 0600 where it is not there.

    Raises:
        UsageError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(
                "The event file cannot be opened.",
                where=str(path),
                why=error.strerror or str(error),
                do="Name another file with --events FILE.",
            ) from error
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")
        self._guard = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Append one event; a full disk loses the log, never the run."""
        line = json.dumps(event_json(event), ensure_ascii=False, default=str)
        with self._guard:
            if self._file.closed:
                return
            try:
                self._file.write(line + "\n")
                self._file.flush()
            except OSError:
                self._abandon()

    def _abandon(self) -> None:
        descriptor = self._file.fileno()
        try:
            self._file.close()
        except OSError:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file; later events are dropped."""
        with self._guard:
            self._file.close()
