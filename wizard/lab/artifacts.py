"""What cannot be downloaded everywhere is built for the lab, once, and lies in a folder with a lock of its own."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.packages import Deb
from wizard.lab import machine
from wizard.lab.docker import LabError, run
from wizard.lab.images import Say
from wizard.lab.store import cache_root

if TYPE_CHECKING:
    from wizard.lab.release import Published

LOCK = "artifacts.lock"
"""Name of the lock in the folder; `wizard.artifacts.lock` reads it (the lab may not import that)."""

LOCK_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one artifact is made."""

    name: str
    """As steps ask for it."""
    file: str
    """Its file name in the folder."""
    inputs: tuple[str, ...]
    """Everything that goes in; other inputs make another artifact."""
    costs: str
    """What is being done and how long it takes, for a person."""
    build: Callable[[Path, Say], None]
    """Writes the file."""
    version: str = ""
    """As its publisher counts; empty = told from the content, so that another build is another version."""

    @property
    def key(self) -> str:
        """Twelve hex digits that change with the inputs."""
        return hashlib.sha256("\0".join((machine.arch(), *self.inputs)).encode()).hexdigest()[:12]

    @property
    def place(self) -> Path:
        """Where the finished file lies."""
        return cache_root() / "built" / f"{self.name}-{self.key}" / self.file


def recipes() -> tuple[Recipe, ...]:
    """What every lab has, as far as it can be built here."""
    from wizard.lab import etcd, go_build, guest

    return (etcd.recipe(), guest.recipe()) if go_build.compiler() else (guest.recipe(),)


def ensure(
    say: Say,
    *,
    vm: bool = False,
    kubernetes: bool = False,
    apps: bool = False,
    published: tuple[Published, ...] = (),
) -> Path:
    """Build what is missing and lay the folder out; of the rest, what was built before lies in it too.

    Args:
        say: tells a person what is being waited for.
        vm: the virtual machine's image too, which takes one or two minutes more.
        kubernetes: K3s and the images it starts with too, which takes some ten minutes more.
        apps: the images of what runs on it too, which takes some minutes more.
        published: K3s's own release, in place of what would be built.

    Returns:
        The folder, with its lock.

    Raises:
        LabError: something could not be built.
    """
    from wizard.lab import cloud_image, etcd, go_build, packages

    if not go_build.compiler():
        say(f"artifacts: no Go here, so etcd's release has to be downloaded when it is needed; {etcd.REMEDY}")
    base, image = recipes(), cloud_image.recipe()
    node, app = cluster_recipes(kubernetes, apps, bool(published))
    wanted = (*base, *((image,) if vm else ()), *(node if kubernetes else ()), *(app if apps else ()))
    with _held(say):
        _foretell(node if kubernetes else (), say)
        for recipe in wanted:
            make(recipe, say)
        debs = packages.ensure(say)
        there = (one for one in (image, *node, *app) if one.place.exists())
        return _laid_out((*base, *there), debs, published)


def cluster_recipes(
    kubernetes: bool, apps: bool, published: bool
) -> tuple[tuple[Recipe, ...], tuple[Recipe, ...]]:
    """What only the lab's Kubernetes needs, as far as it can be built here or is asked for.

    Args:
        kubernetes: whether what nodes need is asked for.
        apps: whether what runs on them is asked for.
        published: whether K3s's own release takes the place of what nodes need.

    Returns:
        What nodes need, and what runs on them.

    Raises:
        LabError: something is asked for, and there is no Go.
    """
    from wizard.lab import go_build
    from wizard.lab import kubernetes as cluster

    can = bool(go_build.compiler())
    node = cluster.node_recipes() if not published and (can or kubernetes) else ()
    return node, cluster.app_recipes() if can or apps else ()


def _foretell(node: tuple[Recipe, ...], say: Say) -> None:
    missing = [recipe.name for recipe in node if not recipe.place.exists()]
    if missing:
        say(
            f"artifacts: Kubernetes for the lab ({', '.join(missing)}) is built from its sources, once: "
            "10 minutes, more where others work beside it; `wizard lab up --no-kubernetes` leaves it out"
        )


def make(recipe: Recipe, say: Say) -> Path:
    """Follow a recipe where its file is not there; one caller at a time, which `ensure` sees to.

    Args:
        recipe: of the file.
        say: tells a person what is being waited for.

    Returns:
        Where the file lies.
    """
    if not recipe.place.exists():
        _follow(recipe, say)
    return recipe.place


def _follow(recipe: Recipe, say: Say) -> None:
    say(f"artifact {recipe.name}: {recipe.costs}")
    began = time.monotonic()
    recipe.place.parent.mkdir(parents=True, exist_ok=True)
    temp = recipe.place.with_name(f".{recipe.file}.{os.getpid()}")
    try:
        recipe.build(temp, say)
        recipe.place.with_name("sha256").write_text(_digest(temp))
        temp.rename(recipe.place)  # last: a file that is there is whole, and its digest is known
    finally:
        temp.unlink(missing_ok=True)
    size = recipe.place.stat().st_size / 1e6
    say(f"artifact {recipe.name}: {size:.0f} MB after {time.monotonic() - began:.0f} s")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _laid_out(made: tuple[Recipe, ...], debs: Mapping[Deb, Path], published: tuple[Published, ...]) -> Path:
    """One folder for one set of recipes and files: what a cluster's lock binds to stays as it is."""
    from wizard.lab import packages

    entries = [*map(_entry, made), *map(packages.entry, debs), *(one.entry for one in published)]
    places = {recipe.file: recipe.place for recipe in made} | {deb.file: path for deb, path in debs.items()}
    places |= {one.entry["file"]: one.path for one in published}
    parts = [*(recipe.key for recipe in made), *(deb.sha256 for deb in debs)]
    parts += [one.entry["sha256"] for one in published]
    folder = cache_root() / f"artifacts-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, place in places.items():
        _place(place, folder / name)
    temp = folder / f".{LOCK}.{os.getpid()}"
    temp.write_text(lock_text(entries))
    temp.rename(folder / LOCK)
    return folder


def _place(source: Path, link: Path) -> None:
    """The same file under another name; a copy where they are not on one file system."""
    if link.exists() and (link.samefile(source) or _alike(link, source)):
        return
    link.unlink(missing_ok=True)
    try:
        link.hardlink_to(source)
    except OSError:
        shutil.copy2(source, link)


def _alike(copy: Path, source: Path) -> bool:
    ours, theirs = copy.stat(), source.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _entry(recipe: Recipe) -> dict[str, str]:
    digest = recipe.place.with_name("sha256").read_text()
    return {
        "name": recipe.name,
        "version": recipe.version or f"13-lab-{digest[:8]}",
        "arch": machine.arch(),
        "file": recipe.file,
        "origin": "built",
        "sha256": digest,
    }


def lock_text(entries: list[dict[str, str]]) -> str:
    """The lock as text, entries sorted as the wizard's own locks are."""
    ordered = sorted(entries, key=lambda entry: (entry["name"], entry["arch"]))
    return json.dumps({"schema": LOCK_SCHEMA, "artifacts": ordered}, indent=2) + "\n"


@contextmanager
def _held(say: Say) -> Iterator[None]:
    """One build at a time, also of several labs; the kernel lets go of the lock however we end."""
    cache_root().mkdir(parents=True, exist_ok=True)
    with (cache_root() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("artifacts: waiting for another lab that builds them")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove() -> list[str]:
    """Remove everything that was built (only `down --purge` does).

    Returns:
        What was removed.
    """
    gone = [path for pattern in ("artifacts-*", "built", "release-*") for path in cache_root().glob(pattern)]
    for path in gone:
        run(["rm", "-rf", "--one-file-system", str(path)])
    return [str(path) for path in gone]


def refuse(what: str, where: str, said: str, do: str | tuple[str, ...]) -> LabError:
    """The error of a build that failed, with the last lines it said."""
    return LabError(
        what, where=where, why=" / ".join(said.strip().splitlines()[-3:]) or "it said nothing", do=do
    )
