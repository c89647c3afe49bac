"""What steps ask for a file: resolves the name, obtains and verifies the file, and lets the digest bind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from wizard.artifacts import problems
from wizard.artifacts.cache import Cache, Wanted
from wizard.artifacts.digest import Digest, hash_file, published_digest
from wizard.artifacts.download import Downloader
from wizard.artifacts.image_archive import flaw
from wizard.artifacts.images import ImagePuller, WantedImage
from wizard.artifacts.lock import LockEntry, Origin, write_lock
from wizard.artifacts.oci import Reference
from wizard.artifacts.progress import Report, silent
from wizard.artifacts.resolve import ResolvedArtifact, Resolver


class ArtifactStore:
    """Files by name, from a folder, the cache or the net, verified and bound.

    Args:
        resolver: says which file a name stands for, and holds the lock.
        cache: keeps and downloads files.
        downloader: reads checksum files.
        images: pulls container images.
        talk: is told what a person should see, e.g. a digest that is about to bind.
    """

    def __init__(
        self,
        resolver: Resolver,
        cache: Cache,
        downloader: Downloader,
        *,
        images: ImagePuller,
        talk: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._images = images
        self.resolver = resolver
        self._cache = cache
        self._downloader = downloader
        self._talk = talk
        self._binding = threading.Lock()  # hosts are worked on in parallel

    def obtain(self, name: str, arch: str, version: str = "", *, report: Report = silent) -> ResolvedArtifact:
        """The file, verified just now; its digest binds from then on.

        Args:
            name: e.g. `etcd`.
            arch: `amd64` or `arm64`.
            version: empty = the locked one, else the catalog's.
            report: is told how far a download is.

        Returns:
            The artifact with its `path` and `sha256`.

        Raises:
            UsageError: there is no such artifact.
            HttpError: it cannot be downloaded.
            ArtifactError: it is not the right file, its publisher's digest changed, or it cannot be stored.
        """
        wanted = self.resolver.resolve(name, arch, version)
        if wanted.folder_lock:
            got = self._verified(wanted)
        elif wanted.image is not None:
            got = self._pulled(wanted, wanted.image, report)
        else:
            got = self._fetched(wanted, report)
        self._bind(got)
        return got

    def _verified(self, wanted: ResolvedArtifact) -> ResolvedArtifact:
        verify_file(wanted)
        return wanted

    def _pulled(self, wanted: ResolvedArtifact, image: Reference, report: Report) -> ResolvedArtifact:
        """What binds is the digest in the image's name; that of the file only says how it was packed."""
        want = WantedImage(wanted.label, image, wanted.arch, wanted.bound_by, wanted.limit)
        got = self._images.obtain(want, report)
        return replace(wanted, path=got.path, sha256=got.sha256, published=str(image.digest))

    def _fetched(self, wanted: ResolvedArtifact, report: Report) -> ResolvedArtifact:
        checked = self._with_digest(wanted)
        digest = checked.digest
        if digest is None:
            raise problems.unknown(wanted.name, wanted.arch, wanted.version, "no digest of it")
        want = Wanted(checked.label, checked.url, digest, checked.bound_by, checked.limit)
        got = self._cache.obtain(want, report)
        return replace(checked, path=got.path, sha256=got.sha256)

    def _with_digest(self, wanted: ResolvedArtifact) -> ResolvedArtifact:
        """The publisher's checksum file is read once; again only where the file itself has to come again."""
        settled = wanted.listed is not None or not wanted.published
        if wanted.digest is not None and (settled or self._cache.has(wanted.digest)):
            return wanted
        published = self._published(wanted)
        if wanted.published and str(published) != wanted.published:
            raise problems.checksum_changed(
                wanted.label,
                wanted.checksums.url if wanted.checksums else wanted.url,
                locked=Digest(*wanted.published.split(":")),
                lock=str(self.resolver.lock.path),
                published=published,
            )
        if wanted.digest is not None:
            return wanted
        first = replace(wanted, digest=published, published=str(published), bound_by=_source(wanted))
        self._talk(f"{wanted.label}: {_source(wanted)} says {published}; this binds from now on")
        self._bind(first)
        return first

    def _published(self, wanted: ResolvedArtifact) -> Digest:
        if wanted.checksums is None:
            return Digest(*wanted.published.split(":"))  # only the lock knows it: nothing to compare with
        text = self._downloader.text(wanted.checksums.url)
        try:
            found = published_digest(text, wanted.file, wanted.checksums.algorithm)
        except ValueError as error:
            raise _unusable_checksums(wanted, str(error)) from error
        if found is None:
            raise _unusable_checksums(wanted, f"it does not list {wanted.file}")
        return found

    def _bind(self, got: ResolvedArtifact) -> None:
        entry = LockEntry(
            name=got.name,
            version=got.version,
            arch=got.arch,
            file=got.file,
            origin=got.origin,
            sha256=got.sha256
            or (got.digest.value if got.digest and got.digest.algorithm == "sha256" else ""),
            url=got.url,
            published=got.published,
        )
        with self._binding:
            if self.resolver.lock.find(got.name, got.arch, got.version, got.origin) != entry:
                self.resolver.bind(entry)
                write_lock(self.resolver.lock)


def verify_file(artifact: ResolvedArtifact) -> None:
    """See that the file in a folder is what its lock says.

    Raises:
        ArtifactError: it is missing, no plain file, or another one.
    """
    path = artifact.path or Path(artifact.file)
    try:
        if not path.is_file():
            raise _missing(artifact, path)
        expected = (Digest("sha256", artifact.sha256.lower()), *artifact.also)
        found = hash_file(path, {each.algorithm for each in expected})
    except OSError as error:
        raise problems.storage(error, path) from error
    for index, each in enumerate(expected):
        if found[each.algorithm] != each:
            source = "the catalog or the cluster's lock" if index else artifact.bound_by
            raise problems.wrong_digest(
                artifact.label, str(path), expected=each, source=source, found=found[each.algorithm]
            )
    _demand_image(artifact, path)


def _demand_image(artifact: ResolvedArtifact, path: Path) -> None:
    """The digest of the file came with the file; the one of the image is the catalog's, or the cluster's lock's."""
    if artifact.image is None or artifact.origin is not Origin.PUBLISHER:
        return
    bound = artifact.listed or artifact.image.digest
    if wrong := flaw(path, bound, artifact.arch):
        raise problems.wrong_image(artifact.label, str(path), bound=bound, why=wrong)


def _source(wanted: ResolvedArtifact) -> str:
    return wanted.checksums.url if wanted.checksums else "the publisher"


def _missing(artifact: ResolvedArtifact, path: Path) -> problems.ArtifactError:
    return problems.ArtifactError(
        f"{artifact.label} is missing",
        where=str(path),
        why="the folder's lock names it, but there is no such file",
        do=f"fetch it again: wizard artifacts fetch {path.parent}",
    )


def _unusable_checksums(wanted: ResolvedArtifact, why: str) -> problems.ArtifactError:
    url = _source(wanted)
    return problems.ArtifactError(
        f"the publisher's checksum file is of no use for {wanted.label}",
        where=url,
        why=why,
        do=(f"look at it: curl -sSL {url}", "a proxy or captive portal may have answered in its place"),
    )
