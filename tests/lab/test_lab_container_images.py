"""Container images for the lab, without a daemon or a compiler: what is in them, and that it stays the same."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from wizard.core.resources import asset_text
from wizard.lab import container_images, debian_root, go_build, image_archive, kubernetes, machine, spec
from wizard.lab.container_images import APPS, CLUSTER, METALLB, Image
from wizard.lab.image_archive import Runs

ALL = (*CLUSTER, *METALLB, *APPS)


def quiet(_text: str) -> None:
    return


@pytest.fixture(autouse=True)
def without_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is its package's name; a root is one file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(go_build, "compiler_version", lambda: "go1.26.8")

    def compiled(folder: str, package: str, out: Path) -> None:
        out.write_text(f"{folder} {package}")

    def unpacked(packages: tuple[str, ...], out: Path) -> None:
        with image_archive.layer(out) as tar:
            image_archive.add_file(tar, "usr/bin/first", packages[0].encode(), 0o755)
            image_archive.add_folder(tar, "run")

    monkeypatch.setattr(go_build, "compile_program", compiled)
    monkeypatch.setattr(debian_root, "unpack", unpacked)


def built(image: Image, out: Path) -> Path:
    container_images.recipe(image).build(out, quiet)
    return out


def opened(archive: Path) -> tuple[dict[str, object], tarfile.TarFile]:
    """The configuration of the one image in an archive, and its layer."""
    with tarfile.open(archive) as tar:
        row = json.loads(read(tar, "manifest.json"))[0]
        config = json.loads(read(tar, row["Config"]))
        layer = read(tar, row["Layers"][0])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    return config, tarfile.open(fileobj=io.BytesIO(layer))


def read(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    assert content is not None, name
    return content.read()


@pytest.mark.parametrize("image", ALL, ids=lambda image: image.short)
def test_an_image_holds_what_it_starts_and_is_the_same_when_made_again(image: Image, tmp_path: Path) -> None:
    first, second = built(image, tmp_path / "1.tar"), built(image, tmp_path / "2.tar")
    assert first.read_bytes() == second.read_bytes()
    assert image_archive.names_in(first) == (image.name,)
    config, layer = opened(first)
    assert (config["architecture"], config["os"]) == (machine.arch(), "linux")
    program = image.runs.entry[0].removeprefix("/")
    if not program.startswith("usr/sbin/"):  # nginx comes with its package
        assert layer.getmember(program).mode == 0o755
    assert {(entry.mtime, entry.uname) for entry in layer} == {(0, "")}
    names = layer.getnames()
    assert len(names) == len(set(names)), "no runtime takes a file twice"


def test_the_kubelet_can_tell_that_helms_jobs_are_not_root() -> None:
    helm = next(image for image in CLUSTER if image.short == "klipper-helm")
    assert helm.runs.user.isdigit() and helm.runs.user != "0"
    assert {owner for name, _, owner in helm.folders if name.startswith("home/")} == {int(helm.runs.user)}


def test_one_archive_holds_several_images_and_is_compressed(tmp_path: Path) -> None:
    recipe = kubernetes.archive("metallb-images", METALLB, "0.15.2")
    recipe.build(tmp_path / "1.tar.gz", quiet)
    recipe.build(tmp_path / "2.tar.gz", quiet)
    content = (tmp_path / "1.tar.gz").read_bytes()
    assert content == (tmp_path / "2.tar.gz").read_bytes() and content[:2] == b"\x1f\x8b"
    assert image_archive.names_in(tmp_path / "1.tar.gz") == tuple(image.name for image in METALLB)


def test_the_air_gap_file_is_named_as_k3s_names_it() -> None:
    recipe = next(one for one in kubernetes.recipes() if one.name == "k3s-airgap-images")
    assert recipe.file == f"k3s-airgap-images-{machine.arch()}.tar.gz"
    assert recipe.version == spec.K3S_VERSION


def test_another_compiler_source_or_base_makes_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = CLUSTER[0]
    before = container_images.recipe(pause).key
    monkeypatch.setattr(go_build, "compiler_version", lambda: "go1.27.0")
    assert container_images.recipe(pause).key != before
    plain = Image("a/b:1", Runs(("/b",)), packages=("nginx",))
    assert (
        container_images.recipe(plain).key
        != container_images.recipe(Image("a/b:1", Runs(("/b",)), packages=("nginx", "dash"))).key
    )


def test_every_module_is_bound_by_its_go_sum() -> None:
    for folder in {image.module for image in ALL if image.module} | {"helm-controller"}:
        modules = asset_text(f"lab/images/{folder}/go.mod")
        if "require" in modules:
            assert asset_text(f"lab/images/{folder}/go.sum"), folder
        assert "replace" not in modules, folder


def test_the_pinned_versions_are_those_in_go_mod() -> None:
    assert f"go.universe.tf/metallb v{container_images.METALLB_VERSION}" in asset_text(
        "lab/images/metallb/go.mod"
    )
    controller = asset_text("lab/images/helm-controller/go.mod")
    assert f"github.com/k3s-io/helm-controller v{kubernetes.HELM_CONTROLLER_VERSION}" in controller
    coredns = next(image for image in CLUSTER if "coredns" in image.short)
    assert f"coredns/coredns v{coredns.name.rsplit(':', 1)[1]}" in asset_text("lab/images/coredns/go.mod")


def test_a_root_loses_what_no_program_reads_and_gets_its_users(tmp_path: Path) -> None:
    raw = tmp_path / "raw.tar"
    with tarfile.open(raw, "w") as tar:
        for name in (
            "./usr/bin/redis-server",
            "./usr/share/doc/redis/copyright",
            "./var/lib/dpkg/status",
            "./tmp",
        ):
            entry = tarfile.TarInfo(name)
            entry.mtime, entry.size, entry.mode = 1234567890, 4, 0o755
            tar.addfile(entry, io.BytesIO(b"text"))
        device = tarfile.TarInfo("./dev/null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
        link = tarfile.TarInfo("./bin")
        link.type, link.linkname = tarfile.SYMTYPE, "usr/bin"
        tar.addfile(link)
    debian_root.slim(raw, tmp_path / "root.tar")
    with tarfile.open(tmp_path / "root.tar") as tar:
        kinds = {entry.name: entry for entry in tar}
        accounts = read(tar, "etc/passwd").decode()
    links = {"bin", "lib", "lib64", "sbin"}
    assert set(kinds) == {"usr/bin/redis-server", "etc/passwd", "etc/group", "etc/hostname", "tmp"} | links
    assert {kinds[name].linkname for name in links} == {f"usr/{name}" for name in links}
    assert kinds["usr/bin/redis-server"].mtime == 0
    assert "redis:x:999:999:" in accounts
