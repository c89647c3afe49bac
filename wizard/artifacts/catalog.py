"""The catalog: what the wizard downloads, from where, and how the right file is known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import cast

from wizard.artifacts.digest import HEX_DIGITS, Digest, parse_digest
from wizard.artifacts.oci import SCHEME, parse_reference
from wizard.core.dataclass import dataclass
from wizard.core.packages import Deb, load_packages
from wizard.core.resources import asset_text

CATALOG_SCHEMA = 1
ARCHES = ("amd64", "arm64")
"""Machines the wizard knows: PCs and 64-bit Raspberry Pis."""

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Checksums:
    """A publisher's checksum file."""

    algorithm: str
    url: str


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One file of one version for one architecture."""

    name: str
    title: str
    version: str
    arch: str
    url: str
    """`https://...`; of a container image `oci://REGISTRY/REPOSITORY:TAG@DIGEST`."""
    limit: int
    """Bytes we accept at most; of a container image those of its layers."""
    digest: Digest | None = None
    """None: it is read once from the publisher's checksum file. Of a container image: of its manifest or list."""
    sources: tuple[str, ...] = ()
    """Where the digest was read, in public."""
    checksums: Checksums | None = None
    size: int | None = None
    """Bytes, where known."""

    @property
    def file(self) -> str:
        """The file's name."""
        if self.url.startswith(SCHEME):
            return f"{self.name}-{self.version}-{self.arch}.tar"
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every entry, in the order of the file."""

    entries: tuple[CatalogEntry, ...]

    def find(self, name: str, arch: str, version: str = "") -> CatalogEntry | None:
        """The entry, or None.

        Args:
            name: e.g. `etcd`.
            arch: `amd64` or `arm64`.
            version: empty = the first one listed.
        """
        for entry in self.entries:
            if (entry.name, entry.arch) == (name, arch) and version in {"", entry.version}:
                return entry
        return None


@cache
def load_catalog() -> Catalog:
    """The catalog that came with this wizard: releases and images, then the packages of guests."""
    releases = parse_catalog(asset_text("catalog.yaml"))
    packages = load_packages()
    debs = (_of_package(deb, packages.source) for deb in packages.debs.values())
    return Catalog((*releases.entries, *debs))


def _of_package(deb: Deb, source: str) -> CatalogEntry:
    entry = CatalogEntry(
        name=deb.artifact,
        title=f"Debian package {deb.name}",
        version=deb.version,
        arch=deb.arch,
        url=deb.url,
        limit=deb.size,
        digest=parse_digest(f"sha256:{deb.sha256}"),
        sources=(source,),
        size=deb.size,
    )
    _demand(entry)
    return entry


def parse_catalog(text: str) -> Catalog:
    """A catalog from its YAML.

    Raises:
        ValueError: it breaks its own rules: a defect of the wizard, or of a test, not of the user.
    """
    import yaml

    raw = yaml.safe_load(text)
    if not isinstance(raw, Mapping) or raw.get("schema") != CATALOG_SCHEMA:
        raise ValueError(f"the catalog is not of schema {CATALOG_SCHEMA}")
    groups = cast(list[Mapping[str, object]], raw["artifacts"])
    images = cast(list[Mapping[str, object]], raw.get("images", []))
    entries = (
        *(entry for group in groups for entry in _entries(group)),
        *(entry for image in images for entry in _of_image(image)),
    )
    keys = [(entry.name, entry.version, entry.arch) for entry in entries]
    if len(set(keys)) != len(keys):
        raise ValueError("the catalog names an artifact twice")
    return Catalog(entries)


def _entries(group: Mapping[str, object]) -> list[CatalogEntry]:
    files = cast(Mapping[str, Mapping[str, object]], group["files"])
    return [_entry(group, arch, raw) for arch, raw in files.items()]


def _entry(group: Mapping[str, object], arch: str, raw: Mapping[str, object]) -> CatalogEntry:
    entry = CatalogEntry(
        name=str(group["name"]),
        title=str(group["title"]),
        version=str(group["version"]),
        arch=arch,
        url=str(raw["url"]),
        limit=int(str(group["limit_mib"])) * _MIB,
        digest=parse_digest(str(raw["digest"])) if "digest" in raw else None,
        sources=tuple(str(each) for each in cast(list[object], raw.get("sources", []))),
        checksums=_checksums(cast("Mapping[str, str] | None", raw.get("checksums", group.get("checksums")))),
        size=int(str(raw["size"])) if "size" in raw else None,
    )
    _demand(entry)
    return entry


def _of_image(raw: Mapping[str, object]) -> list[CatalogEntry]:
    """One entry for each architecture: the same list of manifests binds them all."""
    url = f"{SCHEME}{raw['reference']}@{raw['digest']}"
    entries = [
        CatalogEntry(
            name=str(raw["name"]),
            title=str(raw["title"]),
            version=str(raw["version"]),
            arch=str(arch),
            url=url,
            limit=int(str(raw["limit_mib"])) * _MIB,
            digest=parse_reference(url).digest,
            sources=tuple(str(each) for each in cast(list[object], raw.get("sources", []))),
        )
        for arch in cast(list[object], raw["arches"])
    ]
    for entry in entries:
        _demand(entry)
    return entries


def _checksums(raw: Mapping[str, str] | None) -> Checksums | None:
    return Checksums(raw["algorithm"], raw["url"]) if raw else None


def _demand(entry: CatalogEntry) -> None:
    label = f"{entry.name} {entry.version} {entry.arch}"
    if entry.arch not in ARCHES:
        raise ValueError(f"{label}: unknown architecture")
    if entry.digest is None and entry.checksums is None:
        raise ValueError(f"{label}: neither a digest nor a checksum file")
    if entry.digest is not None and not entry.sources:
        raise ValueError(f"{label}: a digest without its source")
    urls = [entry.url, *([entry.checksums.url] if entry.checksums else [])]
    if not all(url.startswith(("https://", SCHEME)) for url in urls):
        raise ValueError(f"{label}: not https")
    if entry.checksums and entry.checksums.algorithm not in HEX_DIGITS:
        raise ValueError(f"{label}: unknown algorithm {entry.checksums.algorithm}")
