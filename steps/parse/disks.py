"""Disks, what lies on them, and which physical device carries each mount point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from steps.parse.mounts import Mount, above
from steps.parse.sections import Sections
from steps.parse.values import first_json, items, mapping, number, truth, word
from wizard.core.dataclass import dataclass
from wizard.core.facts import Disk, Volume

SECTOR = 512
"""Bytes: the unit of sizes in /sys/block, whatever the disk's own sector size is."""

DEPTH_LIMIT = 16
"""No real stack of RAID, LVM and LUKS comes near; a made-up answer may not recurse for ever."""

STACK_LIMIT = 4
"""Levels of devices on devices read out of /sys, and twice as many devices on one; bounds a made-up answer."""

_NO_DISKS = ("zram", "ram", "fd", "sr", "loop")


@dataclass(frozen=True, slots=True)
class Node:
    """A block device as lsblk or /sys tells it."""

    name: str
    kname: str
    kind: str
    size: int | None = None
    fstype: str = ""
    label: str = ""
    uuid: str = ""
    mount: str = ""
    model: str = ""
    serial: str = ""
    rotational: bool | None = None
    transport: str = ""
    removable: bool | None = None
    read_only: bool | None = None
    children: tuple[Node, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """The device and everything on it, with its distance from the device."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


def disks(sections: Sections, mounts: tuple[Mount, ...]) -> tuple[Disk, ...]:
    """Every physical device with all that lies on it.

    Args:
        sections: the facts script's answer.
        mounts: the mount table, to name what lsblk does not know to be mounted.
    """
    roots = lsblk(sections.lines("lsblk")) or sysblock(sections.lines("sysblock"))
    found = _Mounted(roots, mounts)
    plain = tuple(_disk(node, found) for node in roots if _is_disk(node))
    whole = _with_unraid_array(plain, roots, found, sections)
    return _with_loops(whole, roots, found, sections, mounts)


def lsblk(lines: tuple[str, ...]) -> tuple[Node, ...]:
    """The tree that `lsblk -J -b` prints; empty where it is not one."""
    top = mapping(first_json("\n".join(lines)))
    return tuple(_nodes(top.get("blockdevices"), DEPTH_LIMIT))


def _nodes(value: object, depth: int) -> Iterator[Node]:
    for item in items(value) if depth else ():
        cells = mapping(item)
        name = word(cells.get("name"))
        if name:
            yield _node(name, cells, tuple(_nodes(cells.get("children"), depth - 1)))


def _node(name: str, cells: Mapping[str, object], children: tuple[Node, ...]) -> Node:
    return Node(
        name=name,
        kname=word(cells.get("kname")) or name,
        kind=word(cells.get("type")),
        size=number(cells.get("size")),
        fstype=word(cells.get("fstype")),
        label=word(cells.get("label")),
        uuid=word(cells.get("uuid")),
        mount=word(cells.get("mountpoint")),
        model=word(cells.get("model")),
        serial=word(cells.get("serial")),
        rotational=truth(cells.get("rota")),
        transport=word(cells.get("tran")),
        removable=truth(cells.get("rm")),
        read_only=truth(cells.get("ro")),
        children=children,
    )


def sysblock(lines: tuple[str, ...]) -> tuple[Node, ...]:
    """Devices as /sys/block tells them, where there is no lsblk: no file systems, no labels."""
    nodes: list[Node] = []
    below: dict[str, list[str]] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        value = value.strip()
        if key == "disk":
            nodes.append(Node(value, value, "disk"))
        elif nodes and key == "on":
            below.setdefault(value, []).append(nodes[-1].name)
        elif nodes:
            nodes[-1] = _told(nodes[-1], key, value)
    return _stacked(nodes, below)


def _told(node: Node, key: str, value: str) -> Node:
    match key:
        case "size":
            sectors = number(value)
            return replace(node, size=None if sectors is None else sectors * SECTOR)
        case "rotational":
            return replace(node, rotational=truth(value))
        case "removable":
            return replace(node, removable=truth(value))
        case "ro":
            return replace(node, read_only=truth(value))
        case "model":
            return replace(node, model=value)
        case "serial":
            return replace(node, serial=value)
        case "part":
            name, _, size = value.partition(" ")
            sectors = number(size)
            part = Node(name, name, "part", None if sectors is None else sectors * SECTOR)
            return replace(node, children=(*node.children, part))
        case _:
            return node


def _stacked(nodes: list[Node], below: dict[str, list[str]]) -> tuple[Node, ...]:
    """Devices that lie on others moved below them."""
    by_name = {node.name: node for node in nodes}
    upper = {name for names in below.values() for name in names}

    def with_children(node: Node, depth: int) -> Node:
        if not depth:
            return node
        own = (
            *node.children,
            *(replace(by_name[name], kind="dm") for name in below.get(node.name, ())[: 2 * STACK_LIMIT]),
        )
        return replace(node, children=tuple(with_children(child, depth - 1) for child in own))

    return tuple(with_children(node, STACK_LIMIT) for node in nodes if node.name not in upper)


def _is_disk(node: Node) -> bool:
    return node.kind == "disk" and bool(node.size) and not _unraid_array_name(node) and _real(node.name)


def _real(name: str) -> bool:
    special = name.startswith("mmcblk") and ("boot" in name or "rpmb" in name)
    return not special and not name.startswith(_NO_DISKS)


def _unraid_array_name(node: Node) -> bool:
    return node.name.startswith("md")


class _Mounted:
    """Which mount points a device carries, by all the names a device may go by."""

    def __init__(self, roots: tuple[Node, ...], mounts: tuple[Mount, ...]) -> None:
        self._by_source: dict[str, list[str]] = {}
        self._by_pool: dict[str, list[str]] = {}
        for mount in mounts:
            if mount.source.startswith("/dev/"):
                self._by_source.setdefault(mount.device, []).append(mount.path)
            elif mount.fstype == "zfs":
                self._by_pool.setdefault(mount.source.partition("/")[0], []).append(mount.path)
        self._by_uuid: dict[str, list[str]] = {}
        for node in (node for root in roots for _, node in root.walk()):
            if node.fstype == "btrfs" and node.uuid:
                self._by_uuid.setdefault(node.uuid, []).extend(self._direct(node))

    def _direct(self, node: Node) -> list[str]:
        names = dict.fromkeys((node.name, node.kname))
        found = [path for name in names for path in self._by_source.get(name, ())]
        return [node.mount, *found] if node.mount else found

    def on(self, node: Node) -> tuple[str, ...]:
        """The mount points of one device, a pool's and a multi-device btrfs' included."""
        found = self._direct(node)
        if node.fstype == "zfs_member":
            found += self._by_pool.get(node.label, [])
        if node.fstype == "btrfs":
            found += self._by_uuid.get(node.uuid, [])
        return tuple(dict.fromkeys(found))


def _disk(node: Node, mounted: _Mounted) -> Disk:
    below = [pair for pair in node.walk() if pair[0] > 0]
    return Disk(
        name=node.name,
        model=node.model,
        serial=node.serial,
        size=node.size,
        rotational=node.rotational,
        transport=node.transport or _transport(node.name),
        removable=node.removable,
        read_only=node.read_only,
        is_sd=node.name.startswith("mmcblk") or node.transport == "mmc",
        fstype=node.fstype,
        label=node.label,
        uuid=node.uuid,
        mounts=mounted.on(node),
        volumes=tuple(_volume(each, mounted, depth) for depth, each in below),
    )


def _transport(name: str) -> str:
    known = {"mmcblk": "mmc", "nvme": "nvme", "vd": "virtio"}
    return next((bus for prefix, bus in known.items() if name.startswith(prefix)), "")


def _volume(node: Node, mounted: _Mounted, depth: int) -> Volume:
    return Volume(
        node.name, node.kind, node.size, node.fstype, node.label, node.uuid, mounted.on(node), depth
    )


def _with_unraid_array(
    found: tuple[Disk, ...], roots: tuple[Node, ...], mounted: _Mounted, sections: Sections
) -> tuple[Disk, ...]:
    """Unraid's array devices (`md1p1`) put on the disks they are made of: only its /proc/mdstat tells."""
    cells = dict(line.partition("=")[::2] for line in sections.file("/proc/mdstat") if "=" in line)
    arrays = {root.name: root for root in roots if _unraid_array_name(root)}
    for key, name in cells.items():
        slot = key.removeprefix("diskName.")
        disk = cells.get(f"rdevName.{slot}", "").strip()
        if slot == key or not disk or name.strip() not in arrays:
            continue
        volume = _volume(arrays[name.strip()], mounted, 2)
        found = tuple(_add(one, replace(volume, kind="array")) if one.name == disk else one for one in found)
    return found


def _with_loops(
    found: tuple[Disk, ...],
    roots: tuple[Node, ...],
    mounted: _Mounted,
    sections: Sections,
    mounts: tuple[Mount, ...],
) -> tuple[Disk, ...]:
    """Loop devices put on the disks that carry their image file."""
    loops = {root.name: root for root in roots if root.kind == "loop"}
    for path, lines in sections.files("/sys/block/loop"):
        name = path.removeprefix("/sys/block/").partition("/")[0]
        image = next(iter(lines), "").strip()
        carrier = above(image, mounts)
        if name not in loops or carrier is None:
            continue
        volume = replace(_volume(loops[name], mounted, 2), label=image)
        found = tuple(_add(disk, volume) if carrier.path in disk.all_mounts else disk for disk in found)
    return found


def _add(disk: Disk, volume: Volume) -> Disk:
    return replace(disk, volumes=(*disk.volumes, volume))
