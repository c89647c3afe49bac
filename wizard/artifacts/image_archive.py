"""An image as one file: the OCI image layout in a tar, as `ctr images import`, K3s and `docker load` take it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from wizard.artifacts.digest import Digest
from wizard.artifacts.oci import Blob, Index, parse_index_or_manifest
from wizard.core.dataclass import dataclass

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """What goes into an archive."""

    name: str
    """Of the image, with registry and tag: what it will be called where it is imported."""
    manifest: Blob
    files: Mapping[str, Path]
    """Every blob by its digest: the manifest, its list, the configuration, the layers."""


def write_archive(packed: Packed, out: Path) -> None:
    """Write the archive: the same bytes for the same image, and the publisher's blobs as they are.

    Args:
        packed: what goes in.
        out: the file to write.

    Raises:
        OSError: it cannot be written.
    """
    names = {
        "io.containerd.image.name": packed.name,
        "org.opencontainers.image.ref.name": packed.name.rpartition(":")[2],
    }
    index = {"schemaVersion": 2, "manifests": [{**packed.manifest.descriptor, "annotations": names}]}
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        _add(tar, "oci-layout", io.BytesIO(LAYOUT), len(LAYOUT))
        text = json.dumps(index, separators=(",", ":"), sort_keys=True).encode()
        _add(tar, "index.json", io.BytesIO(text), len(text))
        for digest, path in sorted(packed.files.items()):
            with path.open("rb") as content:
                _add(tar, _place(digest), content, path.stat().st_size)


def flaw(archive: Path, bound: Digest, arch: str) -> str:
    """What is wrong with an archive, by the digest that binds its image; empty = nothing.

    Args:
        archive: the file.
        bound: of the image's manifest, or of its list.
        arch: that it is said to be for.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            return _flaw(tar, bound, arch)
    except (tarfile.TarError, ValueError, KeyError, IndexError, TypeError) as error:
        return f"it is no archive of an image: {error}"


def _flaw(tar: tarfile.TarFile, bound: Digest, arch: str) -> str:
    inside = str(json.loads(_read(tar, "index.json"))["manifests"][0]["digest"])
    top = _read(tar, _place(str(bound)))
    if hashlib.sha256(top).hexdigest() != bound.value:
        return f"what it keeps as {bound} is something else"
    found = parse_index_or_manifest(top)
    if isinstance(found, Index):
        each = found.find(arch)
        if each is None or inside != str(each.digest):
            return f"its image {inside} is not the one for {arch}"
        found = parse_index_or_manifest(_read(tar, _place(inside)))
    elif inside != str(bound):
        return f"its image is {inside}"
    if isinstance(found, Index):
        return "its list names another list"
    parts = (inside, *(str(blob.digest) for blob in found.blobs))
    wrong = [digest for digest in parts if _hashed(tar, digest) != digest]
    return f"its part {wrong[0]} is another one" if wrong else ""


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    tar.addfile(entry, content)


def _place(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    return _member(tar, name).read()


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(f"{name} is no file")
    return file


def _hashed(tar: tarfile.TarFile, digest: str) -> str:
    algorithm = digest.partition(":")[0]
    found = hashlib.new(algorithm)
    content = _member(tar, _place(digest))
    while chunk := content.read(_CHUNK):
        found.update(chunk)
    return f"{algorithm}:{found.hexdigest()}"
