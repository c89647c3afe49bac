"""Container images as `docker save` writes them, made without a daemon: the same inputs give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.lab import machine

CREATED = "1970-01-01T00:00:00Z"
"""Of every image: when it was made must not change what it is."""

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Runs:
    """What a container of an image does when it is told nothing else."""

    entry: tuple[str, ...]
    """Its program and first arguments."""
    arguments: tuple[str, ...] = ()
    """What a pod's `args` take the place of."""
    user: str = ""
    """As the kubelet checks it for `runAsNonRoot`: a number; empty = root."""
    environment: tuple[str, ...] = ()
    """NAME=value, beside PATH."""
    folder: str = ""
    """Where it starts."""
    ports: tuple[int, ...] = ()
    """TCP ports it listens on."""
    volumes: tuple[str, ...] = field(default=())
    """Where it keeps what must last."""


@contextmanager
def layer(out: Path) -> Iterator[tarfile.TarFile]:
    """A tar to write a layer into, with one way to write each header."""
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        yield tar


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry without what tells when and on which machine it was made."""
    entry.mtime, entry.uname, entry.gname = 0, "", ""
    entry.pax_headers = {}
    return entry


def add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Lay a file into a layer.

    Args:
        tar: as `layer` gives it.
        name: without a leading slash.
        content: of the file.
        mode: its permissions.
    """
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(plain(entry), io.BytesIO(content))


def add_folder(tar: tarfile.TarFile, name: str, mode: int = 0o755, owner: int = 0) -> None:
    """Lay an empty folder into a layer."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
    tar.addfile(plain(entry))


def write_image(name: str, runs: Runs, content: Path, out: Path) -> None:
    """One image of one layer.

    Args:
        name: with registry and tag, e.g. `docker.io/rancher/mirrored-pause:3.10.2`.
        runs: its program.
        content: tar of its root.
        out: the archive to write, not compressed.
    """
    digest = _digest(content)
    config = json.dumps(_config(runs, digest), sort_keys=True).encode()
    described = f"{hashlib.sha256(config).hexdigest()}.json"
    row = {"Config": described, "RepoTags": [name], "Layers": [f"{digest}.tar"]}
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        _stream(tar, f"{digest}.tar", content)
        add_file(tar, described, config)
        add_file(tar, "manifest.json", json.dumps([row], sort_keys=True).encode())


def _config(runs: Runs, layer_digest: str) -> dict[str, object]:
    said: dict[str, object] = {"Entrypoint": list(runs.entry), "Env": [PATH, *runs.environment]}
    if runs.arguments:
        said["Cmd"] = list(runs.arguments)
    if runs.user:
        said["User"] = runs.user
    if runs.folder:
        said["WorkingDir"] = runs.folder
    if runs.ports:
        said["ExposedPorts"] = {f"{port}/tcp": {} for port in runs.ports}
    if runs.volumes:
        said["Volumes"] = {place: {} for place in runs.volumes}
    return {
        "architecture": machine.arch(),
        "os": "linux",
        "created": CREATED,
        "config": said,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created": CREATED, "created_by": "homelab-wizard lab"}],
    }


def join(archives: Iterable[Path], out: Path) -> None:
    """Put several images into one compressed archive, as K3s's own air-gap file is.

    Args:
        archives: as `write_image` wrote them.
        out: the .tar.gz to write.
    """
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    with (
        out.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for archive in archives:
            with tarfile.open(archive) as source:
                for entry in source:
                    content = source.extractfile(entry)
                    if entry.name == "manifest.json":
                        rows += json.loads(content.read()) if content else []
                    elif entry.name not in seen:
                        seen.add(entry.name)
                        tar.addfile(entry, content)
        add_file(tar, "manifest.json", json.dumps(rows, sort_keys=True).encode())


def names_in(archive: Path) -> tuple[str, ...]:
    """The names of the images in an archive, compressed or not."""
    with tarfile.open(archive) as tar:
        content = tar.extractfile("manifest.json")
        rows = json.loads(content.read()) if content else []
    return tuple(name for row in rows for name in row["RepoTags"])


def _stream(tar: tarfile.TarFile, name: str, content: Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = content.stat().st_size, 0o644
    with content.open("rb") as file:
        tar.addfile(plain(entry), file)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
