"""The image of a virtual machine that boots by itself, in the place of Debian's cloud image."""

from __future__ import annotations

import os
from pathlib import Path

from wizard.core.resources import asset_text
from wizard.lab import guest, images, machine
from wizard.lab.artifacts import Recipe
from wizard.lab.docker import LABEL, LabError, docker, try_docker
from wizard.lab.images import Say

ARCH = "amd64"
"""The only one so far: others boot by EFI alone."""


def recipe() -> Recipe:
    """How the image is made; its name is the catalog's, which it overrides only where the spec accepts built ones."""
    return Recipe(
        name="debian-cloud-image",
        file=f"debian-13-lab-{machine.arch()}.qcow2",
        inputs=(images.tag("vm"), guest.preparation("vm"), asset_text("lab/guest/disk.sh")),
        costs="a Debian 13 with a kernel and a boot loader (1-2 min)",
        build=_build,
    )


def _build(out: Path, say: Say) -> None:
    if machine.arch() != ARCH:
        raise LabError(
            "The lab's image of a virtual machine cannot be built on this machine.",
            where=machine.arch(),
            why=f"it boots by BIOS, which only {ARCH} has",
            do="wizard artifacts fetch DIR   (Debian's own image, where it can be downloaded)",
        )
    images.ensure_one("hypervisor", say)
    root = out.with_name(f"{out.name}.tar")
    try:
        guest.build_root("vm", guest.preparation("vm"), b"", root, say)
        _disk(root, out)
    finally:
        root.unlink(missing_ok=True)


def _disk(root: Path, out: Path) -> None:
    """Make the disk in a container: it has the tools, and nothing in it needs more than Docker's usual rights."""
    name = f"{images.REPOSITORY}-disk-{os.getpid()}"
    options = ["--network", "none", "--label", f"{LABEL}=image", "--volume", "/vm"]
    try:
        docker("create", "--name", name, "-i", *options, images.tag("hypervisor"), "/bin/sh", "-s")
        docker("cp", str(root), f"{name}:/vm/root.tar", timeout=300)
        docker("start", "-ai", name, given=asset_text("lab/guest/disk.sh").encode(), timeout=600)
        docker("cp", f"{name}:/vm/disk.qcow2", str(out), timeout=300)
    finally:
        try_docker("rm", "-f", "-v", name)
