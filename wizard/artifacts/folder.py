"""`wizard artifacts fetch DIR` and `verify DIR`: a folder that holds everything, for work without a network."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wizard.artifacts import problems
from wizard.artifacts.cache import Cache
from wizard.artifacts.catalog import Catalog, load_catalog
from wizard.artifacts.digest import Digest, hash_file, sha256
from wizard.artifacts.download import Downloader, Tries
from wizard.artifacts.image_archive import flaw
from wizard.artifacts.images import ImagePuller
from wizard.artifacts.lock import LOCK_NAME, Lock, LockEntry, Origin, read_lock
from wizard.artifacts.oci import SCHEME, parse_reference
from wizard.artifacts.progress import Lines
from wizard.artifacts.resolve import ResolvedArtifact, Resolver
from wizard.artifacts.store import ArtifactStore
from wizard.core.artifact import Need
from wizard.core.dataclass import dataclass
from wizard.core.errors import UsageError, WizardError, render
from wizard.core.text import printable
from wizard.transport.http import HttpClient, HttpError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one file of a folder."""

    entry: LockEntry
    ok: bool
    text: str
    """`ok`, `missing`, `differs` ... and the digests where they differ."""


def fetch_folder(
    folder: Path,
    *,
    cache_root: Path,
    arches: tuple[str, ...],
    only: tuple[str, ...],
    lines: Lines,
    catalog: Catalog | None = None,
    client: HttpClient | None = None,
    tries: Tries | None = None,
    needs: Sequence[Need] | None = None,
) -> list[WizardError]:
    """Fill a folder with the artifacts and a lock that names them; what is there and right is left alone.

    Args:
        folder: is made if need be.
        cache_root: where downloads are kept.
        arches: architectures wanted.
        only: names wanted; empty = all.
        lines: shows how far it is.
        catalog: of what there is; the wizard's own when not given.
        client: asks for files.
        tries: how patient it is; a download's own patience when not given.
        needs: the files wanted, in place of the whole catalog for `arches`.

    Returns:
        What failed, each already told; the others were fetched all the same.

    Raises:
        UsageError: an unknown name, or the folder's lock is none.
        ArtifactError: the folder cannot be used.
    """
    listed = catalog or load_catalog()
    _demand_names(listed, only)
    asking = client or HttpClient()
    downloader = Downloader(asking, tries=tries)
    images = ImagePuller.over(asking, cache_root, tries=tries, talk=lines.say)
    failed: list[WizardError] = []
    with _held(folder):
        resolver = Resolver(listed, read_lock(folder / LOCK_NAME))
        cache = Cache(cache_root, downloader, talk=lines.say)
        store = ArtifactStore(resolver, cache, downloader, images=images, talk=lines.say)
        whole = (Need(entry.name, entry.arch) for entry in listed.entries if entry.arch in arches)
        for need in dict.fromkeys(whole) if needs is None else needs:
            if not only or need.name in only:
                try:
                    lines.say(_fetch_one(store, need, folder, lines))
                except (HttpError, UsageError, problems.ArtifactError) as error:
                    lines.say(render(error))
                    failed.append(error)
    return failed


def show_verify(folder: Path, *, as_json: bool, catalog: Catalog | None = None) -> int:
    """Print what was found out about each file of a folder.

    Args:
        folder: with a lock.
        as_json: whether to print JSON.
        catalog: of what there is; the wizard's own when not given.

    Returns:
        0 where every file is right, else 1.
    """
    verdicts = verify_folder(folder, catalog)
    if as_json:
        print(json.dumps({"schema": 1, "files": [_document(each) for each in verdicts]}, indent=2))  # noqa: T201
    for each in () if as_json else verdicts:
        print(printable(_line(each)))  # noqa: T201
    for name in _strangers(folder, verdicts):
        print(printable(f"{name} is not in the lock: the wizard will not use it"), file=sys.stderr)  # noqa: T201
    return 0 if all(each.ok for each in verdicts) else 1


def verify_folder(folder: Path, catalog: Catalog | None = None) -> list[Verdict]:
    """See whether every file is what the folder's lock says, and what the catalog says of published ones.

    Raises:
        UsageError: the folder has no usable lock.
    """
    listed = catalog or load_catalog()
    lock = Resolver(listed, Lock(Path()), folder=folder).folder_entries()
    return [_verdict(folder / entry.file, entry, listed) for entry in lock]


def _fetch_one(store: ArtifactStore, need: Need, folder: Path, lines: Lines) -> str:
    wanted = store.resolver.resolve(need.name, need.arch, need.version)
    place = folder / wanted.file
    if _is_there(wanted, place):
        return f"{wanted.label}: already there"
    got = store.obtain(need.name, need.arch, need.version, report=lines)
    _copy(got, place)
    return f"{got.label}: {problems.amount(place.stat().st_size)}, sha256 {got.sha256}"


def _is_there(wanted: ResolvedArtifact, place: Path) -> bool:
    if not place.is_file() or wanted.bound_by == "the catalog" or not wanted.sha256:
        return False  # the folder's lock does not name it yet
    try:
        return hash_file(place, ["sha256"])["sha256"] == sha256(wanted.sha256)
    except OSError as error:
        raise problems.storage(error, place) from error


def _copy(got: ResolvedArtifact, place: Path) -> None:
    source, temp = got.path or place, place.with_name(f".{place.name}.{os.getpid()}")
    needed = source.stat().st_size
    try:
        with source.open("rb") as reader, temp.open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1024 * 1024)
            writer.flush()
            os.fsync(writer.fileno())
        temp.chmod(0o644)
        found = hash_file(temp, ["sha256"])["sha256"]
        if found != sha256(got.sha256):
            raise problems.wrong_digest(
                got.label, str(place), expected=sha256(got.sha256), source=got.bound_by, found=found
            )
        temp.rename(place)
    except OSError as error:
        raise problems.storage(error, place, needed=needed) from error
    finally:
        temp.unlink(missing_ok=True)


def _verdict(path: Path, entry: LockEntry, catalog: Catalog) -> Verdict:
    if not path.is_file():
        return Verdict(entry, ok=False, text="missing")
    if not entry.sha256:
        return Verdict(entry, ok=False, text="was never fetched to the end")
    listed = catalog.find(entry.name, entry.arch, entry.version)
    bound = [(sha256(entry.sha256), "the folder's lock")]
    image = entry.url.startswith(SCHEME)
    if listed is not None and listed.digest is not None and entry.origin is Origin.PUBLISHER and not image:
        bound.append((listed.digest, "the catalog"))
    try:
        found = hash_file(path, {digest.algorithm for digest, _ in bound})
    except OSError as error:
        return Verdict(entry, ok=False, text=f"cannot be read: {error.strerror}")
    for digest, source in bound:
        if found[digest.algorithm] != digest:
            return Verdict(entry, ok=False, text=_differs(digest, source, found[digest.algorithm]))
    if image:
        digest = (listed.digest if listed else None) or parse_reference(entry.url).digest
        wrong = flaw(path, digest, entry.arch)
        if wrong:
            return Verdict(entry, ok=False, text=wrong)
    return Verdict(entry, ok=True, text=str(bound[0][0]))


def _differs(digest: Digest, source: str, found: Digest) -> str:
    return f"differs: expected {digest} ({source}), found {found}"


def _document(verdict: Verdict) -> dict[str, object]:
    entry = verdict.entry
    return {
        "name": entry.name,
        "version": entry.version,
        "arch": entry.arch,
        "file": entry.file,
        "origin": entry.origin.value,
        "sha256": entry.sha256,
        "ok": verdict.ok,
        "text": verdict.text,
    }


def _line(verdict: Verdict) -> str:
    entry, mark = verdict.entry, "ok " if verdict.ok else "BAD"
    return f"{mark}  {entry.file}  ({entry.label}, {entry.origin.value}): {verdict.text}"


def _strangers(folder: Path, verdicts: list[Verdict]) -> list[str]:
    known = {LOCK_NAME, *[each.entry.file for each in verdicts]}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def _demand_names(catalog: Catalog, only: tuple[str, ...]) -> None:
    known = dict.fromkeys(entry.name for entry in catalog.entries)
    for name in only:
        if name not in known:
            raise UsageError(
                f"there is no artifact {printable(name)}",
                where="--only",
                why=f"known are: {', '.join(known)}",
                do="see what there is: wizard artifacts list",
            )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One wizard fills a folder at a time; the kernel lets go of it when we end, however that happens."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise problems.storage(error, folder) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise problems.ArtifactError(
            f"another wizard is filling {folder}",
            where=str(folder),
            why="it holds the folder",
            do=f"wait for it, then: wizard artifacts fetch {folder}",
        ) from error
    else:
        yield
    finally:
        os.close(handle)
