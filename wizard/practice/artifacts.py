"""Files of the simulated homelab in place of those that are downloaded: small, and saying what they stand for."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from wizard.core.artifact import Artifact

VERSIONS = {"etcd": "3.6.14", "debian-cloud-image": "13.20261101", "lxc-guest-root": "13.7"}
"""What there is, and in which version unless another is asked for."""


class PracticeArtifacts:
    """The protocol `wizard.core.artifact.Artifacts`.

    Args:
        folder: where the files are laid down.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        """As `Artifacts.named`."""
        version = version or VERSIONS[name]
        digest = hashlib.sha256(_content(name, arch, version)).hexdigest()
        return Artifact(name, version, arch, f"{name}-{version}-{arch}", "built", digest)

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        """As `Artifacts.obtain`."""
        found = self.named(name, arch, version)
        path = self._folder / found.file
        content = _content(name, arch, found.version)
        with self._guard:
            if not path.exists():
                path.write_bytes(content)
        if on_bytes is not None:
            on_bytes(len(content), len(content))
        return found, path


def _content(name: str, arch: str, version: str) -> bytes:
    return f"practice artifact {name} {version} {arch}\n".encode() * 64
