"""Artifacts as steps ask for them (`wizard.core.artifact.Artifacts`): names at once, files when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.artifact import Artifact, Need
from wizard.core.dataclass import dataclass
from wizard.core.errors import RefusedError, WizardError

if TYPE_CHECKING:
    from wizard.artifacts.progress import Progress
    from wizard.artifacts.resolve import ResolvedArtifact, Resolver
    from wizard.artifacts.store import ArtifactStore

NAMED = 3
"""Files that the command which fetches them names; where more are missing it fetches all that there are."""


@dataclass(slots=True)
class ArtifactAccess:
    """One cluster's artifacts.

    Args:
        lock: the cluster's `artifacts.lock`.
        cache: folder of downloads.
        folder: given with `--artifacts` or by the spec.
        sealed: everything has to come from the folder (`--artifacts`): nothing is asked of any server.
        accept_built: `artifacts.accept_built` of the spec.
        cancelled: set when the person stops the run: a download lets go.
        talk: is told what a person should see.
    """

    lock: Path
    cache: Path
    folder: Path | None
    sealed: bool
    accept_built: bool
    cancelled: threading.Event
    talk: Callable[[str], None]
    _store: ArtifactStore | None = None
    _resolver: Resolver | None = None
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        """As `Artifacts.named`."""
        return _plain(self._resolve().resolve(name, arch, version))

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        """As `Artifacts.obtain`; two that ask for one file share its download."""

        def report(progress: Progress) -> None:
            if on_bytes is not None:
                on_bytes(progress.done, progress.total or 0)

        if refusal := self.lacking([Need(name, arch, version)]):
            raise refusal
        with self._guard:
            got = self._obtaining().obtain(name, arch, version, report=report)
        if got.path is None:
            raise AssertionError(f"{got.label} was obtained and lies nowhere")
        return _plain(got), got.path

    def lacking(self, needs: Sequence[Need]) -> WizardError | None:
        """As `Artifacts.lacking`."""
        folder = self.folder
        if folder is None:
            return None
        found = [self._resolve().resolve(need.name, need.arch, need.version) for need in needs]
        missing = [each for each in found if not self._at_hand(each)]
        return _lacks(folder, missing) if missing else None

    def _at_hand(self, found: ResolvedArtifact) -> bool:
        if found.folder_lock:
            return found.path is not None and found.path.is_file()
        return not self.sealed

    def _resolve(self) -> Resolver:
        from wizard.artifacts.catalog import load_catalog
        from wizard.artifacts.lock import read_lock
        from wizard.artifacts.resolve import Resolver

        with self._guard:
            if self._resolver is None:
                self._resolver = Resolver(
                    load_catalog(),
                    read_lock(self.lock),
                    folder=self.folder,
                    accept_built=self.accept_built,
                )
            return self._resolver

    def _obtaining(self) -> ArtifactStore:
        from wizard.artifacts.cache import Cache
        from wizard.artifacts.download import Downloader
        from wizard.artifacts.images import ImagePuller
        from wizard.artifacts.store import ArtifactStore
        from wizard.transport.http import HttpClient

        if self._store is None:
            client = HttpClient()
            downloader = Downloader(client)
            cache = Cache(self.cache, downloader, cancelled=self.cancelled, talk=self.talk)
            images = ImagePuller.over(client, self.cache, cancelled=self.cancelled, talk=self.talk)
            self._store = ArtifactStore(self._resolve(), cache, downloader, images=images, talk=self.talk)
        return self._store


def _lacks(folder: Path, missing: Sequence[ResolvedArtifact]) -> RefusedError:
    names = dict.fromkeys(each.name for each in missing)
    words = [f"--only {name}" for name in names] if len(names) <= NAMED else []
    words += [f"--arch {arch}" for arch in dict.fromkeys(each.arch for each in missing)]
    count = f"{len(missing)} file{'' if len(missing) == 1 else 's'}"
    return RefusedError(
        f"{folder} lacks {count} that this plan needs",
        where=str(folder),
        why="\n".join(each.label for each in missing),
        do=(
            f"on a machine with a network, once: wizard artifacts fetch {folder} {' '.join(words)}",
            "or let the wizard download what is missing: the same command without --artifacts",
        ),
    )


def _plain(found: ResolvedArtifact) -> Artifact:
    return Artifact(found.name, found.version, found.arch, found.file, str(found.origin), found.sha256)
