"""The container images of the lab's Kubernetes: which there are, and how each is made."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.lab import debian_root, go_build, image_archive
from wizard.lab.artifacts import Recipe, make
from wizard.lab.image_archive import Runs
from wizard.lab.images import SUITE, Say

FOLDER = "lab/images"
"""Where recipes lie under `assets/`: a Go module, or scripts, for each image."""

RECIPE = "3"
"""Goes up when this code makes other images of the same inputs."""

METALLB_VERSION = "0.15.2"
"""The newest whose modules can all be had; 0.16 serves the same resources."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image."""

    name: str
    """With registry and tag: what manifests ask for."""
    runs: Runs
    module: str = ""
    """Folder of its Go module under FOLDER; empty = no program of ours in it."""
    programs: tuple[tuple[str, str], ...] = ()
    """Package to build, and its place in the image."""
    packages: tuple[str, ...] = ()
    """Debian packages it is a root of; none = it holds its programs only."""
    scripts: tuple[tuple[str, str], ...] = ()
    """Asset under FOLDER, and its place in the image."""
    folders: tuple[tuple[str, int, int], ...] = ()
    """Name, mode and owner of folders it needs."""

    @property
    def short(self) -> str:
        """Its name without registry and tag."""
        return self.name.rsplit("/", 1)[-1].split(":")[0]

    @property
    def own(self) -> set[str]:
        """What the lab lays into it, in place of what its packages may bring."""
        placed = (*self.programs, *self.scripts)
        return {place for _, place in placed} | {name for name, _, _ in self.folders}


_SHELL = ("dash", "coreutils")
_NGINX = ("nginx", *_SHELL)

_HOME = "home/klipper-helm"

CLUSTER = (
    Image(
        "docker.io/rancher/mirrored-pause:3.10.2",
        Runs(("/pause",), user="65535:65535"),
        module="pause",
        programs=((".", "pause"),),
    ),
    Image(
        "docker.io/rancher/mirrored-coredns-coredns:1.14.6",
        Runs(("/coredns",), ports=(53,)),
        module="coredns",
        programs=((".", "coredns"),),
    ),
    Image(
        "docker.io/rancher/klipper-helm:v0.13.3-build20260727",
        Runs(("/usr/bin/entry",), user="1000", environment=(f"HOME=/{_HOME}",), folder="/tmp"),  # noqa: S108
        module="helm",
        programs=((".", "usr/bin/entry"), ("helm.sh/helm/v3/cmd/helm", "usr/local/bin/helm")),
        folders=(
            ("tmp", 0o1777, 0),
            *((f"{_HOME}{below}", 0o755, 1000) for below in ("", "/.helm", "/.cache", "/.config")),
        ),
    ),
    Image(
        "docker.io/rancher/mirrored-library-traefik:3.7.8",
        Runs(("/usr/local/bin/ingress",), user="65534", ports=(8000, 8443, 9000)),
        module="equipment",
        programs=(("./ingress", "usr/local/bin/ingress"),),
        packages=_NGINX,
    ),
)
"""What K3s's own air-gap file holds, as far as the lab has it, under the names of 1.36.4.

Traefik, CoreDNS and helm-controller: the table of github.com/k3s-io/k3s/releases/tag/v1.36.4+k3s1. Pause: changed in 1.36.3
(k3s#14389). The helm job: changed with helm-controller 0.17.7 of 2026-07-27 in 1.36.3 (k3s#14475), and still so in the list
of 1.37.1; the list of 1.36.4 itself was not to be had.
"""

METALLB = tuple(
    Image(
        f"quay.io/metallb/{program}:v{METALLB_VERSION}",
        Runs((f"/{program}",)),
        module="metallb",
        programs=((f"go.universe.tf/metallb/{program}", program),),
    )
    for program in ("controller", "speaker")
)

APPS = (
    Image(
        "docker.io/library/mariadb:11.8",
        Runs(("/usr/local/bin/entry",), ("mariadbd",), ports=(3306,), volumes=("/var/lib/mysql",)),
        packages=("mariadb-server-core", "mariadb-client-core", "mariadb-common", *_SHELL, "sed", "grep"),
        scripts=(
            ("mariadb/entry.sh", "usr/local/bin/entry"),
            ("mariadb/healthcheck.sh", "usr/local/bin/healthcheck.sh"),
        ),
        folders=(("run/mysqld", 0o777, 999), ("var/lib/mysql", 0o755, 999), ("var/log/mysql", 0o755, 999)),
    ),
    Image(
        "docker.io/library/redis:8.0",
        Runs(("/usr/local/bin/entry",), ("redis-server",), user="999", folder="/data", ports=(6379,)),
        packages=("redis-server", "redis-tools", *_SHELL),
        scripts=(("redis/entry.sh", "usr/local/bin/entry"),),
        folders=(("data", 0o755, 999),),
    ),
    Image(
        "docker.io/library/nginx:1.26",
        Runs(("/usr/sbin/nginx", "-g", "daemon off;"), ports=(80,)),
        packages=_NGINX,
        folders=(("run", 0o755, 0), ("var/log/nginx", 0o755, 33)),
    ),
    Image(
        "homelab.arpa/lab/probe:1",
        Runs(("/probe",), ports=(80,)),
        module="probe",
        programs=((".", "probe"),),
        folders=(("tmp", 0o1777, 0),),
    ),
    Image(
        "homelab.arpa/lab/storage:1",
        Runs(("/storage",)),
        module="equipment",
        programs=(("./storage", "storage"),),
    ),
)
"""What runs on the cluster: databases of Debian packages, the lab's application and its storage equipment."""


def recipe(image: Image) -> Recipe:
    """How one image is made; it is kept by itself, so that a change of one makes no other anew."""
    made_of = [RECIPE, repr(image)]
    if image.module:
        made_of += go_build.inputs(f"{FOLDER}/{image.module}")
    if image.packages:
        made_of += _root(image.packages).inputs
    made_of += (asset_text(f"{FOLDER}/{script}") for script, _ in image.scripts)

    def build(out: Path, say: Say) -> None:
        _build(image, out, say)

    costs = f"the image {image.name}, from " + (
        f"{len(image.packages)} Debian packages (10-30 s)" if image.packages else "its Go module"
    )
    return Recipe(f"image-{image.short}", f"{image.short}.tar", tuple(made_of), costs, build)


def _root(packages: tuple[str, ...]) -> Recipe:
    """The unpacked packages: two images may be made of the same ones."""

    def build(out: Path, _say: Say) -> None:
        debian_root.unpack(packages, out)

    costs = f"unpacking {', '.join(packages[:2])} ... (10-30 s)"
    return Recipe(f"root-{packages[0]}", "root.tar", (debian_root.RECIPE, SUITE, *packages), costs, build)


def _build(image: Image, out: Path, say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-image.", dir=out.parent) as scratch:
        content = Path(scratch, "layer.tar")
        with image_archive.layer(content) as tar:
            if image.packages:
                _copy(make(_root(image.packages), say), tar, image.own)
            for name, mode, owner in image.folders:
                image_archive.add_folder(tar, name, mode, owner)
            for script, place in image.scripts:
                image_archive.add_file(tar, place, asset_text(f"{FOLDER}/{script}").encode(), 0o755)
            for number, (package, place) in enumerate(image.programs):
                program = Path(scratch, f"program-{number}")
                go_build.compile_program(f"{FOLDER}/{image.module}", package, program)
                image_archive.add_file(tar, place, program.read_bytes(), 0o755)
        image_archive.write_image(image.name, image.runs, content, out)


def _copy(root: Path, tar: tarfile.TarFile, own: set[str]) -> None:
    with tarfile.open(root) as source:
        for entry in source:
            if entry.name in own:  # no archive may name a file twice
                continue
            tar.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
