"""What is built for the lab: the folder, its lock, and what makes another build necessary."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.rows import assert_explained
from wizard.artifacts.lock import Origin, read_lock
from wizard.artifacts.resolve import Resolver
from wizard.core.errors import ExitCode, UsageError
from wizard.core.packages import Deb
from wizard.core.resources import asset_text
from wizard.core.spec import parse_spec
from wizard.lab import (
    artifacts,
    cloud_image,
    commands,
    daemon,
    etcd,
    go_build,
    guest,
    images,
    k3s,
    kubernetes,
    lifecycle,
    machine,
    packages,
    release,
    report,
    spec,
)
from wizard.lab.artifacts import Recipe
from wizard.lab.docker import LabError
from wizard.lab.images import Say
from wizard.lab.spec import K3S_VERSION
from wizard.lab.store import Store


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "homelab-wizard" / "lab"


def quiet(_text: str) -> None:
    return


class Kitchen:
    """Recipes that count how often they are followed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built: list[str] = []
        self.content = b"one"
        monkeypatch.setattr(go_build, "compiler", lambda: "/usr/bin/go")
        monkeypatch.setattr(
            artifacts, "recipes", lambda: (self.recipe("etcd", "3.6.14"), self.recipe("root"))
        )
        monkeypatch.setattr(cloud_image, "recipe", lambda: self.recipe("debian-cloud-image"))
        monkeypatch.setattr(
            kubernetes,
            "node_recipes",
            lambda: (self.recipe("k3s", K3S_VERSION), self.recipe("k3s-airgap-images", K3S_VERSION)),
        )
        monkeypatch.setattr(kubernetes, "app_recipes", lambda: (self.recipe("lab-app-images"),))
        self.debs: dict[Deb, Path] = {}
        monkeypatch.setattr(packages, "ensure", lambda _say: self.debs)

    def recipe(self, name: str, version: str = "") -> Recipe:
        def build(out: Path, _say: Say) -> None:
            self.built.append(name)
            out.write_bytes(self.content + name.encode())

        return Recipe(name, f"{name}.tar.gz", (name, self.content.decode()), "costs", build, version)


@pytest.fixture
def kitchen(monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    return Kitchen(monkeypatch)


def test_the_wizard_reads_the_folders_lock_and_finds_the_files(kitchen: Kitchen) -> None:
    folder = artifacts.ensure(quiet)
    entries = read_lock(folder / "artifacts.lock").all()
    assert [(entry.name, entry.arch, entry.origin) for entry in entries] == [
        ("etcd", machine.arch(), Origin.BUILT),
        ("root", machine.arch(), Origin.BUILT),
    ]
    for entry in entries:
        assert hashlib.sha256((folder / entry.file).read_bytes()).hexdigest() == entry.sha256
    assert entries[0].version == "3.6.14"
    assert entries[1].version == f"13-lab-{entries[1].sha256[:8]}"


def a_deb(content: bytes) -> Deb:
    """A package whose pin is the digest of this content."""
    url = "https://snapshot.example/pool/k/keyutils_1.6_amd64.deb"
    digest = hashlib.sha256(content).hexdigest()
    return Deb("keyutils", "1:1.6", machine.arch(), url, digest, len(content), 1)


def test_packages_lie_beside_as_their_publishers(kitchen: Kitchen, tmp_path: Path) -> None:
    file = tmp_path / "keyutils.deb"
    file.write_bytes(b"package")
    without = artifacts.ensure(quiet)
    kitchen.debs = {a_deb(b"package"): file}
    folder = artifacts.ensure(quiet)
    assert folder != without
    entry = read_lock(folder / "artifacts.lock").find("deb-keyutils", machine.arch())
    assert entry is not None
    assert (entry.version, entry.origin, entry.file) == ("1:1.6", Origin.PUBLISHER, "keyutils_1.6_amd64.deb")
    assert (folder / entry.file).read_bytes() == b"package"


class Mirror:
    """Docker in which apt finds what we say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
        self.content = content
        self.asked = 0
        monkeypatch.setattr(packages, "wanted", lambda: (a_deb(b"package"),))
        monkeypatch.setattr(images, "ensure_one", lambda _kind, _say: None)
        monkeypatch.setattr(packages, "docker", self.docker)
        monkeypatch.setattr(packages, "try_docker", lambda *_words: None)

    def docker(self, *words: str, **_more: object) -> None:
        if words[0] == "cp":
            self.asked += 1
            Path(words[-1]).mkdir()
            (Path(words[-1]) / "keyutils_1%3a1.6_amd64.deb").write_bytes(self.content)


def test_packages_are_fetched_once(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    mirror = Mirror(monkeypatch, b"package")
    (place,) = packages.ensure(quiet).values()
    assert place.read_bytes() == b"package"
    packages.ensure(quiet)
    assert mirror.asked == 1
    assert [path.name for path in (cache / "built").iterdir()] == [packages.folder().name]


def test_a_package_that_is_not_the_pinned_one_is_told_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    Mirror(monkeypatch, b"another one")
    said: list[str] = []
    assert packages.ensure(said.append) == {}
    assert "keyutils: pinned is sha256" in said[-1]
    assert "will download them when it needs them" in said[-1]
    assert list((cache / "built").iterdir()) == []


def test_what_is_there_is_not_built_again(kitchen: Kitchen) -> None:
    first = artifacts.ensure(quiet)
    assert artifacts.ensure(quiet) == first
    assert kitchen.built == ["etcd", "root"]


def test_other_inputs_make_another_folder_and_the_old_one_stays(kitchen: Kitchen) -> None:
    first = artifacts.ensure(quiet)
    before = (first / "artifacts.lock").read_text()
    kitchen.content = b"two"
    second = artifacts.ensure(quiet)
    assert second != first and kitchen.built == ["etcd", "root"] * 2
    assert (first / "artifacts.lock").read_text() == before


def test_the_machines_image_is_built_only_when_asked_for_and_then_stays(kitchen: Kitchen) -> None:
    artifacts.ensure(quiet)
    assert "debian-cloud-image" not in kitchen.built
    folder = artifacts.ensure(quiet, vm=True)
    assert artifacts.ensure(quiet) == folder
    lock = read_lock(folder / "artifacts.lock")
    assert lock.find("debian-cloud-image", machine.arch(), origin=Origin.BUILT) is not None


def test_what_kubernetes_needs_is_built_only_when_asked_for_and_then_stays(kitchen: Kitchen) -> None:
    artifacts.ensure(quiet)
    assert "k3s-airgap-images" not in kitchen.built
    folder = artifacts.ensure(quiet, kubernetes=True)
    assert artifacts.ensure(quiet) == folder
    assert kitchen.built.count("k3s-airgap-images") == 1
    lock = read_lock(folder / "artifacts.lock")
    for name in release.NAMES:
        assert lock.find(name, machine.arch(), K3S_VERSION, origin=Origin.BUILT) is not None
    assert "lab-app-images" not in kitchen.built
    assert artifacts.ensure(quiet, kubernetes=True, apps=True) != folder
    assert kitchen.built.count("lab-app-images") == 1


def test_what_is_built_for_kubernetes_is_told_before_with_what_it_costs(kitchen: Kitchen) -> None:
    said: list[str] = []
    artifacts.ensure(said.append, kubernetes=True)
    assert "k3s, k3s-airgap-images" in said[0]
    assert "10 minutes" in said[0] and "--no-kubernetes" in said[0]
    said.clear()
    artifacts.ensure(said.append, kubernetes=True)
    assert said == []


def test_kubernetes_is_refused_at_once_where_it_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_build, "compiler", lambda: "")
    go_build.compiler_version.cache_clear()
    with pytest.raises(LabError, match="cannot be built here") as refused:
        artifacts.cluster_recipes(kubernetes=True, apps=False, published=False)
    assert any("--no-kubernetes" in way for way in refused.value.do)
    assert artifacts.cluster_recipes(kubernetes=False, apps=False, published=False) == ((), ())
    assert artifacts.cluster_recipes(kubernetes=True, apps=False, published=True) == ((), ())


def test_a_lab_that_cannot_build_kubernetes_says_so_before_it_does_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(go_build, "compiler", lambda: "")
    go_build.compiler_version.cache_clear()
    monkeypatch.setattr(daemon, "ensure", lambda _store: pytest.fail("Docker was asked"))
    with pytest.raises(LabError) as refused:
        lifecycle.up(Store(tmp_path / "lab"), quiet, kubernetes=True, fetch=Web(brings=False))
    assert_explained(refused.value, exit_code=ExitCode.FAILED, do="wizard lab up --no-kubernetes")


def test_a_folder_that_is_named_for_k3s_is_looked_at_first(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir")
    commands.configure(parser)
    words = ["--dir", str(tmp_path / "lab"), "up", "--artifacts", str(tmp_path)]
    with pytest.raises(UsageError) as refused:
        commands.run(parser.parse_args(words))
    assert_explained(refused.value, exit_code=ExitCode.BAD_SPEC, do=f"wizard artifacts fetch {tmp_path}")
    assert not (tmp_path / "lab").exists()


def a_release(folder: Path, **changes: str) -> Path:
    """A folder as `wizard artifacts fetch` leaves it, with two small files as K3s's release."""
    folder.mkdir(parents=True)
    entries = []
    for name in release.NAMES:
        (folder / f"{name}.real").write_bytes(name.encode())
        entry = {
            "name": name,
            "version": K3S_VERSION,
            "arch": machine.arch(),
            "file": f"{name}.real",
            "origin": "publisher",
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
        }
        entries.append({**entry, **changes})
    (folder / "artifacts.lock").write_text(artifacts.lock_text(entries))
    return folder


def test_the_release_takes_the_place_of_what_would_be_built(kitchen: Kitchen, tmp_path: Path) -> None:
    published = release.named(a_release(tmp_path / "usb"))
    folder = artifacts.ensure(quiet, kubernetes=True, published=published)
    assert not {"k3s", "k3s-airgap-images"} & set(kitchen.built)
    lock = read_lock(folder / "artifacts.lock")
    for name in release.NAMES:
        entry = lock.find(name, machine.arch(), K3S_VERSION)
        assert entry is not None and entry.origin is Origin.PUBLISHER
        assert (folder / entry.file).read_bytes() == name.encode()
    assert artifacts.ensure(quiet, kubernetes=True, published=published) == folder


@pytest.mark.parametrize(
    "changes", [{"version": "v1.0.0+k3s1"}, {"arch": "s390x"}, {"origin": "built"}, {"sha256": "0" * 64}]
)
def test_a_folder_without_the_whole_release_is_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    folder = a_release(tmp_path / "usb", **changes)
    assert release.find(folder) == ()
    with pytest.raises(UsageError) as refused:
        release.named(folder)
    assert_explained(refused.value, exit_code=ExitCode.BAD_SPEC, do=f"wizard artifacts fetch {folder}")


class Web:
    """A download of the release that brings it or fails, and counts."""

    def __init__(self, *, brings: bool) -> None:
        self.brings, self.asked = brings, 0

    def __call__(self, folder: Path, names: tuple[str, ...], arch: str, _say: Say) -> bool:
        assert (names, arch) == (release.NAMES, machine.arch())
        self.asked += 1
        if self.brings:
            a_release(folder)
        return self.brings


def test_the_release_is_fetched_where_nothing_was_built_before(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(k3s, "recipe", lambda: kitchen.recipe("k3s", K3S_VERSION))
    dead, alive = Web(brings=False), Web(brings=True)
    assert release.choose("", quiet, dead) == ()
    assert [one.entry["name"] for one in release.choose("", quiet, alive)] == list(release.NAMES)
    assert len(release.choose("", quiet, alive)) == 2
    assert (dead.asked, alive.asked) == (1, 1)


def test_a_release_that_was_taken_away_is_told_and_others_are_looked_for(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(k3s, "recipe", lambda: kitchen.recipe("k3s", K3S_VERSION))
    folder, said = a_release(tmp_path / "usb"), list[str]()
    assert len(release.choose(str(folder), said.append, None)) == 2
    (folder / "artifacts.lock").unlink()
    assert release.choose(str(folder), said.append, None) == ()
    assert said[-1].endswith(f"is not in {folder} any more")
    assert len(release.choose(str(folder), quiet, Web(brings=True))) == 2


def test_what_was_built_is_not_replaced_by_a_download(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(k3s, "recipe", lambda: kitchen.recipe("k3s", K3S_VERSION))
    artifacts.ensure(quiet, kubernetes=True)
    web = Web(brings=True)
    assert release.choose("", quiet, web) == ()
    assert web.asked == 0


def test_status_says_which_k3s_the_lab_would_install(kitchen: Kitchen, tmp_path: Path) -> None:
    store = Store(tmp_path / "lab", chose="cgroup v2")
    assert "k3s: none" in report.as_text(store, [])
    assert "storage:" not in report.as_text(store, [])
    store.artifacts = str(artifacts.ensure(quiet, kubernetes=True))
    assert "the lab's stand-in" in report.as_text(store, [])
    assert "charts by the real helm-controller with a job image of the lab's" in report.as_text(store, [])
    assert "stand in for Longhorn's volumes" in report.as_text(store, [])
    store.artifacts = str(artifacts.ensure(quiet, published=release.named(a_release(tmp_path / "usb"))))
    assert "its publisher's release" in report.as_text(store, [])
    assert json.loads(report.as_json(store, []))["k3s"] == "publisher"


def test_a_built_image_stands_for_the_catalogs_only_where_built_ones_are_accepted(kitchen: Kitchen) -> None:
    from wizard.artifacts.catalog import load_catalog
    from wizard.artifacts.lock import Lock

    folder = artifacts.ensure(quiet, vm=True)
    accepting = Resolver(load_catalog(), Lock(Path()), folder=folder, accept_built=True)
    assert accepting.resolve("debian-cloud-image", machine.arch()).origin is Origin.BUILT
    assert accepting.resolve("etcd", machine.arch(), "3.6.14").path == folder / "etcd.tar.gz"


def test_a_build_that_failed_leaves_nothing_that_looks_whole(
    kitchen: Kitchen, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burn(out: Path, _say: Say) -> None:
        out.write_bytes(b"half")
        raise LabError("burnt", where="here", why="heat", do="again")

    bad = Recipe("root", "root.tar.gz", ("bad",), "costs", burn)
    monkeypatch.setattr(artifacts, "recipes", lambda: (bad,))
    with pytest.raises(LabError, match="burnt"):
        artifacts.ensure(quiet)
    assert [path for path in cache.rglob("*") if path.is_file() and path.name != "build.lock"] == []


def test_purge_removes_what_was_built(kitchen: Kitchen, cache: Path) -> None:
    artifacts.ensure(quiet)
    artifacts.remove()
    assert [path.name for path in cache.iterdir()] == ["build.lock"]


def test_without_go_the_lab_says_that_etcd_has_to_be_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_build, "compiler", lambda: "")
    assert [recipe.name for recipe in artifacts.recipes()] == ["lxc-guest-root"]
    with pytest.raises(LabError, match="cannot be built here") as refused:
        etcd.recipe()
    assert "go.dev" in refused.value.do[0]


def test_the_pinned_etcd_is_the_one_in_go_mod() -> None:
    modules = asset_text("lab/etcd/go.mod")
    for module in etcd.PROGRAMS.values():
        assert f"go.etcd.io/etcd/{module}/v3 v{etcd.VERSION} " in modules
    assert etcd.VERSION == spec.ETCD_VERSION


def test_etcd_is_packed_as_its_publisher_packs_it_and_always_the_same(tmp_path: Path) -> None:
    for program in etcd.PROGRAMS:
        (tmp_path / program).write_bytes(program.encode())
    first, second = tmp_path / "1.tar.gz", tmp_path / "2.tar.gz"
    etcd._pack(tmp_path, first)
    etcd._pack(tmp_path, second)
    assert first.read_bytes() == second.read_bytes()
    folder = f"etcd-v3.6.14-linux-{machine.arch()}"
    with tarfile.open(first) as tar:
        assert tar.getnames() == [folder, f"{folder}/etcd", f"{folder}/etcdctl", f"{folder}/etcdutl"]
        assert all(entry.mode == 0o755 for entry in tar)


def exported(tmp_path: Path) -> Path:
    path = tmp_path / "export.tar"
    with tarfile.open(path, "w") as tar:
        for name in (
            ".dockerenv",
            "dev/console",
            "etc/hosts",
            "etc/hostname",
            "etc/resolv.conf",
            "etc/passwd",
        ):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"host"))
        link = tarfile.TarInfo("bin")
        link.type, link.linkname = tarfile.SYMTYPE, "usr/bin"
        tar.addfile(link)
    return path


def test_nothing_of_docker_is_left_in_a_guests_root(tmp_path: Path) -> None:
    guest.clean(exported(tmp_path), tmp_path / "root.tar")
    with tarfile.open(tmp_path / "root.tar") as tar:
        kinds = {entry.name: entry for entry in tar}
        passwd = tar.extractfile("etc/passwd")
        assert passwd is not None and passwd.read() == b"host"
    assert ".dockerenv" not in kinds and "dev/console" not in kinds
    assert kinds["dev"].isdir() and kinds["bin"].linkname == "usr/bin"
    assert kinds["etc/resolv.conf"].linkname == "../run/systemd/resolve/stub-resolv.conf"


def test_a_guests_root_holds_no_program_of_the_cluster() -> None:
    ours = {"etcd-server", "etcd-client", "chrony", "open-iscsi", "keepalived", "docker.io", "containerd"}
    assert not ours & set(images.packages("guest"))
    assert set(images.packages("guest")) < set(images.packages("vm"))


def test_packages_for_another_processor_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "arch", lambda: "arm64")
    assert "qemu-system-arm" in images.packages("hypervisor")
    assert "qemu-system-x86" not in images.packages("hypervisor")


def test_the_spec_names_the_folder_and_six_guests(tmp_path: Path) -> None:
    store = Store(tmp_path, subnet="10.213.77.0/24", artifacts="/var/cache/lab/artifacts-1")
    cluster, problems = parse_spec(spec.spec(store), source="cluster.yaml")
    assert problems == () and cluster is not None
    assert (cluster.artifacts.accept_built, cluster.artifacts.dir) == (True, "/var/cache/lab/artifacts-1")
    places = {guest.name: (guest.host, str(guest.address)) for guest in cluster.machines}
    assert places == {
        "etcd-a": ("tower-a", "10.213.77.31"),
        "etcd-b": ("tower-b", "10.213.77.32"),
        "server-a": ("tower-a", "10.213.77.41"),
        "server-b": ("tower-b", "10.213.77.42"),
        "storage-a": ("tower-a", "10.213.77.51"),
        "storage-b": ("tower-b", "10.213.77.52"),
    }
    assert {guest.role for guest in cluster.machines if guest.data_disk} == {"etcd", "storage"}
