"""The Debian packages of guests for the lab: fetched once by apt, and the very files the product pins."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from wizard.core.packages import Deb, load_packages
from wizard.core.resources import asset_text
from wizard.lab import images, machine
from wizard.lab.docker import LABEL, LabError, docker, try_docker
from wizard.lab.images import Say
from wizard.lab.store import cache_root

FETCH_SECONDS = 300.0
"""Deadline of fetching the index and 30 MB from a mirror that is not far."""


def wanted() -> tuple[Deb, ...]:
    """Every package the product pins for this kind of machine."""
    return tuple(deb for deb in load_packages().debs.values() if deb.arch == machine.arch())


def key() -> str:
    """Twelve hex digits that change with the pins."""
    return hashlib.sha256(" ".join(deb.sha256 for deb in wanted()).encode()).hexdigest()[:12]


def folder() -> Path:
    """Where they lie once they are all there."""
    return cache_root() / "built" / f"packages-{key()}"


def ensure(say: Say) -> dict[Deb, Path]:
    """Fetch them where they are not there yet.

    Args:
        say: tells a person what is being waited for.

    Returns:
        The file of each; nothing where they cannot be had: then the wizard downloads them when it needs them.
    """
    place = folder()
    if not place.is_dir():
        began = time.monotonic()
        say(f"packages of guests: fetching {len(wanted())} of them by apt (half a minute)")
        try:
            _fetch(place, say)
        except LabError as error:
            say(f"packages of guests: {error.why}; the wizard will download them when it needs them")
            return {}
        size = sum(deb.size for deb in wanted()) / 1e6
        say(f"packages of guests: {size:.0f} MB after {time.monotonic() - began:.0f} s")
    return {deb: place / deb.file for deb in wanted()}


def entry(deb: Deb) -> dict[str, str]:
    """A package's entry in the lock of the lab's artifacts: nobody built it, it is Debian's own."""
    return {
        "name": deb.artifact,
        "version": deb.version,
        "arch": deb.arch,
        "file": deb.file,
        "origin": "publisher",
        "sha256": deb.sha256,
    }


def _fetch(place: Path, say: Say) -> None:
    images.ensure_one("guest", say)
    name = f"{images.REPOSITORY}-debs-{os.getpid()}"
    temp = place.with_name(f".{place.name}.{os.getpid()}")
    place.parent.mkdir(parents=True, exist_ok=True)
    words = [f"{deb.name}={deb.version}" for deb in wanted()]
    # A daemon may have no bridge of its own; apt only asks a mirror.
    options = ["--network", "host", "--security-opt", "seccomp=unconfined", "--label", f"{LABEL}=image"]
    try:
        docker("create", "-i", "--name", name, *options, images.tag("guest"), "/bin/sh", "-s", "--", *words)
        docker(
            "start", "-ai", name, given=asset_text("lab/packages/fetch.sh").encode(), timeout=FETCH_SECONDS
        )
        docker("cp", f"{name}:/debs", str(temp))
        for deb in wanted():
            _take(deb, temp)
        temp.rename(place)  # last: a folder that is there is whole, and every digest was checked
    finally:
        try_docker("rm", "-f", name)
        for left in temp.glob("*") if temp.is_dir() else ():
            left.unlink()
        if temp.is_dir():
            temp.rmdir()


def _take(deb: Deb, fetched: Path) -> None:
    """Give the file the name it has in the archive: apt writes a version's epoch into it.

    Raises:
        LabError: it is not there, or another file than the one that is pinned.
    """
    found = next((path for path in fetched.glob(f"{deb.name}_*.deb")), None)
    with (found or Path(os.devnull)).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if found is None or digest != deb.sha256:
        raise LabError(
            "A package of the guests is not the one that is pinned.",
            where=deb.url,
            why=f"{deb.name}: pinned is sha256 {deb.sha256[:12]}..., fetched was {digest[:12]}...",
            do="python tools/pin_packages.py   (Debian may have gone on to a later version)",
        )
    found.rename(fetched / deb.file)
