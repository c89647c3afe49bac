"""The lab's stand-in for K3s: upstream Kubernetes and Debian's containerd as one binary, built only when asked for."""

from __future__ import annotations

import gzip
import hashlib
import io
import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from wizard.core.resources import asset_text
from wizard.lab import charts, debian_root, go_build, kubernetes, machine
from wizard.lab.artifacts import Recipe, make
from wizard.lab.images import SUITE, Say
from wizard.lab.spec import K3S_VERSION as VERSION

FOLDER = "lab/k3s"
"""Its Go module, under `assets/`."""

PACKAGES = ("containerd", "runc", "containernetworking-plugins", "iptables")
"""The Debian packages that it carries programs of."""

PROGRAMS = {
    "containerd": "usr/bin/containerd",
    "containerd-shim-runc-v2": "usr/bin/containerd-shim-runc-v2",
    "ctr": "usr/bin/ctr",
    "runc": "usr/sbin/runc",
    **{name: f"usr/lib/cni/{name}" for name in ("bridge", "host-local", "loopback", "portmap")},
}
"""What lies in its `bin` folder, by the path in the packages."""

TABLES = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")
"""Names under which hosts without iptables find ours."""

LIBRARIES = ("libxtables.so.12", "libmnl.so.0", "libnftnl.so.11")
"""What our iptables needs beside the C library."""

BUILD_SECONDS = 2400.0
"""Deadline of the build: six minutes cold on two free cores, far more where they are shared."""

_PAYLOAD = "internal/payload/payload.tar.gz"
_MANIFESTS = "internal/deploy/manifests"
_SOURCES = (".go", ".mod", ".sum", ".tsv", ".yaml")
_EXTENSIONS = ("libxt_", "libipt_", "libip6t_")


def recipe() -> Recipe:
    """How the binary is made; the real release in `--artifacts` takes its place.

    Raises:
        LabError: there is no Go.
    """
    made_of = [VERSION, SUITE, *PACKAGES, go_build.compiler_version(), asset_text(f"{FOLDER}/iptables.sh")]
    made_of += [kubernetes.helm_controller().key, charts.traefik_manifest()]
    made_of += [f"{path}\n{text}" for path, text in _sources() if not path.endswith("_test.go")]
    return Recipe(
        name="k3s",
        file="k3s" if machine.arch() == "amd64" else f"k3s-{machine.arch()}",
        inputs=tuple(made_of),
        costs="Kubernetes from its Go modules and containerd from Debian (6 min or more; 1 min where Go has a cache)",
        build=_build,
        version=VERSION,
    )


def _build(out: Path, say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-k3s.", dir=out.parent) as scratch:
        source, root = Path(scratch, "source"), Path(scratch, "root.tar")
        for path, text in (*_sources(), (f"{_MANIFESTS}/traefik.yaml", charts.traefik_manifest())):
            place = source / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        helm = make(kubernetes.helm_controller(), say)
        say("artifact k3s: containerd, runc and iptables of Debian packages")
        debian_root.unpack(PACKAGES, root)
        payload(root, helm, source / _PAYLOAD)
        say("artifact k3s: compiling Kubernetes")
        _compile(source, Path(scratch, "k3s"))
        shutil.move(Path(scratch, "k3s"), out)


def _compile(source: Path, out: Path) -> None:
    with (source / _PAYLOAD).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stamps = {
        "main.version": VERSION,
        "k8s.io/component-base/version.gitVersion": VERSION,
        "homelab.arpa/lab/k3s/internal/payload.digest": digest,
    }
    flags = " ".join(("-s -w", *(f"-X {name}={value}" for name, value in stamps.items())))
    go_build.build(
        source,
        ".",
        out,
        what=f"The lab's K3s {VERSION}",
        where=f"go build in assets/{FOLDER}",
        again="wizard lab artifacts --kubernetes",
        flags=flags,
        tags="payload",
        seconds=BUILD_SECONDS,
    )


def payload(root: Path, helm: Path, out: Path) -> None:
    """Pack what the binary unpacks on a node: programs, and iptables with its libraries beside it.

    Args:
        root: tar of the Debian packages' files.
        helm: the Helm controller, which runs beside the server.
        out: the archive to write; the same for the same packages.
    """
    with (
        tarfile.open(root) as packages,
        out.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, content in (*_members(packages), ("bin/helm-controller", helm.read_bytes())):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))


def _members(packages: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    entries = {entry.name: entry for entry in packages}
    triplet = "x86_64-linux-gnu" if machine.arch() == "amd64" else "aarch64-linux-gnu"
    for name, path in PROGRAMS.items():
        yield f"bin/{name}", _content(packages, entries, path)
    for name in TABLES:
        yield f"bin/aux/{name}", asset_text(f"{FOLDER}/iptables.sh").encode()
    yield "libexec/xtables-nft-multi", _content(packages, entries, "usr/sbin/xtables-nft-multi")
    for name in LIBRARIES:
        yield f"lib/{name}", _content(packages, entries, f"usr/lib/{triplet}/{name}")
    folder = f"usr/lib/{triplet}/xtables/"
    for path in sorted(entries):
        if path.startswith(tuple(folder + start for start in _EXTENSIONS)):
            yield f"lib/xtables/{path.removeprefix(folder)}", _content(packages, entries, path)


def _content(packages: tarfile.TarFile, entries: dict[str, tarfile.TarInfo], path: str) -> bytes:
    entry = entries[path]
    while entry.issym():
        entry = entries[posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), entry.linkname))]
    file = packages.extractfile(entry)
    assert file is not None, path  # a regular file or a hard link to one
    return file.read()


def _sources() -> list[tuple[str, str]]:
    return sorted(_walk(files("assets").joinpath(FOLDER), ""))


def _walk(place: Traversable, before: str) -> Iterator[tuple[str, str]]:
    for entry in place.iterdir():
        path = f"{before}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{path}/")
        elif path.endswith(_SOURCES):
            yield path, entry.read_text(encoding="utf-8")
