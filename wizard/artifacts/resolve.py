"""Which file a name stands for: the catalog, what the lock binds, and the folder given with `--artifacts`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from wizard.artifacts import problems
from wizard.artifacts.catalog import ARCHES, Catalog, CatalogEntry, Checksums
from wizard.artifacts.digest import Digest
from wizard.artifacts.lock import LOCK_NAME, Lock, LockEntry, Origin, read_lock
from wizard.artifacts.oci import SCHEME, Reference, parse_reference
from wizard.core.dataclass import dataclass
from wizard.core.errors import UsageError

UNLISTED_LIMIT = 2 * 1024**3
"""Bytes accepted for a file that only a lock knows: twice the largest entry of the catalog."""


@dataclass(frozen=True, slots=True)
class ResolvedArtifact:
    """What a step may rely on: a version, a digest, where it comes from."""

    name: str
    version: str
    arch: str
    file: str
    url: str
    sha256: str
    """Hex. Empty until the first download, where the publisher gives another digest or only a checksum file."""
    origin: Origin
    path: Path | None = None
    """Where it lies: in the folder given with `--artifacts`, or (once obtained) in the cache."""
    digest: Digest | None = None
    """What binds now; None: the publisher's checksum file has to be read first."""
    bound_by: str = ""
    """Who says so, for messages: the catalog, a lock."""
    checksums: Checksums | None = None
    published: str = ""
    """The publisher's digest as the lock remembers it, `algorithm:hex`."""
    also: tuple[Digest, ...] = ()
    """Further digests that the file must have: a folder's own lock alone is not believed where more is known."""
    listed: Digest | None = None
    """What the catalog says of this version, if anything."""
    limit: int = UNLISTED_LIMIT
    sources: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.name} {self.version} for {self.arch}"

    @property
    def image(self) -> Reference | None:
        """The container image it is, if it is one: then what the catalog's digest binds is inside the file."""
        return parse_reference(self.url) if self.url.startswith(SCHEME) else None

    @property
    def folder_lock(self) -> bool:
        """Whether it comes from a folder of artifacts, and not from the net or the cache."""
        return self.path is not None and self.bound_by == str(self.path.parent / LOCK_NAME)


class Resolver:
    """Finds the file for a name and an architecture.

    A lock binds: its digest holds against the catalog and against a folder. A folder's own lock is believed for
    what it says of published files as far as nothing else binds them; files that were built are used only where
    the spec says so.

    Args:
        catalog: what came with this wizard.
        lock: the cluster's.
        folder: given with `--artifacts`; its lock must exist.
        accept_built: `artifacts.accept_built` of the spec.
    """

    def __init__(
        self, catalog: Catalog, lock: Lock, *, folder: Path | None = None, accept_built: bool = False
    ) -> None:
        self._catalog = catalog
        self.lock = lock
        self._folder = _folder_lock(folder) if folder is not None else None
        self._accept_built = accept_built

    def bind(self, entry: LockEntry) -> None:
        """Let an entry bind from now on (the caller saves the lock)."""
        self.lock = self.lock.with_entry(entry)

    def resolve(self, name: str, arch: str, version: str = "") -> ResolvedArtifact:
        """The file for a name.

        Args:
            name: e.g. `etcd`.
            arch: `amd64` or `arm64`.
            version: as the spec says; empty = the locked one, else the catalog's.

        Raises:
            UsageError: there is no such artifact, or it was built and built ones are not accepted.
            ArtifactError: two sources that both bind name different digests.
        """
        there = self._in_folder(name, arch, version)
        bound = self.lock.find(name, arch, version, there.origin if there else Origin.PUBLISHER)
        wanted = version or (there.version if there else "") or (bound.version if bound else "")
        listed = self._catalog.find(name, arch, wanted)
        if there is not None:
            return self._from_folder(there, bound, listed)
        built = self.lock.find(name, arch, version, Origin.BUILT)
        if built is not None and self._accept_built:
            raise _built_elsewhere(built, self.lock.path)
        if bound is not None:
            return _from_lock(bound, listed, str(self.lock.path))
        if listed is not None:
            return _from_catalog(listed)
        raise problems.unknown(name, arch, version, self._known())

    def all(self, arches: Iterable[str] = ARCHES) -> list[ResolvedArtifact]:
        """Everything there is for these architectures, in the order of the catalog."""
        names = dict.fromkeys((entry.name, entry.arch) for entry in self._catalog.entries)
        extra = self._folder.entries if self._folder else {}
        keys = dict.fromkeys([*names, *extra])
        wanted = set(arches)
        return [
            self.resolve(name, arch) for name, arch in keys if arch in wanted and self._usable(name, arch)
        ]

    def folder_entries(self) -> list[LockEntry]:
        """What the folder's lock names; empty without a folder."""
        return self._folder.all() if self._folder else []

    def _usable(self, name: str, arch: str) -> bool:
        return bool(self._catalog.find(name, arch)) or self._accept_built

    def _in_folder(self, name: str, arch: str, version: str) -> LockEntry | None:
        if self._folder is None:
            return None
        built = self._folder.find(name, arch, version, Origin.BUILT)
        published = self._folder.find(name, arch, version, Origin.PUBLISHER)
        if built is not None and self._accept_built:
            return built
        if published is None and built is not None:
            raise _built_refused(built, self._folder.path)
        return published

    def _from_folder(
        self, there: LockEntry, bound: LockEntry | None, listed: CatalogEntry | None
    ) -> ResolvedArtifact:
        folder = self._folder or Lock(Path())
        if not there.sha256:
            raise _unfinished(there, folder.path)
        if bound is not None and bound.version == there.version:
            _demand_same(bound.digest, str(self.lock.path), there, folder.path)
        if there.origin is Origin.PUBLISHER and listed is not None and listed.digest is not None:
            _demand_same(listed.digest, "the catalog", there, folder.path)
        base = _from_lock(there, listed, str(folder.path))
        same = bound is not None and bound.version == there.version
        also = [bound.digest] if bound is not None and same else []
        published = base.listed if there.origin is Origin.PUBLISHER and base.image is None else None
        also += [published] if published is not None else []
        return replace(base, path=folder.path.parent / there.file, also=tuple(also))

    def _known(self) -> str:
        names = sorted({f"{e.name} {e.version} ({e.arch})" for e in self._catalog.entries})
        return ", ".join(names)


def _from_catalog(entry: CatalogEntry) -> ResolvedArtifact:
    of_file = entry.digest if not entry.url.startswith(SCHEME) else None
    known = of_file.value if of_file and of_file.algorithm == "sha256" else ""
    return ResolvedArtifact(
        name=entry.name,
        version=entry.version,
        arch=entry.arch,
        file=entry.file,
        url=entry.url,
        sha256=known,
        origin=Origin.PUBLISHER,
        digest=entry.digest,
        listed=entry.digest,
        published=str(entry.digest) if entry.digest and not known else "",
        bound_by="the catalog" if entry.digest else "",
        checksums=entry.checksums,
        limit=entry.limit,
        sources=entry.sources,
    )


def _from_lock(entry: LockEntry, listed: CatalogEntry | None, lock: str) -> ResolvedArtifact:
    return ResolvedArtifact(
        name=entry.name,
        version=entry.version,
        arch=entry.arch,
        file=entry.file,
        url=entry.url,
        sha256=entry.sha256,
        origin=entry.origin,
        digest=entry.digest,
        bound_by=lock,
        checksums=listed.checksums if listed else None,
        published=entry.published,
        listed=listed.digest if listed else None,
        limit=listed.limit if listed else UNLISTED_LIMIT,
        sources=listed.sources if listed else (),
    )


def _demand_same(bound: Digest, by: str, there: LockEntry, path: Path) -> None:
    found = {str(there.digest), there.published}
    comparable = {bound.algorithm} & {each.partition(":")[0] for each in found}
    if comparable and str(bound) not in found:
        raise problems.conflict(there.label, str(path), bound=bound, by=by, found=there.digest)


def _folder_lock(folder: Path) -> Lock:
    path = folder / LOCK_NAME
    if not path.is_file():
        raise UsageError(
            f"{folder} is not a folder of artifacts",
            where=str(path),
            why="it has no artifacts.lock that says what its files are",
            do=f"fill it on a machine with a network: wizard artifacts fetch {folder}",
        )
    return read_lock(path)


def _built_refused(entry: LockEntry, path: Path) -> UsageError:
    return UsageError(
        f"{entry.label} in this folder was built by somebody, not published",
        where=str(path),
        why="its lock says origin: built, and the spec does not accept built artifacts",
        do=(
            "accept them, in cluster.yaml:  artifacts: {accept_built: true}",
            f"or fetch the published one: wizard artifacts fetch {path.parent}",
        ),
    )


def _built_elsewhere(entry: LockEntry, path: Path) -> UsageError:
    return UsageError(
        f"{entry.label} is bound to a file that was built, and no folder that holds it was given",
        where=str(path),
        why="a built file cannot be downloaded",
        do="name the folder it came from: wizard apply --artifacts DIR",
    )


def _unfinished(entry: LockEntry, path: Path) -> problems.ArtifactError:
    return problems.ArtifactError(
        f"{entry.label} was never fetched to the end",
        where=str(path),
        why="the folder's lock has no sha256 of it yet",
        do=f"finish it: wizard artifacts fetch {path.parent}",
    )
