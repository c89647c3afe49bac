"""How Debian packages come to a host: those that are missing go there in one archive, and are installed from it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence

from wizard.core.context import Work
from wizard.core.host import OpStatus
from wizard.core.packages import Deb, load_packages

ARCHIVE = "/opt/wizard-packages.tar"
"""Where it lies on the host until it was used."""

INSTALL_SECONDS = 1200.0
"""Deadline of an installation: on a slow SD card a package takes seconds, and others may have dpkg before us."""

WAIT_SECONDS = 600
"""How long another package manager is waited for: the first unattended upgrade of a fresh guest takes minutes."""

SPARE_KIB = 64 * 1024
"""That stay free: logs, and what dpkg keeps of the old version."""


def install_debs(work: Work, roots: Sequence[str], debs: Sequence[Deb]) -> str:
    """Bring packages to the change's host and install them there.

    Args:
        work: of the change.
        roots: the packages that are wanted.
        debs: everything that is missing for them.

    Returns:
        What was installed, in one line.

    Raises:
        WizardError: a package cannot be had, or could not be installed.
    """
    # The archive is gone once it was used: one that is sent again to an attempt that ended would stay.
    if debs and work.host.operation(work.op).status in (OpStatus.ABSENT, OpStatus.LOST):
        content = _archive(work, debs)
        work.progress(f"sending {len(debs)} packages to {work.host_name}", None)
        work.host.put(content, ARCHIVE, mode=0o600)
    work.progress(f"installing {', '.join(roots)} on {work.host_name}", None)
    return work.run("do/packages", _args(roots, debs), timeout=INSTALL_SECONDS).splitlines()[-1]


def _args(roots: Sequence[str], debs: Sequence[Deb]) -> dict[str, str]:
    known = load_packages()
    arch = debs[0].arch if debs else "amd64"
    names = [f"{root}={known.debs[root, arch].version}" for root in roots]
    # Unpacked, and the archive and its files for a moment beside.
    need = sum(deb.installed + 2 * deb.size // 1024 for deb in debs)
    return {
        "archive": ARCHIVE,
        "names": " ".join(names),
        "units": " ".join(known.units_of(deb.name for deb in debs)),
        "need": str(need + SPARE_KIB),
        "wait": str(WAIT_SECONDS),
    }


def _archive(work: Work, debs: Sequence[Deb]) -> bytes:
    """The packages in one file: the same for the same packages, so that a broken transfer goes on where it was."""
    work.progress(f"fetching {len(debs)} packages for {work.host_name}", None)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for deb in debs:
            _, path = work.artifacts.obtain(deb.artifact, deb.arch, deb.version)
            content = path.read_bytes()
            entry = tarfile.TarInfo(deb.file)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
