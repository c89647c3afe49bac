"""The mount table and the space on local file systems."""

from __future__ import annotations

import re

from steps.parse.sections import Sections
from steps.parse.values import number
from wizard.core.dataclass import dataclass
from wizard.core.facts import Disk, Filesystem
from wizard.core.text import printable

_MOUNT_COLUMNS = 4
"""Source, mount point, type, options: what we need of a line of /proc/mounts."""
_STATFS_COLUMNS = 6
_OCTAL = re.compile(r"\\([0-7]{3})")
_INJECTED = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
"""Files a container manager binds into a container: no place anything of ours lies."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/mounts."""

    source: str
    path: str
    fstype: str
    read_only: bool

    @property
    def device(self) -> str:
        """The kernel's or the mapper's name of the source."""
        return self.source.removeprefix("/dev/").removeprefix("mapper/")


def mount_table(lines: tuple[str, ...]) -> tuple[Mount, ...]:
    """The mount table, in the order things were mounted.

    Args:
        lines: of /proc/mounts.
    """
    rows = [line.split(" ") for line in lines]
    found = [
        Mount(_decoded(row[0]), _decoded(row[1]), row[2], "ro" in row[3].split(","))
        for row in rows
        if len(row) >= _MOUNT_COLUMNS
    ]
    return tuple(mount for mount in found if mount.path not in _INJECTED)


def _decoded(text: str) -> str:
    return _OCTAL.sub(lambda found: printable(chr(int(found[1], 8))), text)


def above(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount that carries a path: the longest mount point above it, of two equal ones the later."""
    best: Mount | None = None
    for mount in mounts:
        inside = path == mount.path or path.startswith(mount.path.rstrip("/") + "/")
        if inside and (best is None or len(mount.path) >= len(best.path)):
            best = mount
    return best


def filesystems(
    sections: Sections, mounts: tuple[Mount, ...], disks: tuple[Disk, ...]
) -> tuple[Filesystem, ...]:
    """Space on local file systems, each with the physical devices below it.

    Args:
        sections: the facts script's answer.
        mounts: the mount table.
        disks: the physical devices with their mount points.
    """
    by_path = {mount.path: mount for mount in mounts}
    space = [*_statfs(sections.lines("statfs")), *_df(sections.lines("df"))]
    known = {found.mount for found in space}
    if "/" in by_path and "/" not in known:
        space.append(Filesystem("/"))
    return tuple(_joined(found, by_path.get(found.mount), disks) for found in space)


def _joined(space: Filesystem, mount: Mount | None, disks: tuple[Disk, ...]) -> Filesystem:
    names = tuple(disk.name for disk in disks if space.mount in disk.all_mounts)
    return Filesystem(
        mount=space.mount,
        source=mount.source if mount else "",
        fstype=mount.fstype if mount else "",
        read_only=mount.read_only if mount else False,
        size=space.size,
        free=space.free,
        inodes=space.inodes,
        inodes_free=space.inodes_free,
        disks=names,
    )


def _statfs(lines: tuple[str, ...]) -> list[Filesystem]:
    """Lines of `stat -f`: block size, blocks, free, available, inodes, free inodes, path."""
    found = []
    for line in lines:
        cells, slash, path = line.partition(" /")
        values = [number(cell) for cell in cells.split(" ")]
        if not slash or len(values) != _STATFS_COLUMNS:
            continue
        block, blocks, _, available, inodes, inodes_free = values
        if block is None or blocks is None or available is None:
            continue
        found.append(
            Filesystem(
                f"/{path}",
                size=block * blocks,
                free=block * available,
                inodes=inodes or None,
                inodes_free=inodes_free if inodes else None,
            )
        )
    return found


def _df(lines: tuple[str, ...]) -> list[Filesystem]:
    """Lines of `df -Pk`: the numbers stand before the percent sign, the path is the rest."""
    found = []
    for line in lines:
        match = re.search(r" ([0-9]{1,18}) +[0-9]+ +([0-9]{1,18}) +[0-9]+% (/.*)$", line)
        if match:
            found.append(Filesystem(match[3], size=int(match[1]) * 1024, free=int(match[2]) * 1024))
    return found
