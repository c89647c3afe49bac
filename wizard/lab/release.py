"""K3s's own release, which takes the place of what the lab builds wherever it can be had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import UsageError
from wizard.lab import go_build, machine
from wizard.lab.artifacts import LOCK
from wizard.lab.images import Say
from wizard.lab.spec import K3S_VERSION
from wizard.lab.store import cache_root

NAMES = ("k3s", "k3s-airgap-images")
"""The artifacts of a release that a node needs."""

Fetch = Callable[[Path, tuple[str, ...], str, Say], bool]
"""Tries to fill a folder with these artifacts for an architecture; the command line hands it in, for only that
knows how files are downloaded."""


@dataclass(frozen=True, slots=True)
class Published:
    """A file of the release, as a folder's lock names it."""

    path: Path
    entry: dict[str, str]


def fetched() -> Path:
    """Where a release that was downloaded for the lab lies."""
    return cache_root() / f"release-{K3S_VERSION}"


def choose(folder: str, say: Say, fetch: Fetch | None) -> tuple[Published, ...]:
    """The release, where it can be had without building anything; what was built before is not replaced by chance.

    Args:
        folder: of artifacts that a person named once; empty = none.
        say: tells a person which it is.
        fetch: downloads it; None = nobody does.

    Returns:
        Its files; nothing where the lab has to build what stands in for it.
    """
    found = find(Path(folder)) if folder else ()
    if folder and not found:
        say(f"artifacts: K3s {K3S_VERSION} is not in {folder} any more")
    found = found or find(fetched())
    if not found and fetch is not None and not _built():
        say(f"artifacts: asking for K3s {K3S_VERSION}, its publisher's release")
        found = find(fetched()) if fetch(fetched(), NAMES, machine.arch(), say) else ()
    if found:
        say(f"artifacts: K3s {K3S_VERSION} is its publisher's release, in {found[0].path.parent}")
    return found


def _built() -> bool:
    from wizard.lab import k3s

    return bool(go_build.compiler()) and k3s.recipe().place.exists()


def named(folder: Path) -> tuple[Published, ...]:
    """The release in a folder of artifacts that a person named.

    Args:
        folder: as `wizard artifacts fetch` fills it.

    Raises:
        UsageError: it does not hold the whole release for this machine.
    """
    found = find(folder)
    if not found:
        raise UsageError(
            f"{folder} does not hold K3s {K3S_VERSION} for {machine.arch()}",
            where=str(folder / LOCK),
            why=f"{' and '.join(NAMES)} of the publisher have to lie there, as its lock says",
            do=f"wizard artifacts fetch {folder} --arch {machine.arch()} "
            + " ".join(f"--only {n}" for n in NAMES),
        )
    return found


def find(folder: Path) -> tuple[Published, ...]:
    """The release in a folder of artifacts: every file of it, verified, or nothing.

    Args:
        folder: as `wizard artifacts fetch` fills it; it need not be there.
    """
    try:
        listed = json.loads((folder / LOCK).read_text(encoding="utf-8"))["artifacts"]
        wanted = {entry["name"]: entry for entry in listed if _ours(entry)}
        files = tuple(Published(folder / wanted[name]["file"], wanted[name]) for name in NAMES)
        return files if all(_whole(file) for file in files) else ()
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _ours(entry: dict[str, str]) -> bool:
    made = (entry["version"], entry["arch"], entry["origin"])
    return entry["name"] in NAMES and made == (K3S_VERSION, machine.arch(), "publisher")


def _whole(file: Published) -> bool:
    with file.path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.entry["sha256"]
