"""Downloads over a line that breaks: tried again, resumed, bounded, never a wrong file under the final name."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.artifacts.https_server import (
    Authority,
    Behaviour,
    Request,
    Server,
    failing,
    hanging_up,
    respond,
    serving,
)
from tests.rows import assert_explained
from wizard.artifacts.cache import Cache, Wanted
from wizard.artifacts.digest import Digest
from wizard.artifacts.download import Downloader, Tries
from wizard.artifacts.location import cache_root
from wizard.artifacts.problems import ArtifactError
from wizard.artifacts.progress import Progress
from wizard.core.errors import CancelledError, ExitCode, WizardError
from wizard.transport.http import HttpClient, HttpError, Kind, Timeouts

CONTENT = bytes(range(256)) * 800
SHA256 = Digest("sha256", hashlib.sha256(CONTENT).hexdigest())
SHA512 = Digest("sha512", hashlib.sha512(CONTENT).hexdigest())
FLIPPED = CONTENT[:1000] + bytes([CONTENT[1000] ^ 1]) + CONTENT[1001:]


@dataclass
class Bench:
    """A cache, a server and a record of what was waited for."""

    server: Server
    root: Path
    client: HttpClient
    waited: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    free: int = 10**12

    def cache(self, cancelled: threading.Event | None = None) -> Cache:
        downloader = Downloader(
            self.client, sleep=self.waited.append, free=lambda _folder: self.free, cancelled=cancelled
        )
        return Cache(self.root, downloader, cancelled=cancelled, talk=self.said.append)

    def want(self, *behaviours: Behaviour, digest: Digest = SHA256, limit: int = 10**7) -> Wanted:
        if behaviours:
            self.server.on("/f", *behaviours)
        return Wanted("thing 1 for amd64", self.server.url("/f"), digest, "the catalog", limit)

    def finished(self) -> list[Path]:
        return [path for path in (self.root / "objects").rglob("*") if path.is_file()]

    def part(self) -> Path:
        return self.root / "partial" / f"sha256-{SHA256.value}"


@pytest.fixture
def bench(server: Server, cache_folder: Path, client: HttpClient) -> Bench:
    return Bench(server, cache_folder, client)


def told(bench: Bench, want: Wanted, *, do: str = "") -> WizardError:
    with pytest.raises(WizardError) as caught:
        bench.cache().obtain(want)
    assert bench.finished() == []
    assert_explained(caught.value, exit_code=ExitCode.FAILED, do=do)
    return caught.value


@pytest.mark.parametrize("digest", [SHA256, SHA512])
def test_a_file_is_downloaded_once_and_verified_each_time(bench: Bench, digest: Digest) -> None:
    want = bench.want(serving(CONTENT), digest=digest)
    first, again = bench.cache().obtain(want), bench.cache().obtain(want)
    assert first == again
    assert first.path.read_bytes() == CONTENT
    assert first.sha256 == SHA256.value
    assert len(bench.server.requests) == 1
    assert bench.cache().has(digest) == first.path
    assert [*(bench.root / "partial").iterdir()] == []


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(bench: Bench) -> None:
    want = bench.want(serving(CONTENT))
    path = bench.cache().obtain(want).path
    path.write_bytes(FLIPPED)
    assert bench.cache().obtain(want).path.read_bytes() == CONTENT
    assert "damaged" in bench.said[0]


def test_row_57_a_flipped_byte_is_refused_with_both_digests(bench: Bench) -> None:
    error = told(bench, bench.want(serving(FLIPPED)), do="curl -sSIL https://localhost")
    assert SHA256.value in error.why
    assert hashlib.sha256(FLIPPED).hexdigest() in error.why
    assert [*(bench.root / "partial").iterdir()] == []
    assert len(bench.server.requests) == 1


def test_row_57_a_file_that_is_gone_is_not_asked_for_again(bench: Bench) -> None:
    error = told(bench, bench.want(failing("404 Not Found")), do="wizard artifacts fetch ./artifacts")
    assert isinstance(error, HttpError)
    assert error.kind is Kind.NOT_FOUND
    assert bench.waited == []


def test_row_57_a_truncated_file_goes_on_where_it_stopped(bench: Bench) -> None:
    got = bench.cache().obtain(bench.want(serving(CONTENT, upto=50_000)))
    assert got.path.read_bytes() == CONTENT
    starts = [request.start for request in bench.server.requests]
    assert starts == [0, 50_000, 100_000, 150_000, 200_000]
    assert all(wait < 2 for wait in bench.waited), "a try that brought something is not a failure"


def test_a_killed_download_goes_on_in_the_next_run(bench: Bench) -> None:
    told(bench, bench.want(serving(CONTENT, upto=70_000), failing("404 Not Found")))
    assert bench.part().stat().st_size == 70_000
    bench.cache().obtain(bench.want(serving(CONTENT)))
    assert bench.server.requests[-1].start == 70_000


def test_a_complete_unfinished_file_needs_no_network(bench: Bench) -> None:
    bench.part().parent.mkdir(parents=True)
    bench.part().write_bytes(CONTENT)
    assert bench.cache().obtain(bench.want()).path.read_bytes() == CONTENT
    assert bench.server.requests == []


def test_bytes_of_another_version_are_not_mixed_in(bench: Bench) -> None:
    told(bench, bench.want(serving(FLIPPED, etag='"old"', upto=5000), failing("404 Not Found")))
    got = bench.cache().obtain(bench.want(serving(CONTENT, etag='"new"')))
    assert got.path.read_bytes() == CONTENT
    assert bench.server.requests[-1].headers["if-range"] == '"old"'
    assert len(bench.server.requests) == 3


def test_bytes_from_another_address_are_not_mixed_in(bench: Bench) -> None:
    told(bench, bench.want(serving(FLIPPED, upto=5000), failing("404 Not Found")))
    want = replace(bench.want(), url=bench.server.on("/elsewhere", serving(CONTENT)))
    assert bench.cache().obtain(want).path.read_bytes() == CONTENT
    assert [request.start for request in bench.server.asked("/elsewhere")] == [0]


def test_pieces_that_do_not_fit_are_fetched_again_from_the_start(bench: Bench) -> None:
    behaviours = (serving(FLIPPED, upto=5000), serving(CONTENT))
    got = bench.cache().obtain(bench.want(*behaviours))
    assert got.path.read_bytes() == CONTENT
    assert "do not fit" in bench.said[0]


def test_pieces_that_never_fit_end_in_an_error(bench: Bench) -> None:
    error = told(bench, bench.want(serving(FLIPPED, upto=100_000)))
    assert "promised" in error.what


def test_a_server_without_versions_is_asked_from_the_start(bench: Bench) -> None:
    behaviours = (serving(CONTENT, etag="", upto=5000), serving(CONTENT, etag=""))
    assert bench.cache().obtain(bench.want(*behaviours)).path.read_bytes() == CONTENT
    assert [request.start for request in bench.server.requests] == [0, 0]


def test_a_server_that_cannot_go_on_is_asked_from_the_start(bench: Bench) -> None:
    refused = failing("416 Range Not Satisfiable")
    behaviours = (serving(CONTENT, upto=5000), refused, serving(CONTENT))
    assert bench.cache().obtain(bench.want(*behaviours)).path.read_bytes() == CONTENT
    assert [request.start for request in bench.server.requests] == [0, 5000, 0]


def test_the_pauses_grow_and_the_number_of_tries_is_told(bench: Bench) -> None:
    error = told(bench, bench.want(failing("503 Service Unavailable")))
    assert "tried 5 times" in error.why
    assert [round(wait / 2**index) for index, wait in enumerate(bench.waited)] == [1, 1, 1, 1]


def test_retry_after_is_obeyed(bench: Bench) -> None:
    busy = failing("429 Too Many Requests", {"Retry-After": "120"})
    bench.cache().obtain(bench.want(busy, serving(CONTENT)))
    assert bench.waited == [120.0]


def test_a_wait_that_is_too_long_is_told_and_not_waited(bench: Bench) -> None:
    busy = failing("429 Too Many Requests", {"Retry-After": "4000"})
    assert "4000 seconds" in told(bench, bench.want(busy)).why
    assert bench.waited == []


def test_a_line_that_drops_before_every_answer_is_given_up(bench: Bench) -> None:
    error = told(bench, bench.want(hanging_up))
    assert isinstance(error, HttpError)
    assert error.kind is Kind.DROPPED
    assert len(bench.server.requests) == 5


def lying(body: bytes, length: int | None) -> Behaviour:
    return lambda _request, connection: respond(connection, body=body, length=length)


def test_an_announced_body_over_the_limit_is_not_read(bench: Bench) -> None:
    error = told(bench, bench.want(lying(b"x" * 10, 10**9), limit=10**6))
    assert "1000000000 bytes" in error.why
    assert not bench.part().exists()


def test_an_endless_body_is_cut_off_at_the_limit(bench: Bench) -> None:
    def endless(_request: Request, connection: ssl.SSLSocket) -> None:
        respond(connection, length=None)
        for _ in range(100):  # an end, so that a wizard without a limit fails the test and not the disk
            connection.sendall(b"x" * 65536)

    error = told(bench, bench.want(endless, limit=10**6))
    assert isinstance(error, HttpError)
    assert error.kind is Kind.TOO_LARGE
    assert bench.part().stat().st_size <= 10**6


@pytest.mark.parametrize("length", [len(CONTENT) - 1, 5, 0])
def test_a_content_length_that_is_too_short_is_noticed(bench: Bench, length: int) -> None:
    assert "promised" in told(bench, bench.want(lying(CONTENT, length))).what


def test_a_content_length_that_is_too_long_is_noticed(bench: Bench) -> None:
    told(bench, bench.want(lying(CONTENT, len(CONTENT) + 1)))


def test_a_trickle_is_a_stall(server: Server, client: HttpClient, tmp_path: Path) -> None:
    ticks = iter(range(0, 10**6, 40))
    downloader = Downloader(
        client, tries=Tries(fruitless=1), clock=lambda: float(next(ticks)), sleep=lambda _seconds: None
    )
    with pytest.raises(HttpError) as caught:
        downloader.file(
            server.on("/f", drip), tmp_path / "part", limit=10**6, on_bytes=lambda _done, _total: None
        )
    assert caught.value.kind is Kind.STALL
    assert "bytes came in" in caught.value.why


def drip(_request: Request, connection: ssl.SSLSocket) -> None:
    respond(connection, length=100_000)
    for _ in range(20):
        connection.sendall(b"x")


def test_row_10_too_little_space_is_said_before_anything_is_written(bench: Bench) -> None:
    bench.free = 1000
    error = told(bench, bench.want(serving(CONTENT)), do="df -h")
    assert "1000 bytes" in error.why
    assert f"{len(CONTENT)} bytes" in error.why
    assert not bench.part().exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_row_10_a_disk_that_fails_in_the_middle_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = os.write

    def write(handle: int, data: bytes) -> int:
        if os.lseek(handle, 0, os.SEEK_CUR) > 100_000:
            raise OSError(number, os.strerror(number))
        return real(handle, data)

    monkeypatch.setattr("wizard.artifacts.download.os.write", write)
    error = told(bench, bench.want(serving(CONTENT)))
    assert isinstance(error, ArtifactError)
    if number in {errno.ENOSPC, errno.EDQUOT}:
        assert "free" in error.why
        assert "needed" in error.why
    monkeypatch.undo()
    bench.cache().obtain(bench.want(serving(CONTENT)))
    assert bench.server.requests[-1].start > 100_000, "what had arrived is used"


def test_a_cache_that_cannot_be_made_is_told(bench: Bench) -> None:
    bench.root.write_text("a file is in the way")
    with pytest.raises(ArtifactError) as caught:
        bench.cache().obtain(bench.want(serving(CONTENT)))
    assert_explained(caught.value, exit_code=ExitCode.FAILED, do="XDG_CACHE_HOME=")


def test_two_wizards_fetch_a_file_once(bench: Bench) -> None:
    want, paths = bench.want(serving(CONTENT)), []
    threads = [
        threading.Thread(target=lambda: paths.append(bench.cache().obtain(want).path)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(paths) == 4
    assert len(set(paths)) == 1
    assert len(bench.server.requests) == 1


def test_waiting_for_another_wizard_names_it_and_can_be_stopped(bench: Bench) -> None:
    busy = bench.root / "busy" / f"sha256-{SHA256.value}"
    busy.parent.mkdir(parents=True)
    cancelled = threading.Event()
    cancelled.set()
    with busy.open("w") as other:
        other.write("4711")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(CancelledError):
            bench.cache(cancelled).obtain(bench.want(serving(CONTENT)))
    assert "pid 4711" in bench.said[0]


def test_a_stopped_download_keeps_what_has_arrived(bench: Bench) -> None:
    cancelled = threading.Event()
    with pytest.raises(CancelledError) as caught:
        bench.cache(cancelled).obtain(bench.want(serving(CONTENT)), lambda _progress: cancelled.set())
    assert_explained(caught.value, exit_code=ExitCode.CANCELLED)
    assert bench.finished() == []


def test_progress_is_reported_up_to_the_end(bench: Bench) -> None:
    seen: list[Progress] = []
    bench.cache().obtain(bench.want(serving(CONTENT)), seen.append)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, len(CONTENT), len(CONTENT))
    assert [each.done for each in seen] == sorted(each.done for each in seen)


def test_the_cache_lies_where_the_environment_says(tmp_path: Path) -> None:
    assert cache_root({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/homelab-wizard/artifacts")
    assert cache_root({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path(
        "/h/.cache/homelab-wizard/artifacts"
    )
    assert cache_root({"HOME": "/h"}, tmp_path) == tmp_path / "cache" / "artifacts"


MISCHIEF: dict[str, Callable[[int], Behaviour]] = {
    "serve": lambda _n: serving(CONTENT),
    "serve without a version": lambda _n: serving(CONTENT, etag=""),
    "serve another version": lambda _n: serving(FLIPPED, etag='"v2"'),
    "flip a byte": lambda _n: serving(FLIPPED),
    "truncate": lambda n: serving(CONTENT, upto=n),
    "truncate a flipped one": lambda n: serving(FLIPPED, upto=n),
    "announce too little": lambda n: lying(CONTENT, n),
    "announce too much": lambda n: lying(CONTENT, len(CONTENT) + n + 1),
    "say no length": lambda n: lying(CONTENT[:n], None),
    "hang up": lambda _n: hanging_up,
    "be busy": lambda _n: failing("429 Too Many Requests", {"Retry-After": "3"}),
    "break": lambda _n: failing("500 Internal Server Error"),
    "lose it": lambda _n: failing("404 Not Found"),
    "refuse the range": lambda _n: failing("416 Range Not Satisfiable"),
    "send another range": lambda n: (
        lambda _r, c: respond(c, "206 Partial Content", CONTENT[n:], {"Content-Range": f"bytes {n}-9/10"})
    ),
    "redirect to itself": lambda _n: failing("302 Found", {"Location": "/f"}),
    "redirect to http": lambda _n: failing("302 Found", {"Location": "http://localhost/f"}),
    "talk nonsense": lambda n: lambda _r, c: c.sendall(CONTENT[:n]),
}


@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(sorted(MISCHIEF)), st.integers(0, len(CONTENT))), min_size=1, max_size=5
    ),
    digest=st.sampled_from([SHA256, SHA512]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_server_does_the_file_is_right_or_not_there(
    server: Server,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
    deeds: list[tuple[str, int]],
    digest: Digest,
) -> None:
    client = HttpClient(verify=authority.trust(), timeouts=Timeouts(connect=2, read=0.5))
    bench = Bench(server, tmp_path_factory.mktemp("any"), client)
    want = bench.want(*[MISCHIEF[deed](number) for deed, number in deeds], digest=digest)
    try:
        got = bench.cache().obtain(want)
    except WizardError as error:
        assert bench.finished() == []
        assert_explained(error, exit_code=ExitCode.FAILED)
    else:
        assert got.path.read_bytes() == CONTENT
        assert bench.finished() == [got.path]
    finally:
        client.close()
