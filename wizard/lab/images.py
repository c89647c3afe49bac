"""Root file systems of the hosts: made once, kept by the hash of their recipe, imported into Docker."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from wizard.core.resources import asset_text
from wizard.lab import machine
from wizard.lab.docker import LABEL, LabError, docker, names, run, try_docker
from wizard.lab.store import cache_root

Say = Callable[[str], None]
"""Tells a person what is being waited for."""

SUITE = "trixie"
"""Debian 13."""

REPOSITORY = "homelab-wizard-lab"
"""Name of our images; the tag is KIND-HASH."""

BUILD_SECONDS = 900.0
"""Deadline of one build; 75 s is usual on two cores with a near mirror."""

_SLIM = ("man", "locale", "doc", "info")
"""Folders under /usr/share that nobody reads in a container."""


def packages(kind: str) -> list[str]:
    """The Debian packages of one root file system.

    Args:
        kind: `hypervisor`, `pi`, `guest` or `vm` (a guest and what makes it boot).
    """
    parts = ("guest", "vm") if kind == "vm" else (kind,)
    lines = [line for part in parts for line in asset_text(f"lab/packages/{part}.txt").splitlines()]
    words = (line.split("#")[0].split() for line in lines)
    return [word[0] for word in words if word and word[1:] in ([], [f"[{machine.arch()}]"])]


def tag(kind: str) -> str:
    """The full name of an image; the hash in it changes with the recipe.

    Args:
        kind: `hypervisor`, `unraid`, `pi`, `guest` or `vm`.
    """
    recipe = [SUITE, *_SLIM, *packages("hypervisor" if kind == "unraid" else kind)]
    if kind == "unraid":
        recipe.append(asset_text("lab/prune-unraid.sh"))
    return f"{REPOSITORY}:{kind}-{hashlib.sha256(chr(10).join(recipe).encode()).hexdigest()[:12]}"


def ensure(say: Say) -> None:
    """Make every image that is missing.

    Raises:
        LabError: one could not be made.
    """
    _clear_left()
    for kind in ("hypervisor", "pi", "unraid"):
        ensure_one(kind, say)


def ensure_one(kind: str, say: Say) -> None:
    """Make one image where it is missing.

    Raises:
        LabError: it could not be made.
    """
    if tag(kind) in names("image"):
        return
    began = time.monotonic()
    _make(kind, say)
    say(f"image {kind}: made in {time.monotonic() - began:.0f} s")


def _clear_left() -> None:
    """Remove what a killed build left: its container, and temp files whose process is gone."""
    for name in names("container", "image"):
        if not _alive(name):
            try_docker("rm", "-f", name)
    for path in cache_root().glob(".*"):
        if not _alive(path.name.removesuffix(".tar")):
            run(["rm", "-rf", "--one-file-system", str(path)])


def _alive(name: str) -> bool:
    """Whether the process whose id a temporary name ends with is still there."""
    digits = name.replace("-", ".").rsplit(".", 1)[-1]
    return digits.isdigit() and Path(f"/proc/{digits}").exists()


def _make(kind: str, say: Say) -> None:
    if kind == "unraid":
        _derive_unraid(say)
    elif os.geteuid() == 0 and shutil.which("mmdebstrap"):
        _import(_tar(kind, say), kind, say)
    else:
        _build_by_docker(kind, say)


def _tar(kind: str, say: Say) -> Path:
    """The cached tar of a root file system, made by mmdebstrap where it is not there."""
    path = cache_root() / f"{tag(kind).split(':')[1]}.tar"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    say(
        f"image {kind}: installing {len(packages(kind))} Debian packages and what they need (mmdebstrap, 1-2 min)"
    )
    temp = path.with_name(f".{path.stem}.{os.getpid()}.tar")
    scratch = path.with_name(f".{path.stem}.{os.getpid()}")
    scratch.mkdir()
    command = [
        "env",
        f"TMPDIR={scratch}",
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(packages(kind))}",
    ]
    command += ['--aptopt=Acquire::Retries "3"', '--aptopt=APT::Install-Recommends "false"']
    command += [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _SLIM]
    try:
        done = run([*command, SUITE, str(temp)], timeout=BUILD_SECONDS)
        if done.code:
            raise _failed(kind, done.err)
        temp.rename(path)
    finally:
        temp.unlink(missing_ok=True)
        run(["rm", "-rf", "--one-file-system", str(scratch)])
    return path


def _failed(kind: str, said: str) -> LabError:
    lines = [line for line in said.strip().splitlines() if line.startswith(("E:", "W:", "Err"))]
    return LabError(
        f"The lab's root file system `{kind}` could not be made.",
        where="mmdebstrap " + SUITE,
        why=" / ".join((lines or said.strip().splitlines())[-3:]) or "it said nothing",
        do=("apt-get update   (is a Debian mirror reachable?)", "wizard lab up"),
    )


def _import(tar: Path, kind: str, say: Say) -> None:
    say(f"image {kind}: importing {tar.name}")
    label = f"LABEL {LABEL}=image"
    docker("import", "--change", label, str(tar), tag(kind), timeout=BUILD_SECONDS)


def _build_by_docker(kind: str, say: Say) -> None:
    say(f"image {kind}: building it with Docker from debian:13 (no root or no mmdebstrap here)")
    words = " ".join(packages(kind))
    options = ["--network", "host", "--label", f"{LABEL}=image", "--build-arg", f"PACKAGES={words}"]
    recipe = asset_text("lab/Dockerfile").encode()
    docker("build", *options, "-t", tag(kind), "-", given=recipe, timeout=BUILD_SECONDS)


def _derive_unraid(say: Say) -> None:
    """Prune the hypervisor in a container and flatten the result: nothing of apt is left in a lower layer."""
    say("image unraid: taking systemd, apt and Python away from the hypervisor")
    name = f"{REPOSITORY}-prune-{os.getpid()}"
    script = asset_text("lab/prune-unraid.sh").encode()
    tar = cache_root() / f".unraid.{os.getpid()}.tar"
    tar.parent.mkdir(parents=True, exist_ok=True)
    options = ["--network", "none", "--security-opt", "seccomp=unconfined", "--label", f"{LABEL}=image"]
    try:
        docker(
            "run",
            "-i",
            "--name",
            name,
            *options,
            tag("hypervisor"),
            "/bin/sh",
            "-s",
            given=script,
            timeout=300,
        )
        docker("export", "-o", str(tar), name, timeout=300)
        _import(tar, "unraid", say)
    finally:
        tar.unlink(missing_ok=True)
        try_docker("rm", "-f", name)


def remove() -> list[str]:
    """Remove our images and the cached tars of those (only `down --purge` does); what another lab's hosts use stays.

    Returns:
        What was removed.
    """
    gone = []
    for name in names("image"):
        untagged = name.startswith("<none>")
        if not untagged and try_docker("rmi", name).code == 0:  # unforced: Docker refuses what is in use
            gone.append(name)
    try_docker("image", "prune", "-f", "--filter", f"label={LABEL}")
    # The tars are shared by all labs: one whose image another lab's hosts still run on is wanted again by that lab.
    kept = {name.split(":")[-1] for name in names("image")}
    for path in cache_root().glob("*.tar"):
        if path.stem not in kept:
            path.unlink()
            gone.append(str(path))
    return gone
