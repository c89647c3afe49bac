"""How the lab's K3s is made: what goes into its key, and what it carries."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from wizard.lab import go_build, k3s, machine

needs_go = pytest.mark.skipif(not go_build.compiler(), reason="no Go on this machine")


def packages(place: Path) -> Path:
    """A tar of Debian packages' files, as far as K3s takes any."""
    triplet = "usr/lib/x86_64-linux-gnu" if machine.arch() == "amd64" else "usr/lib/aarch64-linux-gnu"
    names = [*k3s.PROGRAMS.values(), "usr/sbin/xtables-nft-multi", f"{triplet}/xtables/libxt_tcp.so"]
    names += [f"{triplet}/xtables/libarpt_mangle.so", *(f"{triplet}/{name}.9" for name in k3s.LIBRARIES)]
    with tarfile.open(place, "w") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            tar.addfile(entry, io.BytesIO(name.encode()))
        for name in k3s.LIBRARIES:
            link = tarfile.TarInfo(f"{triplet}/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"{name}.9"
            tar.addfile(link)
    return place


def test_the_payload_holds_programs_and_iptables_with_its_libraries(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    helm.write_bytes(b"helm")
    root = packages(tmp_path / "root.tar")
    for out in ("one", "two"):
        k3s.payload(root, helm, tmp_path / out)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with tarfile.open(tmp_path / "one") as tar:
        held = {entry.name: (entry.mode, tar.extractfile(entry)) for entry in tar}
    assert {f"bin/{name}" for name in k3s.PROGRAMS} <= set(held)
    assert {"bin/aux/iptables-restore", "bin/helm-controller", "lib/xtables/libxt_tcp.so"} <= set(held)
    assert "lib/xtables/libarpt_mangle.so" not in held
    with tarfile.open(tmp_path / "one") as tar:
        library = tar.extractfile(f"lib/{k3s.LIBRARIES[0]}")
        assert library is not None
        assert library.read().endswith(b".so.12.9")  # what the link leads to


@needs_go
def test_another_source_or_compiler_is_another_binary_and_its_tests_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = k3s.recipe().key
    sources = k3s._sources()
    monkeypatch.setattr(k3s, "_sources", lambda: [*sources, ("more_test.go", "package main\n")])
    assert k3s.recipe().key == key
    monkeypatch.setattr(k3s, "_sources", lambda: [*sources, ("more.go", "package main\n")])
    assert k3s.recipe().key != key
    monkeypatch.setattr(k3s, "_sources", lambda: sources)
    monkeypatch.setattr(go_build, "compiler_version", lambda: "go0")
    assert k3s.recipe().key != key
    assert k3s.recipe().version == "v1.36.4+k3s1"
