"""etcd, etcdctl and etcdutl from their Go modules, packed as the publisher packs its release."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

from wizard.core.resources import asset_text
from wizard.lab import go_build, machine
from wizard.lab.artifacts import Recipe
from wizard.lab.docker import LabError
from wizard.lab.images import Say

VERSION = "3.6.14"
"""The etcd the product pins (domain.md); go.mod under assets/lab/etcd says the same."""

PROGRAMS = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
"""Which module each program is built from."""

REMEDY = "or install Go 1.25 or newer (https://go.dev/doc/install) and run `wizard lab up` again"

BUILD_SECONDS = 1200.0
"""Deadline of one program; all three take 36 s cold on two cores."""


def recipe() -> Recipe:
    """How the lab's etcd is made.

    Raises:
        LabError: there is no Go.
    """
    if not go_build.compiler():
        raise LabError(
            "etcd cannot be built here.",
            where="this machine",
            why="no `go` command was found in PATH or under /usr/local/go",
            do=("install Go 1.25 or newer: https://go.dev/doc/install", "wizard lab artifacts"),
        )
    modules = tuple(asset_text(f"lab/etcd/{name}") for name in ("go.mod", "go.sum"))
    return Recipe(
        name="etcd",
        file=f"{_folder()}.tar.gz",
        inputs=(VERSION, *modules, go_build.compiler_version()),
        costs="building it from its Go modules (40 s, 15 s where Go has a cache)",
        build=_build,
        version=VERSION,
    )


def _folder() -> str:
    return f"etcd-v{VERSION}-linux-{machine.arch()}"


def _build(out: Path, _say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-etcd.") as scratch:
        source = Path(scratch)
        for name in ("go.mod", "go.sum"):
            (source / name).write_text(asset_text(f"lab/etcd/{name}"))
        for program, module in PROGRAMS.items():
            _compile(source, program, module)
        _pack(source, out)


def _compile(source: Path, program: str, module: str) -> None:
    package = f"go.etcd.io/etcd/{module}/v3"
    go_build.build(
        source,
        package,
        source / program,
        what=f"{program} {VERSION}",
        where=f"go build {package}",
        again="wizard lab artifacts",
        seconds=BUILD_SECONDS,
    )


def _pack(source: Path, out: Path) -> None:
    """The publisher's layout; times and owners fixed, so that the same inputs give the same digest."""
    with (
        out.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        tar.addfile(_header(_folder(), tarfile.DIRTYPE, 0))
        for program in PROGRAMS:
            content = (source / program).read_bytes()
            tar.addfile(_header(f"{_folder()}/{program}", tarfile.REGTYPE, len(content)), io.BytesIO(content))


def _header(name: str, kind: bytes, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.mode = kind, size, 0o755
    return entry
