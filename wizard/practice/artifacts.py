"""Files of the simulated homelab in place of those that are downloaded: small, and saying what they stand for."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from wizard.core.artifact import Artifact, Need
from wizard.core.errors import CancelledError, WizardError
from wizard.practice.pace import INSTANT, NET_SPEED, Pace

VERSIONS = {
    "etcd": "3.6.14",
    "debian-cloud-image": "13.20261101",
    "lxc-guest-root": "13.7",
    "k3s": "v1.36.4+k3s1",
    "k3s-airgap-images": "v1.36.4+k3s1",
}
"""What there is, and in which version unless another is asked for."""


class PracticeArtifacts:
    """The protocol `wizard.core.artifact.Artifacts`.

    Args:
        folder: where the files are laid down.
        pace: how long a download takes.
    """

    def __init__(self, folder: Path, pace: Pace = INSTANT) -> None:
        self._folder = folder
        self._pace = pace
        self._guard = threading.Lock()
        self.wrong: dict[str, WizardError] = {}
        """Names of files that arrive as others than were promised, with the error that tells it."""

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        """As `Artifacts.named`."""
        version = version or VERSIONS[name]
        digest = hashlib.sha256(_content(name, arch, version)).hexdigest()
        # As in the names of Debian's files, the epoch (1: of 1:2.3.3-1) is left out.
        file = f"{name}-{version.rpartition(':')[2]}-{arch}"
        return Artifact(name, version, arch, file, "built", digest)

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        """As `Artifacts.obtain`."""
        found = self.named(name, arch, version)
        path = self._folder / found.file
        content = _content(name, arch, found.version)
        if name in self.wrong:
            raise self.wrong[name]
        with self._guard:
            # A wizard that was killed may have left one that is not whole.
            if not path.exists() or path.read_bytes() != content:
                self._download(content, on_bytes)
                self._folder.mkdir(mode=0o700, exist_ok=True)
                path.write_bytes(content)
        return found, path

    def lacking(self, needs: Sequence[Need]) -> WizardError | None:
        """As `Artifacts.lacking`; whatever is needed is made up."""

    def _download(self, content: bytes, on_bytes: Callable[[int, int], None] | None) -> None:
        if not self._pace.transfer(content, on_bytes, speed=NET_SPEED):
            raise CancelledError(
                "The download was let go.",
                where="this machine",
                why="Ctrl-C was pressed twice, or the terminal is gone.",
                do="Run the same command again.",
            )


def _content(name: str, arch: str, version: str) -> bytes:
    return f"practice artifact {name} {version} {arch}\n".encode() * 64
