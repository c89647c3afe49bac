"""Files that are installed on hosts, as steps ask for them: by name, version and architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wizard.core.dataclass import dataclass

if TYPE_CHECKING:
    from wizard.core.errors import WizardError

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}
"""What the kernel calls an architecture -> what publishers of files call it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file as the lock, the catalog or a folder of artifacts names it."""

    name: str
    version: str
    arch: str
    """`amd64` or `arm64`."""
    file: str
    """The publisher's file name."""
    origin: str
    """`publisher`, or `built` by somebody from sources."""
    sha256: str = ""
    """Hex; empty until the first download, where the publisher gives another digest."""

    @property
    def label(self) -> str:
        """For people: `etcd 3.6.14 (amd64)`, with a word where it was built and not published."""
        return f"{self.name} {self.version} ({self.arch}{', built' if self.origin == 'built' else ''})"


@dataclass(frozen=True, slots=True)
class Need:
    """A file that a change will obtain, as it will ask for it."""

    name: str
    arch: str
    version: str = ""
    """Empty = the locked one, else the catalog's."""


class Artifacts(Protocol):
    """Where files come from: `--artifacts DIR`, the cache, or the net."""

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        """The file a name stands for. Nothing is downloaded: for plan and doctor.

        Args:
            name: as in the catalog, e.g. `etcd`.
            arch: `amd64` or `arm64`.
            version: empty = the locked one, else the catalog's.

        Raises:
            UsageError: there is no such artifact, or it was built and built ones are not accepted.
        """

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        """The file itself on this machine, verified just now; its digest binds from then on. For changes.

        Args:
            name: as in the catalog.
            arch: `amd64` or `arm64`.
            version: empty = the locked one, else the catalog's.
            on_bytes: is called with (bytes here, bytes in all; 0 = not known) during a download.

        Raises:
            WizardError: it cannot be downloaded, or is not the right file.
        """

    def lacking(self, needs: Sequence[Need]) -> WizardError | None:
        """Whether something that will be obtained cannot be had, told all at once; None where all of it can.

        Nothing is downloaded to find out: what would be downloaded counts as here, unless everything has to come
        from one folder.

        Args:
            needs: of all changes of a plan.
        """


class NoArtifacts:
    """A session that installs nothing."""

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        """As `Artifacts.named`; there is none."""
        raise KeyError(f"{name} {version} ({arch})")

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        """As `Artifacts.obtain`; there is none."""
        raise KeyError(f"{name} {version} ({arch})")

    def lacking(self, needs: Sequence[Need]) -> WizardError | None:
        """As `Artifacts.lacking`; nothing is ever needed."""
