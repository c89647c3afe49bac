"""`wizard artifacts list|fetch|verify` as a person meets them, and the catalog that comes with the wizard."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.artifacts.https_server import Server, failing, serving
from tests.rows import assert_explained
from wizard.artifacts.attempt import attempt
from wizard.artifacts.catalog import Catalog, CatalogEntry, load_catalog, parse_catalog
from wizard.artifacts.commands import configure, run
from wizard.artifacts.digest import Digest, parse_digest, published_digest
from wizard.artifacts.folder import fetch_folder, show_verify, verify_folder
from wizard.artifacts.lock import read_lock
from wizard.artifacts.problems import ArtifactError
from wizard.artifacts.progress import LINE_SECONDS, Lines, Meter, Progress, duration
from wizard.cli import main
from wizard.core.artifact import Need
from wizard.core.errors import ExitCode, UsageError, WizardError
from wizard.core.packages import PREFIX
from wizard.core.resources import asset_text
from wizard.core.spec import example_text
from wizard.transport.http import HttpClient

CONTENT = b"release" * 3000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    configure(parser)
    return run(parser.parse_args(words))


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("WIZARD_HOME", raising=False)


def test_the_catalog_names_version_address_digest_and_source_of_everything() -> None:
    catalog = load_catalog()
    released = [entry for entry in catalog.entries if not entry.name.startswith(PREFIX)]
    assert {(entry.name, entry.arch) for entry in released} == {
        (name, arch)
        for name in ("debian-cloud-image", "etcd", "k3s", "k3s-airgap-images")
        for arch in ("amd64", "arm64")
    }
    for entry in catalog.entries:
        assert entry.digest is not None
        assert entry.sources
        assert "latest" not in entry.url
    assert all(entry.checksums is not None for entry in released)


def test_a_checksum_file_may_be_of_one_architecture() -> None:
    for entry in load_catalog().entries:
        if entry.name in {"k3s", "k3s-airgap-images"}:
            assert entry.checksums is not None
            assert entry.checksums.url == f"{entry.url.rpartition('/')[0]}/sha256sum-{entry.arch}.txt"
            assert "+" not in entry.url


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema: 1", "schema: 2"),
        ("https://github.com", "http://github.com"),
        ("sha256:ff", "sha256:f"),
        ("sha256:ff", "md5:ff"),
        ("      arm64:", "      sparc:"),
        ("name: debian-cloud-image", "name: etcd"),
        ("        sources:\n          - alabou", "        source:\n          - alabou"),
    ],
)
def test_a_catalog_that_breaks_its_rules_is_a_defect(old: str, new: str) -> None:
    text = asset_text("catalog.yaml")
    assert old in text
    broken = text.replace(old, new)
    if new == "name: etcd":
        broken = broken.replace("13-20261001-2618 #", "3.6.14 #")
    with pytest.raises(ValueError, match=r"catalog|digest|hex|arch|https|sha256"):
        parse_catalog(broken)


def test_list_shows_every_file_and_where_it_lies(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert call("list") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert len(lines) == 1 + len(load_catalog().entries)
    assert re.search(r"^etcd +3\.6\.14 +amd64 ", shown.out, re.MULTILINE)
    assert re.search(r"^deb-keepalived +1:2\.3\.3-1 +arm64 .* sha256:a656fa4ee2ce", shown.out, re.MULTILINE)
    assert "not here" in lines[-1]
    assert str(tmp_path / "xdg" / "homelab-wizard" / "artifacts") in shown.err
    assert not (tmp_path / "xdg").exists(), "list writes nothing"


def test_list_as_json_has_whole_digests(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert {row["where"] for row in document["artifacts"]} == {"not here"}
    assert all(parse_digest(row["digest"]) for row in document["artifacts"])


def test_verify_of_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        call("verify", str(tmp_path))
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, do=f"wizard artifacts fetch {tmp_path}")


def entry_of(server: Server, arch: str = "amd64") -> CatalogEntry:
    return CatalogEntry(
        name="etcd",
        title="etcd",
        version="3.6.14",
        arch=arch,
        url=server.url(f"/etcd-{arch}.tar.gz"),
        limit=10**6,
        digest=Digest("sha256", SHA256),
        sources=("a public list",),
    )


class Fetching:
    """Fetches into a folder from the test's server."""

    def __init__(self, server: Server, client: HttpClient, root: Path) -> None:
        self.catalog = Catalog((entry_of(server), entry_of(server, "arm64")))
        self.folder, self.cache, self.client = root / "artifacts", root / "cache", client
        self.stream = io.StringIO()

    def __call__(self, *arches: str, only: tuple[str, ...] = ()) -> list[WizardError]:
        return fetch_folder(
            self.folder,
            cache_root=self.cache,
            arches=arches or ("amd64", "arm64"),
            only=only,
            lines=Lines(self.stream, redraw=False),
            catalog=self.catalog,
            client=self.client,
        )


@pytest.fixture
def fetching(server: Server, client: HttpClient, tmp_path: Path) -> Fetching:
    server.on("/etcd-amd64.tar.gz", serving(CONTENT))
    server.on("/etcd-arm64.tar.gz", serving(CONTENT))
    return Fetching(server, client, tmp_path)


def test_fetch_fills_a_folder_that_verifies(fetching: Fetching, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetching("amd64") == []
    assert (fetching.folder / "etcd-amd64.tar.gz").read_bytes() == CONTENT
    assert sorted(path.name for path in fetching.folder.iterdir()) == ["artifacts.lock", "etcd-amd64.tar.gz"]
    assert show_verify(fetching.folder, as_json=False, catalog=fetching.catalog) == 0
    assert (
        f"ok   etcd-amd64.tar.gz  (etcd 3.6.14 for amd64, publisher): sha256:{SHA256}"
        in capsys.readouterr().out
    )


def test_fetch_again_asks_for_nothing(fetching: Fetching, server: Server) -> None:
    fetching()
    before = len(server.requests)
    assert fetching() == []
    assert len(server.requests) == before
    assert fetching.stream.getvalue().count("already there") == 2


def test_fetch_mends_a_damaged_file(fetching: Fetching) -> None:
    fetching("amd64")
    (fetching.folder / "etcd-amd64.tar.gz").write_bytes(b"x")
    assert fetching("amd64") == []
    assert (fetching.folder / "etcd-amd64.tar.gz").read_bytes() == CONTENT


def test_one_file_that_fails_does_not_hide_the_others(fetching: Fetching, server: Server) -> None:
    server.on("/etcd-amd64.tar.gz", failing("404 Not Found"))
    assert len(fetching()) == 1
    assert "the file is not there any more" in fetching.stream.getvalue()
    assert (fetching.folder / "etcd-arm64.tar.gz").read_bytes() == CONTENT


def test_two_wizards_do_not_fill_one_folder(fetching: Fetching) -> None:
    fetching.folder.mkdir()
    handle = os.open(fetching.folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(ArtifactError) as caught:
        fetching()
    os.close(handle)
    assert_explained(caught.value, exit_code=ExitCode.FAILED, do=f"wizard artifacts fetch {fetching.folder}")


def test_fetch_for_a_spec_brings_what_it_needs_and_tells_what_there_is_not(
    fetching: Fetching, server: Server
) -> None:
    needs = (Need("etcd", "amd64", "3.6.14"), Need("etcd", "arm64", "3.7.1"))
    failed = fetch_folder(
        fetching.folder,
        cache_root=fetching.cache,
        arches=("amd64", "arm64"),
        only=(),
        lines=Lines(fetching.stream, redraw=False),
        catalog=fetching.catalog,
        client=fetching.client,
        needs=needs,
    )
    assert [error.what for error in failed] == ["there is no artifact etcd 3.7.1 for arm64"]
    assert_explained(failed[0], exit_code=ExitCode.BAD_SPEC, do="wizard artifacts list")
    assert [request.path for request in server.requests] == ["/etcd-amd64.tar.gz"]


def test_fetch_reads_the_spec_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(HttpClient, "get", lambda *_args, **_more: pytest.fail("something was fetched"))
    (tmp_path / "cluster.yaml").write_text("schema: 1\n")
    words = ("artifacts", "fetch", str(tmp_path / "usb"), "-f", str(tmp_path / "cluster.yaml"))
    assert main(words) == ExitCode.BAD_SPEC
    assert "cluster.yaml" in capsys.readouterr().err
    (tmp_path / "cluster.yaml").write_text(example_text().replace("v1.36.4+k3s1", "v1.99.0+k3s1"))
    assert main((*words, "--only", "k3s", "--arch", "amd64")) == ExitCode.FAILED
    assert "there is no artifact k3s v1.99.0+k3s1 for amd64" in capsys.readouterr().err


def attempting(fetching: Fetching, said: list[str]) -> bool:
    return attempt(
        fetching.folder,
        ("etcd",),
        "amd64",
        said.append,
        cache_root=fetching.cache,
        catalog=fetching.catalog,
        client=fetching.client,
    )


def test_an_attempt_brings_the_file_or_says_in_a_line_why_not(fetching: Fetching, server: Server) -> None:
    said: list[str] = []
    server.on("/etcd-amd64.tar.gz", failing("503 Service Unavailable"))
    assert not attempting(fetching, said)
    assert len(server.requests) == 1, "one try is all it gets"
    server.on("/etcd-amd64.tar.gz", serving(CONTENT))
    assert attempting(fetching, said)
    assert said == ["etcd cannot be downloaded here: localhost has trouble of its own", "etcd: fetched"]
    assert (fetching.folder / "etcd-amd64.tar.gz").read_bytes() == CONTENT


def test_fetch_of_an_unknown_name_is_told(fetching: Fetching) -> None:
    with pytest.raises(UsageError) as caught:
        fetching(only=("etdc",))
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, do="wizard artifacts list")


@pytest.mark.parametrize(("content", "says"), [(None, "missing"), (b"x", "differs")])
def test_verify_finds_what_is_wrong(
    fetching: Fetching, capsys: pytest.CaptureFixture[str], content: bytes | None, says: str
) -> None:
    fetching("amd64")
    file = fetching.folder / "etcd-amd64.tar.gz"
    file.unlink() if content is None else file.write_bytes(content)
    (fetching.folder / "stranger").write_text("?")
    assert show_verify(fetching.folder, as_json=True, catalog=fetching.catalog) == 1
    shown = capsys.readouterr()
    assert says in json.loads(shown.out)["files"][0]["text"]
    assert "stranger is not in the lock" in shown.err


def test_verify_does_not_believe_a_lock_against_the_catalog(fetching: Fetching) -> None:
    fetching("amd64")
    other = replace(fetching.catalog.entries[0], digest=Digest("sha256", "0" * 64))
    (verdict,) = verify_folder(fetching.folder, Catalog((other,)))
    assert not verdict.ok
    assert "the catalog" in verdict.text


def test_the_lock_of_a_folder_names_the_publisher(fetching: Fetching) -> None:
    fetching("arm64")
    (entry,) = read_lock(fetching.folder / "artifacts.lock").all()
    assert (entry.arch, entry.origin.value, entry.sha256) == ("arm64", "publisher", SHA256)


def test_lines_come_at_a_bounded_rate_without_a_terminal() -> None:
    now = [0.0]
    stream = io.StringIO()
    lines = Lines(stream, redraw=False, clock=lambda: now[0])
    meter = Meter("etcd", lines, clock=lambda: now[0])
    for second in range(60):
        now[0] = second / 2
        meter(second * 1024 * 1024, 60 * 1024 * 1024)
    shown = stream.getvalue().splitlines()
    assert len(shown) == 30 / LINE_SECONDS
    assert "\r" not in stream.getvalue()
    assert shown[-1] == "etcd: 50.0 MiB of 60.0 MiB (83%), 2.0 MiB/s, 5 s left"


def test_a_terminal_line_is_redrawn_and_never_wider_than_it() -> None:
    stream = io.StringIO()
    lines = Lines(stream, redraw=True, width=30)
    lines(Progress("x" * 100, 1, 2, 3.0))
    lines.say("done")
    first, second, _ = stream.getvalue().split("\r", 2)
    assert first == ""
    assert len(second) == 29
    assert stream.getvalue().endswith("\rdone\n")


def test_speed_begins_anew_when_the_file_does() -> None:
    seen: list[Progress] = []
    now = [0.0]
    meter = Meter("etcd", seen.append, clock=lambda: now[0])
    for at, done in ((0, 0), (1, 1000), (2, 0), (3, 500)):
        now[0] = at
        meter(done, None)
    assert [each.speed for each in seen] == [0, 1000, 0, 500]
    assert seen[-1].eta is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3900, "1 h 5 min")]
)
def test_times_are_told_as_a_person_reads_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("line", ["{}  a b.tar", "{} *a b.tar", "SHA256 (a b.tar) = {}", "{}  ./a b.tar\r"])
def test_checksum_files_of_every_kind_are_read(line: str) -> None:
    assert published_digest(line.format(SHA256.upper()), "a b.tar", "sha256") == Digest("sha256", SHA256)
