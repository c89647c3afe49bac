"""Downloads that survive a bad line: tried again after a pause, resumed where they stopped, bounded in size."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from wizard.artifacts import problems
from wizard.core.dataclass import dataclass
from wizard.core.errors import CancelledError
from wizard.transport.http import RESUMABLE, HttpError, Kind, Reply, told

T = TypeVar("T")

OnBytes = Callable[[int, int | None], None]
"""Is called with (bytes there, bytes in all or None)."""

CHECKSUM_LIMIT = 4 * 1024 * 1024
"""Bytes a checksum file may have; Debian's has some 20 kB."""

SLOW_SECONDS, SLOW_BYTES = 60.0, 64 * 1024
"""Less than this in that time (about 1 kB/s) counts as a stall: it would take days for an image."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How patient a download is."""

    fruitless: int = 5
    """Tries in a row that bring nothing new."""
    total: int = 50
    """Tries in all, for a line that breaks again and again."""
    first: float = 1.0
    """Seconds before the second try; doubled each time, give or take a quarter so that wizards spread."""
    longest: float = 60.0
    obey: float = 300.0
    """Seconds a server may ask us to wait (Retry-After); more than this is told to the person."""


class Asks(Protocol):
    """Sends one request: `HttpClient` for files, `RegistryClient` for images."""

    def get(self, url: str, *, offset: int = 0, validator: str = "") -> AbstractContextManager[Reply]:
        """Ask for a file, or for the rest of it; as `HttpClient.get`."""


class Downloader:
    """Brings files over a line that may break.

    Args:
        client: asks.
        tries: how patient it is.
        sleep: waits so many seconds; by default until `cancelled` is set at most.
        clock: monotonic seconds.
        cancelled: set when the person wants it to stop.
        free: bytes free below a folder.
    """

    def __init__(
        self,
        client: Asks,
        *,
        tries: Tries | None = None,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        cancelled: threading.Event | None = None,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._client = client
        self._tries = tries or Tries()
        self._cancelled = cancelled or threading.Event()
        self._sleep = sleep or self._cancelled.wait
        self._clock = clock
        self._free = free

    def text(self, url: str) -> str:
        """A small text file, e.g. a list of checksums.

        Raises:
            HttpError: it cannot be had, or is larger than `CHECKSUM_LIMIT`.
            CancelledError: the person stopped it.
        """
        return self._persist(lambda: self._text_once(url), lambda: 0)

    def file(self, url: str, part: Path, *, limit: int, on_bytes: OnBytes) -> bool:
        """Fill `part` with the file; what is there of an earlier try is used where the server vouches for it.

        Args:
            url: of the file.
            part: the unfinished file; the note beside it (`.from`) says what it is a part of.
            limit: bytes the file may have.
            on_bytes: is told how far it is.

        Returns:
            Whether it was put together from more than one answer.

        Raises:
            HttpError: it cannot be had, also after several tries.
            ArtifactError: it cannot be stored.
            CancelledError: the person stopped it.
        """
        pieces = [0]

        def once() -> bool:
            pieces[0] += self._file_once(url, part, limit, on_bytes)
            return pieces[0] > 0

        return self._persist(once, lambda: _size(part))

    def _persist(self, once: Callable[[], T], have: Callable[[], int]) -> T:
        fruitless = count = 0
        while True:
            self._stop_if_cancelled()
            before, count = have(), count + 1
            try:
                return once()
            except HttpError as error:
                fruitless = 1 if have() > before else fruitless + 1
                over = fruitless >= self._tries.fruitless or count >= self._tries.total
                if over or not error.transient:
                    error.why += f" (tried {count} times)" if count > 1 else ""
                    raise
                self._wait(error, fruitless)

    def _wait(self, error: HttpError, fruitless: int) -> None:
        tries = self._tries
        pause = min(tries.longest, tries.first * 2 ** (fruitless - 1)) * random.uniform(0.75, 1.25)  # noqa: S311
        if error.retry_after is not None:
            if error.retry_after > tries.obey:
                raise error
            pause = max(pause, error.retry_after)
        self._sleep(pause)

    def _text_once(self, url: str) -> str:
        body = bytearray()
        with self._client.get(url) as reply:
            _bounded(reply, CHECKSUM_LIMIT)
            for chunk in self._watched(reply):
                body += chunk
                if len(body) > CHECKSUM_LIMIT:
                    raise told.too_large(url, CHECKSUM_LIMIT)
            if reply.total is not None and len(body) != reply.total:
                raise told.truncated(url, len(body), reply.total)
        return body.decode("utf-8", "replace")

    def _file_once(self, url: str, part: Path, limit: int, on_bytes: OnBytes) -> bool:
        offset, validator = _resumable(part, url)
        try:
            with self._client.get(url, offset=offset, validator=validator) as reply:
                _bounded(reply, limit)
                self._demand_space(part, reply)
                self._store(reply, part, limit, on_bytes)
        except HttpError as error:
            if error.kind is Kind.RANGE:
                discard(part)
            raise
        return reply.offset > 0

    def _store(self, reply: Reply, part: Path, limit: int, on_bytes: OnBytes) -> None:
        done = reply.offset
        with _opened(part, done, _note(reply)) as file:
            on_bytes(done, reply.total)
            for chunk in self._watched(reply):
                done += len(chunk)
                if done > limit:
                    raise told.too_large(reply.url, limit)
                _write(file, chunk, part, reply.total and reply.total - done)
                on_bytes(done, reply.total)
        if reply.total is not None and done != reply.total:
            raise told.truncated(reply.url, done, reply.total)

    def _watched(self, reply: Reply) -> Iterator[bytes]:
        since, came = self._clock(), 0
        for chunk in reply.chunks():
            self._stop_if_cancelled()
            came += len(chunk)
            if (passed := self._clock() - since) >= SLOW_SECONDS:
                if came < SLOW_BYTES:
                    raise told.stalled(reply.url, f"only {came} bytes came in {passed:.0f} seconds")
                since, came = self._clock(), 0
            yield chunk

    def _demand_space(self, part: Path, reply: Reply) -> None:
        if reply.total is None:
            return
        needed, free = reply.total - reply.offset, self._free(part.parent)
        reusable = 0 if reply.offset else _size(part)  # it will be written over
        if needed > free + reusable:
            raise problems.no_space(part, needed=needed, free=free)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(
                "the download was stopped",
                where="this machine",
                why="you asked for it",
                do="run the same command again to go on",
                again=RESUMABLE,
            )


def discard(part: Path) -> None:
    """Forget an unfinished file and the note beside it."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _bounded(reply: Reply, limit: int) -> None:
    if reply.total is not None and reply.total > limit:
        raise told.too_large(reply.url, limit, reply.total)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".from")


def _note(reply: Reply) -> str:
    return json.dumps({"url": reply.url, "validator": reply.validator})


def _resumable(part: Path, url: str) -> tuple[int, str]:
    try:
        note = json.loads(_note_path(part).read_text(encoding="utf-8"))
        known = note["url"] == url and isinstance(note["validator"], str)
        return (_size(part), note["validator"]) if known and note["validator"] else (0, "")
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""  # without its note nobody knows which version the bytes are of


@contextmanager
def _opened(part: Path, offset: int, note: str) -> Iterator[BinaryIO]:
    try:
        if not offset:
            discard(part)
            _note_path(part).write_text(note, encoding="utf-8")
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise problems.storage(error, part) from error
    with os.fdopen(handle, "r+b", buffering=0) as file:
        file.truncate(offset)
        file.seek(offset)
        yield file
        try:
            os.fsync(file.fileno())
        except OSError as error:
            raise problems.storage(error, part) from error


def _write(file: BinaryIO, chunk: bytes, part: Path, left: int | None) -> None:
    view = memoryview(chunk)
    try:
        while view:
            view = view[os.write(file.fileno(), view) :]
    except OSError as error:
        needed = None if left is None else left + len(view)
        raise problems.storage(error, part, needed=needed) from error
