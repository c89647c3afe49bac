"""`wizard artifacts list`: every file the wizard may download, and where it lies."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from wizard.artifacts.cache import Cache
from wizard.artifacts.catalog import load_catalog
from wizard.artifacts.download import Downloader
from wizard.artifacts.images import ImagePuller
from wizard.artifacts.lock import Lock
from wizard.artifacts.problems import amount
from wizard.artifacts.resolve import ResolvedArtifact, Resolver
from wizard.core.text import printable
from wizard.transport.http import HttpClient

FROM_PUBLISHER = "from the publisher's checksum file"


def show_list(cache_root: Path, folder: Path | None, *, as_json: bool) -> int:
    """Print the table, or the document.

    Args:
        cache_root: where downloads are kept.
        folder: of artifacts, if one was given.
        as_json: whether to print JSON.

    Returns:
        The exit code: 0.
    """
    cache = Cache(cache_root, Downloader(HttpClient()))
    resolver = Resolver(load_catalog(), Lock(Path()), folder=folder, accept_built=True)
    rows = [_row(artifact, cache) for artifact in resolver.all()]
    if as_json:
        print(json.dumps({"schema": 1, "cache": str(cache_root), "artifacts": rows}, indent=2))  # noqa: T201
        return 0
    print(_table(rows))  # noqa: T201
    print(f"cache: {printable(str(cache_root))}", file=sys.stderr)  # noqa: T201
    return 0


def _row(artifact: ResolvedArtifact, cache: Cache) -> dict[str, object]:
    path = artifact.path or _cached(artifact, cache)
    here = path if path is not None and path.is_file() else None
    return {
        "name": artifact.name,
        "version": artifact.version,
        "arch": artifact.arch,
        "size": here.stat().st_size if here else None,
        "digest": str(artifact.digest) if artifact.digest else None,
        "digest_from": list(artifact.sources) or [artifact.bound_by or FROM_PUBLISHER],
        "checksums": artifact.checksums.url if artifact.checksums else None,
        "origin": artifact.origin.value,
        "file": artifact.file,
        "url": artifact.url,
        "where": ("folder" if artifact.path else "cache") if here else "not here",
        "path": str(here) if here else None,
    }


def _cached(artifact: ResolvedArtifact, cache: Cache) -> Path | None:
    if artifact.image is not None:
        return ImagePuller(cache).has(artifact.image, artifact.arch)
    return cache.has(artifact.digest) if artifact.digest else None


def _table(rows: list[dict[str, object]]) -> str:
    head = ["NAME", "VERSION", "ARCH", "SIZE", "DIGEST", "ORIGIN", "WHERE"]
    cells = [head, *[_cells(row) for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: dict[str, object]) -> list[str]:
    size, digest = row["size"], row["digest"]
    texts = [
        str(row["name"]),
        str(row["version"]),
        str(row["arch"]),
        amount(size) if isinstance(size, int) else "-",
        _short(str(digest)) if digest else FROM_PUBLISHER,
        str(row["origin"]),
        str(row["path"] or "not here"),
    ]
    return [printable(text) for text in texts]


def _short(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}..."
