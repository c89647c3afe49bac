"""Looks for planted secrets wherever one could leak, in any form a program could give them; controls use it as well."""

from __future__ import annotations

import base64
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

from tests.lab.conftest import Lab
from tests.lab.story.world import SCRIPTS
from wizard.lab.docker import client

PAUSE_SECONDS = 0.002
"""Between two looks at all processes."""


@cache
def forms(secret: str) -> list[bytes]:
    """The secret as it is, quoted, in hex, and in base64 wherever it stands in the encoded text."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), quote(secret).encode()}
    for shift in range(3):
        coded = base64.b64encode(b"." * shift + raw)
        found.add(coded[4 if shift else 0 : len(coded) - 4])
    return [form for form in found if len(form) >= 8]


@cache
def any_of(secrets: tuple[str, ...]) -> re.Pattern[bytes]:
    """Matches any form of any of them: one pass over what is looked through."""
    return re.compile(b"|".join(re.escape(form) for secret in secrets for form in forms(secret)))


@dataclass(frozen=True, slots=True)
class Canaries:
    """Planted secrets by name."""

    secrets: Mapping[str, str]

    def names_in(self, content: bytes) -> list[str]:
        """Which of them stand in the bytes."""
        if not any_of(tuple(self.secrets.values())).search(content):
            return []
        return [
            name for name, secret in self.secrets.items() if any(form in content for form in forms(secret))
        ]

    def in_folder(self, folder: Path, *, but: tuple[Path, ...] = ()) -> list[str]:
        """Where they stand under a folder, as `name: path`; names of files count too.

        Args:
            folder: looked through whole.
            but: files that may hold them.
        """
        found = []
        for path in sorted(folder.rglob("*")):
            content = path.read_bytes() if path.is_file() and path not in but else b""
            found += [f"{name}: {path}" for name in self.names_in(str(path).encode() + b"\0" + content)]
        return found

    def in_host(self, lab: Lab, host: str) -> list[str]:
        """Which of them a host has in a file, in its journal or in a process."""
        command = [client(), "exec", "-i", lab.container(host), "/bin/sh"]
        given = (SCRIPTS / "spill.sh").read_bytes()
        said = subprocess.run(command, input=given, capture_output=True, timeout=60, check=False).stdout
        assert len(said) > 10_000, "there was hardly anything to look at"
        return [f"{name}: in {host}" for name in self.names_in(said)]


@dataclass(slots=True)
class Watch:
    """Looks at the arguments and environments of all processes, again and again.

    The hosts are containers on this machine: their processes, root's and everybody's, stand in this /proc as well.
    """

    canaries: Canaries
    rounds: int = 0
    processes: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """One round."""
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                self._look_at(process)
        self.rounds += 1

    def _look_at(self, process: Path) -> None:
        for part in ("cmdline", "environ"):
            try:
                content = (process / part).read_bytes()
            except OSError:
                continue
            self.processes.add(process.name)
            self.found |= {f"{name}: {part}" for name in self.canaries.names_in(content)}

    def run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            self.look()


@contextmanager
def watched(canaries: Canaries) -> Iterator[Watch]:
    """Watch all processes while something runs."""
    watch = Watch(canaries)
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch._stop.set()
        thread.join()
        watch.look()
