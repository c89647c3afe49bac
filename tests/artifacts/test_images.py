"""Container images pulled by digest from a registry on loopback, and kept as one file each."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.artifacts.https_server import Authority, Server, failing, hanging_up, serving
from tests.artifacts.pulling import Pulling
from tests.artifacts.registry_server import ZSTD_LAYER, Registry, as_json, bound, digest_of
from tests.rows import assert_explained
from wizard.artifacts.catalog import Catalog, CatalogEntry, parse_catalog
from wizard.artifacts.download import Tries
from wizard.artifacts.folder import fetch_folder, verify_folder
from wizard.artifacts.image_archive import flaw
from wizard.artifacts.lock import LockEntry, Origin, read_lock, write_lock
from wizard.artifacts.oci import parse_reference
from wizard.artifacts.problems import ArtifactError
from wizard.artifacts.progress import Lines
from wizard.artifacts.resolve import Resolver
from wizard.artifacts.store import verify_file
from wizard.core.errors import ExitCode, UsageError, WizardError
from wizard.transport.http import HttpClient, HttpError, Kind


@pytest.fixture
def registry(server: Server) -> Registry:
    return Registry(server)


@pytest.fixture
def cdn(authority: Authority) -> Iterator[Server]:
    running = Server(authority.server_context())
    yield running
    running.stop()


@pytest.fixture
def pull(client: HttpClient, cache_folder: Path) -> Pulling:
    return Pulling(client, cache_folder)


def content(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


@pytest.mark.parametrize("docker", [False, True])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_an_image_is_one_file_with_the_publishers_own_bytes(
    server: Server, pull: Pulling, arch: str, docker: bool
) -> None:
    registry = Registry(server, docker=docker)
    archive = pull(registry, arch)
    files = content(archive)
    (described,) = json.loads(files["index.json"])["manifests"]
    assert described["digest"] == registry.manifest(arch)
    assert described["annotations"]["io.containerd.image.name"] == registry.reference.name
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    blobs = {name.replace("blobs/sha256/", "sha256:"): raw for name, raw in files.items() if "/" in name}
    assert blobs.keys() >= {registry.manifest(arch), digest_of(registry.top), registry.layer(arch)}
    assert ZSTD_LAYER in blobs.values()
    assert all(digest_of(raw) == digest for digest, raw in blobs.items())
    other = "arm64" if arch == "amd64" else "amd64"
    assert registry.layer(other) not in blobs
    assert flaw(archive, registry.reference.digest, arch) == ""


def test_an_image_that_is_here_is_asked_for_no_more(registry: Registry, pull: Pulling) -> None:
    first = pull(registry)
    asked = len(registry.server.requests)
    assert pull(registry) == first
    assert len(registry.server.requests) == asked
    first.write_bytes(b"damaged")
    assert flaw(pull(registry), registry.reference.digest, "amd64") == ""
    assert len(registry.server.requests) == asked, "its pieces were still here"


def test_the_same_image_is_the_same_file_everywhere(
    registry: Registry, client: HttpClient, tmp_path: Path
) -> None:
    archives = [Pulling(client, tmp_path / name)(registry) for name in ("one", "two")]
    assert archives[0].name == archives[1].name
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_manifests_are_asked_for_in_the_forms_we_know(registry: Registry, pull: Pulling) -> None:
    pull(registry)
    for request in registry.server.requests:
        assert ("application/vnd.oci.image.index.v1+json" in request.headers["accept"]) == (
            "/manifests/" in request.path
        )


def test_a_token_is_fetched_where_the_registry_wants_one(registry: Registry, pull: Pulling) -> None:
    registry.want_tokens("secret-1")
    pull(registry)
    asked = [request.headers.get("authorization") for request in registry.server.requests]
    assert asked[:3] == [None, None, "Bearer secret-1"]
    assert set(asked[2:]) == {"Bearer secret-1"}


def test_a_token_that_has_become_old_is_replaced(registry: Registry, pull: Pulling) -> None:
    registry.want_tokens("old", "new")
    refused = pull.refused(registry)
    assert "refuses to hand the file out" in refused.what
    pull(registry)
    registry.valid = "newer"
    registry.tokens = ["newer"]
    pull(registry, "arm64")


def test_the_token_is_shown_to_the_registry_only(server: Server, cdn: Server, pull: Pulling) -> None:
    registry = Registry(server, elsewhere=cdn)
    registry.want_tokens("secret-1")
    pull(registry)
    assert len(cdn.requests) == 3
    assert all("authorization" not in request.headers for request in cdn.requests)


@pytest.mark.parametrize(
    "login", ['Basic realm="lab"', 'Bearer realm="http://localhost/token"', "Bearer", "x"]
)
def test_a_login_that_we_do_not_know_is_told(registry: Registry, pull: Pulling, login: str) -> None:
    registry.want_tokens("x")
    registry.login = login
    assert "a login that is not known here" in pull.refused(registry).why


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"token": 7}', b'{"token": "a b"}'])
def test_a_token_server_that_talks_nonsense_is_told(registry: Registry, pull: Pulling, answer: bytes) -> None:
    registry.want_tokens("x")
    registry.server.on("/token?service=lab&scope=repository%3Alab%2Fdns%3Apull", serving(answer))
    assert "token" in pull.refused(registry).why


def test_a_layer_that_is_another_one_is_refused(registry: Registry, pull: Pulling) -> None:
    registry.at_blob(registry.layer("amd64"), serving(registry.blobs[registry.layer("arm64")]))
    error = pull.refused(registry)
    assert isinstance(error, ArtifactError)
    assert registry.layer("amd64") in error.why and registry.layer("arm64") in error.why


def test_a_list_that_is_another_one_is_refused_before_anything_else_is_asked(
    registry: Registry, pull: Pulling
) -> None:
    registry.at_manifest(digest_of(registry.top), serving(registry.manifests[registry.manifest("amd64")]))
    pull.refused(registry)
    assert len(registry.server.requests) == 1


def test_a_layer_that_was_cut_off_goes_on_where_it_stopped(
    server: Server, cdn: Server, pull: Pulling
) -> None:
    registry = Registry(server, elsewhere=cdn)
    raw = registry.blobs[registry.layer("amd64")]
    where = registry.at_blob(
        registry.layer("amd64"), serving(raw, upto=20), serving(raw, upto=20), serving(raw)
    )
    assert flaw(pull(registry), registry.reference.digest, "amd64") == ""
    assert [request.start for request in cdn.asked(where)] == [0, 20, 40]


def test_a_layer_that_a_killed_wizard_left_half_is_not_asked_for_anew(
    registry: Registry, pull: Pulling
) -> None:
    raw = registry.blobs[registry.layer("amd64")]
    where = registry.at_blob(registry.layer("amd64"), serving(raw, upto=30), hanging_up, hanging_up)
    assert isinstance(pull.refused(registry), HttpError)
    registry.at_blob(registry.layer("amd64"), serving(raw))
    pull(registry)
    assert registry.server.asked(where)[-1].start == 30


def test_a_wait_that_the_registry_asks_for_is_kept(registry: Registry, pull: Pulling) -> None:
    raw = registry.blobs[registry.layer("amd64")]
    busy = failing("429 Too Many Requests", {"Retry-After": "21"})
    registry.at_blob(registry.layer("amd64"), busy, serving(raw))
    pull(registry)
    assert pull.pauses == [21.0]


def test_layers_that_are_larger_than_the_catalog_allows_are_not_begun(
    registry: Registry, pull: Pulling
) -> None:
    error = pull.refused(registry, limit=100)
    assert isinstance(error, HttpError) and error.kind is Kind.TOO_LARGE
    assert not any("/blobs/" in request.path for request in registry.server.requests)


@pytest.mark.parametrize(
    "top", [b"{", b"[]", b'{"manifests": [7]}', b'{"layers": [{}], "config": {}}', b'{"schemaVersion": 2}']
)
def test_a_manifest_that_is_none_is_told(registry: Registry, pull: Pulling, top: bytes) -> None:
    registry.at_manifest(digest_of(top), serving(top))
    error = pull.refused(registry, reference=registry.named(digest_of(top)))
    assert "cannot be understood" in error.what


def test_a_list_in_a_list_is_told(registry: Registry, pull: Pulling) -> None:
    entry = {"mediaType": "x", "digest": digest_of(registry.top), "size": len(registry.top)}
    platform = {"os": "linux", "architecture": "amd64"}
    top = as_json({"manifests": [{**entry, "platform": platform}]})
    registry.at_manifest(digest_of(top), serving(top))
    assert "another list" in pull.refused(registry, reference=registry.named(digest_of(top))).why


@pytest.mark.parametrize(
    "text",
    [
        "oci://docker.io/a/b:1",
        "oci://docker.io/a/b@sha256:" + "0" * 64,
        "oci://docker.io/../b:1@sha256:" + "0" * 64,
        "docker.io/a/b:1@sha256:" + "0" * 64,
        "oci://docker.io/a/b:1@sha256:" + "0" * 63,
    ],
)
def test_a_reference_names_registry_repository_tag_and_digest(text: str) -> None:
    with pytest.raises(ValueError, match="oci://REGISTRY"):
        parse_reference(text)


def test_docker_hub_is_asked_at_its_registry() -> None:
    found = parse_reference("oci://docker.io/library/redis:8.0@sha256:" + "0" * 64)
    assert found.manifest(found.digest).startswith(
        "https://registry-1.docker.io/v2/library/redis/manifests/sha256:"
    )
    assert found.name == "docker.io/library/redis:8.0"


CATALOG = """
schema: 1
artifacts: []
images:
  - name: dns
    title: an image
    version: "1.0"
    reference: {reference}
    digest: {digest}
    arches: [amd64, arm64]
    limit_mib: 1
    sources: [a public list]
"""


class Folder:
    """A folder that is filled from the test's registry."""

    def __init__(self, registry: Registry, client: HttpClient, root: Path) -> None:
        self.registry, self.client, self.place, self.cache = registry, client, root / "usb", root / "cache"
        name, _, digest = registry.reference.name, "", str(registry.reference.digest)
        self.catalog: Catalog = parse_catalog(CATALOG.format(reference=name, digest=digest))

    def fetch(self, *arches: str) -> list[WizardError]:
        return fetch_folder(
            self.place,
            cache_root=self.cache,
            arches=arches or ("amd64", "arm64"),
            only=(),
            lines=Lines(io.StringIO(), redraw=False),
            catalog=self.catalog,
            client=self.client,
            tries=Tries(fruitless=1),
        )

    def entry(self, arch: str) -> LockEntry:
        found = read_lock(self.place / "artifacts.lock").find("dns", arch)
        assert found is not None
        return found

    def rewrite(self, entry: LockEntry) -> None:
        write_lock(read_lock(self.place / "artifacts.lock").with_entry(entry))


@pytest.fixture
def folder(registry: Registry, client: HttpClient, tmp_path: Path) -> Folder:
    return Folder(registry, client, tmp_path)


def test_a_folder_is_filled_with_images_for_each_architecture(folder: Folder) -> None:
    assert folder.fetch() == []
    assert sorted(path.name for path in folder.place.glob("*.tar")) == [
        "dns-1.0-amd64.tar",
        "dns-1.0-arm64.tar",
    ]
    for arch in ("amd64", "arm64"):
        entry = folder.entry(arch)
        assert entry.published == str(folder.registry.reference.digest)
        assert entry.sha256 == hashlib.sha256((folder.place / entry.file).read_bytes()).hexdigest()
    assert [each.ok for each in verify_folder(folder.place, folder.catalog)] == [True, True]
    asked = len(folder.registry.server.requests)
    assert folder.fetch() == []
    assert len(folder.registry.server.requests) == asked


def test_an_architecture_that_is_missing_does_not_hide_the_other(
    server: Server, client: HttpClient, tmp_path: Path
) -> None:
    folder = Folder(Registry(server, arches=("amd64",)), client, tmp_path)
    (failed,) = folder.fetch()
    assert "is not made for arm64" in failed.what
    assert [path.name for path in folder.place.glob("*.tar")] == ["dns-1.0-amd64.tar"]


def test_a_folder_s_own_lock_is_not_believed_against_the_catalog(folder: Folder) -> None:
    """An image under the right name that is another one inside, its digest duly in the lock."""
    folder.fetch()
    right, wrong = folder.entry("amd64"), folder.entry("arm64")
    (folder.place / right.file).write_bytes((folder.place / wrong.file).read_bytes())
    folder.rewrite(replace(right, sha256=wrong.sha256))
    verdicts = {each.entry.arch: each for each in verify_folder(folder.place, folder.catalog)}
    assert (verdicts["amd64"].ok, verdicts["arm64"].ok) == (False, True)
    assert "is not the one for amd64" in verdicts["amd64"].text
    resolver = Resolver(
        folder.catalog, read_lock(folder.place.parent / "artifacts.lock"), folder=folder.place
    )
    with pytest.raises(ArtifactError) as caught:
        verify_file(resolver.resolve("dns", "amd64"))
    assert_explained(caught.value, exit_code=ExitCode.FAILED, do=f"wizard artifacts fetch {folder.place}")


def test_a_folder_that_names_another_digest_than_the_catalog_is_refused(folder: Folder) -> None:
    folder.fetch("amd64")
    folder.rewrite(replace(folder.entry("amd64"), published=f"sha256:{'0' * 64}"))
    resolver = Resolver(
        folder.catalog, read_lock(folder.place.parent / "artifacts.lock"), folder=folder.place
    )
    with pytest.raises(ArtifactError, match="holds another"):
        resolver.resolve("dns", "amd64")


def test_a_lock_with_an_image_that_cannot_be_read_is_refused(folder: Folder) -> None:
    folder.fetch("amd64")
    lock = folder.place / "artifacts.lock"
    lock.write_text(lock.read_text().replace("oci://localhost", "oci://../localhost"))
    with pytest.raises(UsageError) as caught:
        read_lock(lock)
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, says=["oci://REGISTRY"], do=str(lock))


@pytest.mark.parametrize("harm", [b"", b"no tar at all" * 100])
def test_a_file_that_is_no_image_is_told(tmp_path: Path, registry: Registry, harm: bytes) -> None:
    place = tmp_path / "image.tar"
    place.write_bytes(harm)
    assert "no archive of an image" in flaw(place, registry.reference.digest, "amd64")


def test_a_part_that_was_exchanged_is_found(registry: Registry, pull: Pulling, tmp_path: Path) -> None:
    archive, place = pull(registry), tmp_path / "image.tar"
    layer = bound(registry.layer("amd64")).value
    with tarfile.open(place, "w") as tar:
        for name, raw in content(archive).items():
            changed = raw[::-1] if name.endswith(layer) else raw
            entry = tarfile.TarInfo(name)
            entry.size = len(changed)
            tar.addfile(entry, io.BytesIO(changed))
    assert layer in flaw(place, registry.reference.digest, "amd64")


def test_a_built_image_is_known_by_its_file_alone(folder: Folder) -> None:
    folder.fetch("amd64")
    entry = replace(folder.entry("amd64"), origin=Origin.BUILT, url="", published="")
    lock = read_lock(folder.place / "artifacts.lock")
    write_lock(replace(lock, entries={}).with_entry(entry))
    resolver = Resolver(
        folder.catalog,
        read_lock(folder.place.parent / "artifacts.lock"),
        folder=folder.place,
        accept_built=True,
    )
    verify_file(resolver.resolve("dns", "amd64"))
    assert [entry.version for entry in folder.catalog.entries] == ["1.0", "1.0"]
    assert all(isinstance(entry, CatalogEntry) for entry in folder.catalog.entries)
