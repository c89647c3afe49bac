"""Container images as registries describe them (OCI image and distribution specifications 1.1): text to dataclasses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from wizard.artifacts.digest import Digest, parse_digest
from wizard.core.dataclass import dataclass

SCHEME = "oci://"
"""Begins the address of an image in the catalog and in a lock."""

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPTED = ", ".join((INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))
"""What we understand; without it a registry may convert a manifest to an older form with another digest."""

MANIFEST_LIMIT = 4 * 1024 * 1024
"""Bytes a manifest may have: what the distribution specification asks registries to accept."""

_REFERENCE = re.compile(
    r"oci://(?P<registry>[a-z0-9.-]+(?::\d{1,5})?)/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r":(?P<tag>\w[\w.-]{0,127})@(?P<digest>sha256:[0-9a-f]{64})"
)
_HUB, _HUB_HOST = "docker.io", "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by name, and what binds: the digest of its manifest, or of the list with one for each architecture."""

    registry: str
    repository: str
    tag: str
    digest: Digest

    @property
    def name(self) -> str:
        """As manifests of Kubernetes ask for it: `docker.io/coredns/coredns:1.14.6`."""
        return f"{self.registry}/{self.repository}:{self.tag}"

    def manifest(self, digest: Digest) -> str:
        """The address of a manifest of this repository."""
        return f"{self._base}/manifests/{digest}"

    def blob(self, digest: Digest) -> str:
        """The address of a layer or a configuration of this repository."""
        return f"{self._base}/blobs/{digest}"

    @property
    def _base(self) -> str:
        host = _HUB_HOST if self.registry == _HUB else self.registry
        return f"https://{host}/v2/{self.repository}"


def parse_reference(text: str) -> Reference:
    """An image from `oci://REGISTRY/REPOSITORY:TAG@sha256:HEX`.

    Raises:
        ValueError: it is not written so.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not oci://REGISTRY/REPOSITORY:TAG@sha256:HEX")
    return Reference(found["registry"], found["repository"], found["tag"], parse_digest(found["digest"]))


@dataclass(frozen=True, slots=True)
class Blob:
    """Something a registry keeps by its digest."""

    media: str
    digest: Digest
    size: int

    @property
    def descriptor(self) -> dict[str, object]:
        """As an index or a manifest names it."""
        return {"mediaType": self.media, "digest": str(self.digest), "size": self.size}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one image for one architecture is made of."""

    config: Blob
    layers: tuple[Blob, ...]
    """From the lowest; packed as the publisher packed them (tar, gzip or zstd)."""

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """Everything beside the manifest itself, each once."""
        return tuple({blob.digest.value: blob for blob in (self.config, *self.layers)}.values())


@dataclass(frozen=True, slots=True)
class Index:
    """The list of an image that is made for several architectures."""

    manifests: Mapping[str, Blob]
    """By platform: `linux/arm64`, `linux/arm/v7`."""

    def find(self, arch: str) -> Blob | None:
        """The manifest for Linux on an architecture.

        Args:
            arch: `amd64` or `arm64`; of the latter every list has at most one, named with its variant or without.
        """
        wanted = f"linux/{arch}"
        return self.manifests.get(wanted) or self.manifests.get(f"{wanted}/v8")


def parse_index_or_manifest(raw: bytes) -> Index | Manifest:
    """What a registry sends for a manifest's digest.

    Args:
        raw: the very bytes, verified.

    Raises:
        ValueError: it is neither.
    """
    document = _table(json.loads(raw))
    if isinstance(document.get("manifests"), list):
        return Index(dict(map(_platform, _tables(document["manifests"]))))
    if isinstance(document.get("layers"), list):
        layers = tuple(map(_blob, _tables(document["layers"])))
        return Manifest(_blob(_table(document.get("config"))), layers)
    raise ValueError("it is neither a manifest nor a list of manifests")


def media_type(raw: bytes, otherwise: str) -> str:
    """What a manifest says it is; the OCI specification lets it be left out."""
    told = _table(json.loads(raw)).get("mediaType")
    return told if isinstance(told, str) else otherwise


def architecture(config: bytes) -> str:
    """The platform an image's configuration names: `linux/amd64`.

    Raises:
        ValueError: it is no configuration.
    """
    document = _table(json.loads(config))
    return f"{document.get('os')}/{document.get('architecture')}"


def _platform(entry: Mapping[str, object]) -> tuple[str, Blob]:
    platform = _table(entry.get("platform") or {})
    words = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join(str(word) for word in words if word), _blob(entry)


def _blob(entry: Mapping[str, object]) -> Blob:
    media, digest, size = (entry.get(key) for key in ("mediaType", "digest", "size"))
    if not isinstance(digest, str) or not isinstance(size, int) or size < 0:
        raise ValueError("an entry of it has no digest or no size")
    return Blob(str(media), parse_digest(digest), size)


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("a part of it is no table")  # noqa: TRY004 - malformed text, told like the rest of it
    return value


def _tables(value: object) -> list[Mapping[str, object]]:
    return [_table(entry) for entry in value] if isinstance(value, list) else []
