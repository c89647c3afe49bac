"""Names become files: the catalog, the lock that binds, folders with published and built files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.artifacts.https_server import Server, respond, serving
from tests.rows import assert_explained
from wizard.artifacts.cache import Cache
from wizard.artifacts.catalog import Catalog, CatalogEntry, Checksums
from wizard.artifacts.digest import Digest
from wizard.artifacts.download import Downloader
from wizard.artifacts.images import ImagePuller
from wizard.artifacts.lock import Lock, LockEntry, Origin, read_lock, write_lock
from wizard.artifacts.problems import ArtifactError
from wizard.artifacts.resolve import Resolver
from wizard.artifacts.store import ArtifactStore
from wizard.core.errors import ExitCode, UsageError, WizardError
from wizard.transport.http import HttpClient, HttpError

CONTENT = b"an etcd release" * 500
OTHER = b"another release" * 500
SUMS = "/SHA512SUMS"


def hex256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sums(content: bytes, name: str = "etcd.tar.gz") -> bytes:
    return f"{'0' * 128}  other.file\n{hashlib.sha512(content).hexdigest()}  {name}\n".encode()


@dataclass
class World:
    """A server, a catalog of one entry, a lock."""

    server: Server
    client: HttpClient
    folder: Path
    entry: CatalogEntry

    @property
    def lock(self) -> Path:
        return self.folder / "artifacts.lock"

    def store(
        self, *, folder: Path | None = None, accept_built: bool = False, said: list[str] | None = None
    ) -> ArtifactStore:
        downloader = Downloader(self.client, sleep=lambda _seconds: None)
        resolver = Resolver(
            Catalog((self.entry,)), read_lock(self.lock), folder=folder, accept_built=accept_built
        )
        talk: Callable[[str], None] = said.append if said is not None else lambda _text: None
        images = ImagePuller.over(self.client, self.folder / "cache")
        cache = Cache(self.folder / "cache", downloader)
        return ArtifactStore(resolver, cache, downloader, images=images, talk=talk)

    def publish(self, content: bytes) -> None:
        self.server.on("/etcd.tar.gz", serving(content))
        self.server.on(SUMS, lambda _request, connection: respond(connection, body=sums(content)))

    def offline(self, content: bytes, **changes: str | Origin) -> Path:
        folder = self.folder / "artifacts"
        folder.mkdir()
        entry = LockEntry("etcd", "3.6.14", "amd64", "etcd.tar.gz", Origin.PUBLISHER, hex256(content))
        (folder / "etcd.tar.gz").write_bytes(content)
        write_lock(Lock(folder / "artifacts.lock").with_entry(replace(entry, **changes)))  # type: ignore[arg-type]
        return folder


@pytest.fixture
def world(server: Server, client: HttpClient, tmp_path: Path) -> World:
    entry = CatalogEntry(
        name="etcd",
        title="etcd",
        version="3.6.14",
        arch="amd64",
        url=server.url("/etcd.tar.gz"),
        limit=10**6,
        checksums=Checksums("sha512", server.url(SUMS)),
    )
    made = World(server, client, tmp_path, entry)
    made.publish(CONTENT)
    return made


def refused(store: ArtifactStore, *, exit_code: ExitCode = ExitCode.FAILED, do: str = "") -> WizardError:
    with pytest.raises(WizardError) as caught:
        store.obtain("etcd", "amd64")
    assert_explained(caught.value, exit_code=exit_code, do=do)
    return caught.value


def test_the_publishers_digest_is_read_once_shown_and_binds(world: World) -> None:
    said: list[str] = []
    got = world.store(said=said).obtain("etcd", "amd64")
    assert got.path is not None
    assert got.path.read_bytes() == CONTENT
    assert got.sha256 == hex256(CONTENT)
    assert hashlib.sha512(CONTENT).hexdigest() in said[0]
    entry = read_lock(world.lock).find("etcd", "amd64")
    assert entry is not None
    assert (entry.sha256, entry.published) == (got.sha256, f"sha512:{hashlib.sha512(CONTENT).hexdigest()}")
    world.store().obtain("etcd", "amd64")
    assert len(world.server.asked(SUMS)) == 1


def test_a_checksum_file_that_changes_later_is_refused_with_both_digests(world: World) -> None:
    got = world.store().obtain("etcd", "amd64")
    assert got.path is not None
    got.path.unlink()
    world.publish(OTHER)
    error = refused(world.store(), do=f"delete its entry from {world.lock}")
    assert hashlib.sha512(CONTENT).hexdigest() in error.why
    assert hashlib.sha512(OTHER).hexdigest() in error.why
    assert len(world.server.asked("/etcd.tar.gz")) == 1


def test_the_lock_binds_although_only_the_file_was_changed(world: World) -> None:
    got = world.store().obtain("etcd", "amd64")
    assert got.path is not None
    got.path.unlink()
    world.server.on("/etcd.tar.gz", serving(OTHER))
    error = refused(world.store())
    assert hex256(CONTENT) in error.why
    assert hex256(OTHER) in error.why
    assert str(world.lock) in error.why


def test_the_publishers_digest_binds_before_the_file_is_there(world: World) -> None:
    world.server.on("/etcd.tar.gz", serving(OTHER))
    refused(world.store())
    entry = read_lock(world.lock).find("etcd", "amd64")
    assert entry is not None
    assert entry.sha256 == ""
    assert entry.digest == Digest("sha512", hashlib.sha512(CONTENT).hexdigest())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>log in</html>",
        sums(CONTENT, "other.tar.gz"),
        sums(CONTENT) + sums(OTHER),
        b"12  etcd.tar.gz",
    ],
)
def test_a_checksum_file_that_says_nothing_usable_is_refused(world: World, body: bytes) -> None:
    world.server.on(SUMS, lambda _request, connection: respond(connection, body=body))
    refused(world.store(), do=f"curl -sSL {world.server.url(SUMS)}")
    assert not world.lock.exists()


def test_a_checksum_file_that_never_ends_is_refused(world: World) -> None:
    world.server.on(SUMS, lambda _request, connection: respond(connection, length=10**9))
    assert isinstance(refused(world.store()), HttpError)


def test_the_catalogs_digest_needs_no_checksum_file(world: World) -> None:
    digest = Digest("sha512", hashlib.sha512(CONTENT).hexdigest())
    world.entry = replace(world.entry, digest=digest, sources=("a public list",))
    got = world.store().obtain("etcd", "amd64")
    assert got.path is not None
    got.path.unlink()
    assert world.store().obtain("etcd", "amd64").sha256 == hex256(CONTENT)
    assert world.server.asked(SUMS) == []


def test_a_folder_needs_no_network(world: World) -> None:
    folder = world.offline(CONTENT)
    got = world.store(folder=folder).obtain("etcd", "amd64")
    assert got.path == folder / "etcd.tar.gz"
    assert world.server.requests == []
    bound = read_lock(world.lock).find("etcd", "amd64")
    assert bound is not None
    assert bound.sha256 == hex256(CONTENT)


def test_a_changed_file_in_a_folder_is_refused(world: World) -> None:
    folder = world.offline(CONTENT)
    (folder / "etcd.tar.gz").write_bytes(OTHER)
    error = refused(world.store(folder=folder), do=str(folder / "etcd.tar.gz"))
    assert hex256(OTHER) in error.why


def test_a_missing_file_in_a_folder_is_told(world: World) -> None:
    folder = world.offline(CONTENT)
    (folder / "etcd.tar.gz").unlink()
    refused(world.store(folder=folder), do=f"wizard artifacts fetch {folder}")


@pytest.mark.parametrize("published", ["", f"sha512:{hashlib.sha512(CONTENT).hexdigest()}"])
def test_a_folder_is_not_believed_against_the_catalog(world: World, published: str) -> None:
    digest = Digest("sha512", hashlib.sha512(CONTENT).hexdigest())
    world.entry = replace(world.entry, digest=digest, sources=("a public list",))
    folder = world.offline(OTHER, published=published)
    error = refused(world.store(folder=folder))
    assert digest.value in error.why


def test_a_folder_is_not_believed_against_the_lock(world: World) -> None:
    world.store().obtain("etcd", "amd64")
    error = refused(world.store(folder=world.offline(OTHER)))
    assert hex256(CONTENT) in error.why
    assert hex256(OTHER) in error.why


def test_a_built_file_needs_the_key_in_the_spec(world: World) -> None:
    folder = world.offline(OTHER, origin=Origin.BUILT)
    refused(world.store(folder=folder), exit_code=ExitCode.BAD_SPEC, do="accept_built: true")
    got = world.store(folder=folder, accept_built=True).obtain("etcd", "amd64")
    assert (got.origin, got.sha256) == (Origin.BUILT, hex256(OTHER))
    assert world.server.requests == []


def test_a_built_file_that_is_bound_is_not_replaced_by_a_download(world: World) -> None:
    folder = world.offline(OTHER, origin=Origin.BUILT)
    world.store(folder=folder, accept_built=True).obtain("etcd", "amd64")
    refused(world.store(accept_built=True), exit_code=ExitCode.BAD_SPEC, do="--artifacts")


def test_a_published_file_wins_where_built_ones_are_not_accepted(world: World) -> None:
    folder = world.offline(CONTENT)
    built = LockEntry("etcd", "3.6.14", "amd64", "built.tar.gz", Origin.BUILT, hex256(OTHER))
    (folder / "built.tar.gz").write_bytes(OTHER)
    write_lock(read_lock(folder / "artifacts.lock").with_entry(built))
    assert world.store(folder=folder).obtain("etcd", "amd64").origin is Origin.PUBLISHER
    world.lock.unlink()
    assert world.store(folder=folder, accept_built=True).obtain("etcd", "amd64").origin is Origin.BUILT


def test_a_folder_without_a_lock_is_told(world: World) -> None:
    with pytest.raises(UsageError) as caught:
        world.store(folder=world.folder)
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, do=f"wizard artifacts fetch {world.folder}")


@pytest.mark.parametrize(
    ("name", "arch", "version"), [("etcdx", "amd64", ""), ("etcd", "arm64", ""), ("etcd", "amd64", "9")]
)
def test_an_unknown_artifact_is_told(world: World, name: str, arch: str, version: str) -> None:
    with pytest.raises(UsageError) as caught:
        world.store().obtain(name, arch, version)
    assert_explained(
        caught.value, exit_code=ExitCode.BAD_SPEC, says=["etcd 3.6.14"], do="wizard artifacts list"
    )


def test_the_locked_version_outlives_the_catalogs_newer_one(world: World) -> None:
    world.store().obtain("etcd", "amd64")
    world.entry = replace(world.entry, version="3.7.0", url=world.server.url("/etcd-new.tar.gz"))
    assert world.store().resolver.resolve("etcd", "amd64").version == "3.6.14"
    assert world.store().resolver.resolve("etcd", "amd64", "3.7.0").version == "3.7.0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"schema": 2, "artifacts": []}',
        '{"schema": 1}',
        '{"schema": 1, "artifacts": [1]}',
        '{"schema": 1, "artifacts": [{"name": "etcd"}]}',
        "[" * 100_000,
        "\xff",
        " " * (1024 * 1024 + 1),
    ],
)
def test_a_file_that_is_no_lock_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "artifacts.lock"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError) as caught:
        read_lock(path)
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, do=str(path))


@pytest.mark.parametrize("file", ["../etc/passwd", "/etc/passwd", ".hidden", "a/b", "a\nb", "", "a" * 300])
def test_a_lock_cannot_point_outside_its_folder(tmp_path: Path, file: str) -> None:
    path = tmp_path / "artifacts.lock"
    write_lock(Lock(path).with_entry(LockEntry("etcd", "1", "amd64", file, Origin.PUBLISHER, "a" * 64)))
    with pytest.raises(UsageError):
        read_lock(path)


def test_a_lock_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "artifacts.lock"
    entry = LockEntry("etcd", "1", "amd64", "etcd.tar.gz", Origin.PUBLISHER, "a" * 64)
    write_lock(Lock(path).with_entry(entry))
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wizard.artifacts.lock.os.fsync", full)
    with pytest.raises(ArtifactError) as caught:
        write_lock(Lock(path).with_entry(replace(entry, version="2")))
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["free"])
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]
