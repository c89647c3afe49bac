"""The cache: finished files by their sha256, unfinished ones beside them, one download of a file at once."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wizard.artifacts import problems
from wizard.artifacts.digest import Digest, hash_file
from wizard.artifacts.download import Downloader, discard
from wizard.artifacts.progress import Meter, Report, silent
from wizard.core.dataclass import dataclass
from wizard.core.errors import CancelledError
from wizard.transport.http import RESUMABLE

LOCK_POLL_SECONDS = 0.5
"""How often we look whether another wizard is done with the same file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is to be had, whatever it takes."""

    label: str
    """For messages: `etcd 3.6.14 for amd64`."""
    url: str
    digest: Digest
    """What binds."""
    source: str
    """Who says that it binds, for messages."""
    limit: int
    """Bytes it may have."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """A file that was verified just now."""

    path: Path
    sha256: str


class Cache:
    """Files by digest, each verified whenever it is given out.

    Args:
        root: of the cache.
        downloader: brings what is not there.
        cancelled: set when the person wants it to stop.
        talk: is told what is being waited for.
    """

    def __init__(
        self,
        root: Path,
        downloader: Downloader,
        *,
        cancelled: threading.Event | None = None,
        talk: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.root = root
        self._downloader = downloader
        self._cancelled = cancelled or threading.Event()
        self._talk = talk

    def has(self, digest: Digest) -> Path | None:
        """Where a file lies, unverified; None where it has to be downloaded."""
        value = digest.value if digest.algorithm == "sha256" else self._noted(_key(digest))
        path = self._object(value) if value else None
        return path if path is not None and path.is_file() else None

    def obtain(self, want: Wanted, report: Report = silent) -> Obtained:
        """The file, from the cache or downloaded, verified.

        Args:
            want: what is to be had.
            report: is told how far a download is.

        Raises:
            HttpError: it cannot be downloaded.
            ArtifactError: it is not the right file, or cannot be stored.
            CancelledError: the person stopped it.
        """
        try:
            self._make_folders()
            with self._exclusive(want):
                return self._kept(want.digest) or self._downloaded(want, report)
        except OSError as error:
            raise problems.storage(error, Path(error.filename or self.root)) from error

    def made(self, key: str) -> Path | None:
        """Where a file lies that was made here from others, unverified.

        Args:
            key: what it was made of, as a file name.
        """
        value = self._noted(key)
        path = self._object(value) if value else None
        return path if path is not None and path.is_file() else None

    def verified(self, key: str) -> Obtained | None:
        """A file that was made here from others, verified just now; None where it has to be made."""
        path = self.made(key)
        try:
            if path is None:
                return None
            if hash_file(path, ["sha256"])["sha256"].value == path.name:
                return Obtained(path, path.name)
            self._talk(f"{path} is damaged and is made again")
            path.unlink()
        except OSError as error:
            raise problems.storage(error, path or self.root) from error
        return None

    def make(self, key: str, write: Callable[[Path], None]) -> Obtained:
        """Make a file from others and keep it.

        Args:
            key: what it is made of, as a file name.
            write: writes it.

        Raises:
            ArtifactError: it cannot be stored.
        """
        part = self.root / "partial" / f"{key}.{os.getpid()}"
        try:
            self._make_folders()
            write(part)
            value = hash_file(part, ["sha256"])["sha256"].value
            final = self._object(value)
            final.parent.mkdir(mode=0o700, exist_ok=True)
            part.rename(final)
            _flush_folder(final.parent)
            self._note(key, value)
        except OSError as error:
            raise problems.storage(error, Path(error.filename or self.root)) from error
        finally:
            part.unlink(missing_ok=True)
        return Obtained(final, value)

    def _kept(self, digest: Digest) -> Obtained | None:
        path = self.has(digest)
        if path is None:
            return None
        found = hash_file(path, {"sha256", digest.algorithm})
        if found[digest.algorithm] == digest and found["sha256"].value == path.name:
            return Obtained(path, path.name)
        self._talk(f"{path} is damaged and is fetched again")
        path.unlink()
        return None

    def _downloaded(self, want: Wanted, report: Report) -> Obtained:
        part = self.root / "partial" / _key(want.digest)
        if part.exists() and (whole := self._finished(part, want.digest)):
            return whole  # it was complete when an earlier run ended
        for last in (False, True):
            meter = Meter(want.label, report)
            pieced = self._downloader.file(want.url, part, limit=want.limit, on_bytes=meter)
            if whole := self._finished(part, want.digest):
                return whole
            if last or not pieced:
                break
            discard(part)
            self._talk(f"{want.label}: the pieces do not fit together; it is fetched again from the start")
        found = hash_file(part, [want.digest.algorithm])[want.digest.algorithm]
        discard(part)
        raise problems.wrong_digest(
            want.label, want.url, expected=want.digest, source=want.source, found=found
        )

    def _finished(self, part: Path, digest: Digest) -> Obtained | None:
        found = hash_file(part, {"sha256", digest.algorithm})
        if found[digest.algorithm] != digest:
            return None
        final = self._object(found["sha256"].value)
        final.parent.mkdir(mode=0o700, exist_ok=True)
        if digest.algorithm != "sha256":
            self._note(_key(digest), found["sha256"].value)
        part.rename(final)
        _flush_folder(final.parent)
        discard(part)
        return Obtained(final, final.name)

    def _object(self, value: str) -> Path:
        return self.root / "objects" / value[:2] / value

    def _noted(self, key: str) -> str:
        try:
            text = (self.root / "known" / key).read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            return ""
        return text if len(text) == 64 and text.isalnum() else ""  # noqa: PLR2004 - hex digits of a sha256

    def _note(self, key: str, value: str) -> None:
        temp = self.root / "known" / f".{key[:32]}.{os.getpid()}"
        temp.write_text(value, encoding="ascii")
        temp.rename(self.root / "known" / key)

    def _make_folders(self) -> None:
        for name in ("objects", "partial", "known", "busy"):
            (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _exclusive(self, want: Wanted) -> Iterator[None]:
        path = self.root / "busy" / _key(want.digest)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._take(handle, want)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)  # the kernel lets go of the lock, also when we are killed

    def _take(self, handle: int, want: Wanted) -> None:
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    holder = os.pread(handle, 20, 0).decode("ascii", "replace")
                    self._talk(f"waiting for another wizard (pid {holder}) that is fetching {want.label}")
                    told = True
            else:
                return
            if self._cancelled.wait(LOCK_POLL_SECONDS):
                raise _stopped(want)


def _stopped(want: Wanted) -> CancelledError:
    return CancelledError(
        f"stopped while waiting for another wizard that is fetching {want.label}",
        where="this machine",
        why="you asked for it",
        do="run the same command again to go on",
        again=RESUMABLE,
    )


def _key(digest: Digest) -> str:
    return f"{digest.algorithm}-{digest.value}"


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
