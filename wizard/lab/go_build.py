"""Programs built by the Go tool from modules whose go.sum is ours, for the lab's images and its Kubernetes."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from wizard.lab.artifacts import refuse
from wizard.lab.docker import LabError, run

BUILD_SECONDS = 1500.0
"""Deadline of one program: on two busy cores the largest takes a few minutes."""

SETTINGS = ("CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOFLAGS=-mod=readonly", "GOWORK=off")
"""go.sum binds; no other toolchain is fetched; nothing of this machine gets into the file."""

_SOURCES = (".go", ".mod", ".sum")
_PLACES = os.pathsep.join(("/usr/local/go/bin", "/usr/lib/go/bin", "/usr/lib/go-1.25/bin", "/snap/bin"))


@cache
def compiler() -> str:
    """The `go` command, in PATH or where it is usually unpacked; empty where there is none."""
    return shutil.which("go") or shutil.which("go", path=_PLACES) or ""


def need_compiler(what: str) -> str:
    """The `go` command.

    Args:
        what: that cannot be built without it, for the message.

    Raises:
        LabError: there is no Go.
    """
    if not compiler():
        raise LabError(
            f"{what} cannot be built here.",
            where="this machine",
            why="no `go` command was found in PATH or under /usr/local/go",
            do=(
                "install Go 1.26.7 or newer: https://go.dev/doc/install",
                "wizard lab artifacts --kubernetes",
                "or go without it: wizard lab up --no-kubernetes",
            ),
        )
    return compiler()


@cache
def compiler_version() -> str:
    """As `go env GOVERSION` tells it: another compiler makes other programs."""
    return run([need_compiler("The lab's Kubernetes"), "env", "GOVERSION"]).out.strip()


@cache
def sources(folder: str) -> tuple[tuple[str, str], ...]:
    """The files of one Go module under `assets/`, sorted by path.

    Args:
        folder: relative to `assets/`, e.g. `lab/images/pause`.

    Returns:
        Path inside the module, and text, of each.
    """
    return tuple(sorted(_walk(files("assets").joinpath(folder), "")))


def _walk(place: Traversable, before: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in place.iterdir():
        path = f"{before}{entry.name}"
        if entry.is_dir():
            found += _walk(entry, f"{path}/")
        elif path.endswith(_SOURCES):
            found.append((path, entry.read_text(encoding="utf-8")))
    return found


def inputs(folder: str) -> tuple[str, ...]:
    """What a program of a module is made from, for `Recipe.inputs`."""
    return (compiler_version(), *(f"{path}\n{text}" for path, text in sources(folder)))


def compile_program(folder: str, package: str, out: Path) -> None:
    """Build one program.

    Args:
        folder: of the module, relative to `assets/`.
        package: as `go build` takes it: `.`, `./storage`, or the path of a module that go.mod requires.
        out: the file to write; a static one, the same for the same inputs.

    Raises:
        LabError: it could not be built.
    """
    need_compiler(package)
    with tempfile.TemporaryDirectory(prefix="lab-go.") as scratch:
        for path, text in sources(folder):
            place = Path(scratch, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        build(
            Path(scratch),
            package,
            out,
            what=package,
            where=f"go build in assets/{folder}",
            again="wizard lab artifacts --kubernetes",
        )


def build(
    source: Path,
    package: str,
    out: Path,
    *,
    what: str,
    where: str,
    again: str,
    flags: str = "-s -w",
    tags: str = "",
    seconds: float = BUILD_SECONDS,
) -> None:
    """Let the Go tool build a program of a module.

    Args:
        source: folder of the module, with go.mod and go.sum.
        package: as `go build` takes it.
        out: the file to write.
        what: it is, for the message.
        where: it was built, for the message.
        again: the command that tries again, for the message.
        flags: for the linker.
        tags: build tags, with commas between; empty = none.
        seconds: until it is given up.

    Raises:
        LabError: it could not be built.
    """
    command = [compiler(), "-C", str(source), "build", "-trimpath", "-buildvcs=false", "-ldflags", flags]
    command += [*(["-tags", tags] if tags else []), "-o", str(out.absolute()), package]
    # The least important work of this machine: what goes on beside it keeps its pace.
    done = run(["nice", "-n", "10", "env", *SETTINGS, *command], timeout=seconds)
    if done.code:
        raise refuse(
            f"{what} could not be built.",
            where,
            done.err,
            ("go env GOPROXY   (is the Go module proxy reachable?)", again),
        )
