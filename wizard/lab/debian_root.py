"""Small roots of Debian packages for container images: unpacked with what they need, no script of theirs is run."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from wizard.lab import image_archive
from wizard.lab.docker import LabError, run
from wizard.lab.images import BUILD_SECONDS, SUITE

_LEFT_OUT = (
    "dev/", "etc/apt/", "etc/init.d/", "etc/logrotate.d/", "usr/include/", "usr/lib/systemd/", "usr/share/bash-completion/",
    "usr/share/doc/", "usr/share/info/", "usr/share/lintian/", "usr/share/locale/", "usr/share/man/", "var/cache/",
    "var/lib/apt/", "var/lib/dpkg/", "var/log/",
)  # fmt: skip
"""What no program in a container reads."""

RECIPE = "2"
"""Goes up when this code makes another root of the same packages."""

_MERGED = ("bin", "lib", "lib64", "sbin")
"""Links into /usr that base-files would bring: no program starts without its loader under /lib64."""

USERS = {"root": 0, "mysql": 999, "redis": 999, "www-data": 33, "nobody": 65534}
"""Who there is in these roots; packages would make them when they are installed."""


def unpack(packages: tuple[str, ...], out: Path) -> None:
    """The files of some packages and of all they depend on.

    Args:
        packages: Debian's names; essential packages are named too where they are needed.
        out: the tar to write, plain enough for a layer.

    Raises:
        LabError: it could not be made.
    """
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        raise LabError(
            "The lab's images of Debian packages cannot be made here.",
            where="this machine",
            why="mmdebstrap, and root, are needed to unpack packages",
            do=("apt-get install mmdebstrap", "sudo wizard lab artifacts --kubernetes"),
        )
    raw = out.with_name(f"{out.name}.raw.tar")  # mmdebstrap goes by the ending
    command = [
        "nice",
        "-n",
        "10",
        "mmdebstrap",
        "--quiet",
        "--variant=extract",
        f"--include={','.join(packages)}",
    ]
    command += ['--aptopt=Acquire::Retries "3"', '--aptopt=APT::Install-Recommends "false"', SUITE, str(raw)]
    try:
        done = run(command, timeout=BUILD_SECONDS)
        if done.code:
            raise LabError(
                "The lab's images of Debian packages could not be made.",
                where=f"mmdebstrap {SUITE} {' '.join(packages)}",
                why=" / ".join(done.err.strip().splitlines()[-3:]) or "it said nothing",
                do=("apt-get update   (is a Debian mirror reachable?)", "wizard lab artifacts --kubernetes"),
            )
        slim(raw, out)
    finally:
        raw.unlink(missing_ok=True)


def slim(raw: Path, out: Path) -> None:
    """Leave out what no program reads and what tells when it was made; add the users."""
    own = _accounts()
    seen = {*own, "tmp"}
    with tarfile.open(raw) as source, image_archive.layer(out) as tar:
        for entry in source:
            name = entry.name.removeprefix("./").rstrip("/")
            if not name or f"{name}/".startswith(_LEFT_OUT) or not _kept(entry) or name in seen:
                continue
            seen.add(name)
            entry.name = name
            if entry.islnk():
                entry.linkname = entry.linkname.removeprefix("./")
            tar.addfile(image_archive.plain(entry), source.extractfile(entry) if entry.isreg() else None)
        for name in _MERGED:
            if name not in seen:
                tar.addfile(_link(name))
        for name, text in own.items():
            image_archive.add_file(tar, name, text.encode())
        image_archive.add_folder(tar, "tmp", 0o1777)


def _link(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
    return image_archive.plain(entry)


def _kept(entry: tarfile.TarInfo) -> bool:
    return entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()


def _accounts() -> dict[str, str]:
    people = [f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in USERS.items()]
    groups = [f"{name}:x:{number}:\n" for name, number in USERS.items()]
    return {"etc/passwd": "".join(people), "etc/group": "".join(groups), "etc/hostname": "localhost\n"}
