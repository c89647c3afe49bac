"""Container images, pulled by digest on this machine and kept as one file each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wizard.artifacts import problems
from wizard.artifacts.cache import Cache, Obtained, Wanted
from wizard.artifacts.download import Downloader, Tries
from wizard.artifacts.image_archive import Packed, write_archive
from wizard.artifacts.oci import (
    MANIFEST,
    MANIFEST_LIMIT,
    Blob,
    Index,
    Manifest,
    Reference,
    architecture,
    media_type,
    parse_index_or_manifest,
)
from wizard.artifacts.progress import Report, silent
from wizard.artifacts.registry import RegistryClient
from wizard.core.dataclass import dataclass
from wizard.transport.http import HttpClient, told


@dataclass(frozen=True, slots=True)
class WantedImage:
    """An image for one architecture that is to be had."""

    label: str
    """For messages: `coredns-image 1.14.6 for arm64`."""
    reference: Reference
    arch: str
    source: str
    """Who says that its digest binds, for messages."""
    limit: int
    """Bytes its layers may have in all."""


class ImagePuller:
    """Brings images piece by piece, each piece verified by the digest that the one before it names.

    Args:
        cache: keeps pieces and images; its downloader asks registries (`RegistryClient`).
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    @classmethod
    def over(
        cls,
        client: HttpClient,
        root: Path,
        *,
        tries: Tries | None = None,
        sleep: Callable[[float], object] | None = None,
        cancelled: threading.Event | None = None,
        talk: Callable[[str], None] = lambda _text: None,
    ) -> ImagePuller:
        """One that asks registries through a client.

        Args:
            client: asks.
            root: of the cache.
            tries: how patient it is.
            sleep: waits so many seconds; by default until `cancelled` is set at most.
            cancelled: set when the person wants it to stop.
            talk: is told what is being waited for.
        """
        downloader = Downloader(RegistryClient(client), tries=tries, sleep=sleep, cancelled=cancelled)
        return cls(Cache(root, downloader, cancelled=cancelled, talk=talk))

    def has(self, reference: Reference, arch: str) -> Path | None:
        """Where an image lies that was pulled before, unverified."""
        return self._cache.made(_key(reference, arch))

    def obtain(self, want: WantedImage, report: Report = silent) -> Obtained:
        """The image as one file, from the cache or pulled.

        Args:
            want: what is to be had.
            report: is told how far each layer is.

        Raises:
            HttpError: it cannot be pulled.
            ArtifactError: there is none for this architecture, a piece is not the right one, or it cannot be stored.
            CancelledError: the person stopped it.
        """
        key = _key(want.reference, want.arch)
        if kept := self._cache.verified(key):
            return kept
        packed = self._pulled(want, report)
        return self._cache.make(key, partial(write_archive, packed))

    def _pulled(self, want: WantedImage, report: Report) -> Packed:
        top = want.reference.digest
        files = {str(top): self._manifest(want, Blob(MANIFEST, top, MANIFEST_LIMIT))}
        found = self._parsed(want, files[str(top)])
        raw = files[str(top)].read_bytes()
        chosen = Blob(media_type(raw, MANIFEST), top, len(raw))
        if isinstance(found, Index):
            each = found.find(want.arch)
            if each is None:
                raise _no_build(want, found)
            files[str(each.digest)] = self._manifest(want, each)
            chosen, found = each, self._parsed(want, files[str(each.digest)])
        if isinstance(found, Index):
            raise _nonsense(want, "its list names another list")
        return Packed(want.reference.name, chosen, files | self._content(want, found, report))

    def _content(self, want: WantedImage, manifest: Manifest, report: Report) -> dict[str, Path]:
        total = sum(blob.size for blob in manifest.blobs)
        if total > want.limit:
            raise told.too_large(want.reference.manifest(want.reference.digest), want.limit, total)
        files = {str(manifest.config.digest): self._piece(want, manifest.config, "configuration", report)}
        platform = architecture(files[str(manifest.config.digest)].read_bytes())
        if platform != f"linux/{want.arch}":
            raise _no_build(want, Index({platform: manifest.config}))
        others = [blob for blob in manifest.blobs if blob != manifest.config]
        for number, layer in enumerate(others, 1):
            what = f"layer {number} of {len(others)}"
            files[str(layer.digest)] = self._piece(want, layer, what, report)
        return files

    def _manifest(self, want: WantedImage, blob: Blob) -> Path:
        address = want.reference.manifest(blob.digest)
        piece = Wanted(
            f"{want.label}, its manifest", address, blob.digest, want.source, min(blob.size, MANIFEST_LIMIT)
        )
        return self._cache.obtain(piece).path

    def _piece(self, want: WantedImage, blob: Blob, what: str, report: Report) -> Path:
        address = want.reference.blob(blob.digest)
        piece = Wanted(f"{want.label}, {what}", address, blob.digest, "its manifest", blob.size)
        return self._cache.obtain(piece, report).path

    def _parsed(self, want: WantedImage, path: Path) -> Index | Manifest:
        try:
            return parse_index_or_manifest(path.read_bytes())
        except ValueError as error:
            raise _nonsense(want, str(error)) from error


def _key(reference: Reference, arch: str) -> str:
    return f"image-{arch}-{reference.digest.value}"


def _no_build(want: WantedImage, index: Index) -> problems.ArtifactError:
    there = ", ".join(sorted(name for name in index.manifests if name and "unknown" not in name))
    return problems.ArtifactError(
        f"{want.reference.name} is not made for {want.arch}",
        where=want.reference.manifest(want.reference.digest),
        why=f"a host of the cluster is {want.arch}; the image is made for: {there or 'nothing that is named'}",
        do=(
            "see which images there are: wizard artifacts list",
            f"fetch for the other architecture only: wizard artifacts fetch DIR --arch {_other(want.arch)}",
        ),
    )


def _other(arch: str) -> str:
    return "arm64" if arch == "amd64" else "amd64"


def _nonsense(want: WantedImage, why: str) -> problems.ArtifactError:
    return problems.ArtifactError(
        f"{want.reference.name} cannot be understood",
        where=want.reference.manifest(want.reference.digest),
        why=why,
        do="a newer wizard may know this kind of image: wizard artifacts list",
    )
