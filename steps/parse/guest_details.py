"""What a hypervisor says of its guests and of the folder their disks are in, and a guest of its own boot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from xml.etree import ElementTree as Tree

from steps.parse.sections import Sections, split_sections
from steps.parse.values import number, pairs
from wizard.core.dataclass import dataclass

_STATE = re.compile(
    r"(no state|running|idle|paused|in shutdown|shut off|crashed|pmsuspended)(?: \(([^)]{1,60})\))?"
)
_CONTROL = re.compile("\ufffd\\[[0-9;?]*[A-Za-z]|\ufffd[()][A-Z0-9]|\ufffd")
"""What is left of a terminal's control sequences once the text was made printable."""

_OURS = re.compile(r"\{urn:homelab-wizard:guest:[0-9]+\}guest")

KIB = 1024


@dataclass(frozen=True, slots=True)
class Mark:
    """Our element in a definition: who made the guest, and as what."""

    lineage: str
    cluster: str = ""
    definition: str = ""
    address: str = ""
    role: str = ""
    system: int | None = None
    """Bytes of the system disk as last asked for."""
    data: int | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """A guest as libvirt knows it."""

    name: str
    state: str = ""
    reason: str = ""
    """`booted`, `I/O error`, `crashed` ..."""
    autostart: bool | None = None
    mark: Mark | None = None
    cpus: int | None = None
    memory: int | None = None
    """Bytes."""
    card: str = ""
    """The bridge or card its first network card hangs on."""
    folder: str = ""
    """Where its first disk or its root lies."""
    console: tuple[str, ...] = ()
    """The last lines of its console."""

    @property
    def last_line(self) -> str:
        """The last line of its console that says anything."""
        return self.console[-1] if self.console else ""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file in a guest's folder."""

    name: str
    size: int
    allocated: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder beside those of our guests, ours or not."""

    name: str
    lineage: str = ""
    booted: bool = False
    """The first boot was seen to its end."""
    files: tuple[ImageFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who answered for an address on the LAN, as the hypervisor last saw it."""

    address: str
    mac: str


@dataclass(frozen=True, slots=True)
class HostGuests:
    """The guests of one hypervisor and the place of their disks."""

    answers: bool
    """libvirt did, with this driver."""
    complaint: str = ""
    folder_there: bool = False
    mount: str = ""
    size: int | None = None
    """Bytes of the file system that carries the folder."""
    free: int | None = None
    base: int | None = None
    """Bytes of the base image; None = it is not there."""
    names: frozenset[str] = frozenset()
    """Of every guest, foreign ones too."""
    domains: Mapping[str, Domain] = field(default_factory=lambda: MappingProxyType({}))
    """Those that were asked for and are there."""
    folders: Mapping[str, Folder] = field(default_factory=lambda: MappingProxyType({}))
    neighbours: tuple[Neighbour, ...] = ()

    def owned(self, name: str, lineage: str) -> Domain | None:
        """The guest of that name if it is ours."""
        found = self.domains.get(name)
        return found if found and found.mark and lineage and found.mark.lineage == lineage else None


@dataclass(frozen=True, slots=True)
class Boot:
    """How far a guest's boot is."""

    cloud_init: str
    """`none`, `running`, `done` or `failed`."""
    system: str
    """As systemd says it: `starting`, `running`, `degraded` ..."""
    errors: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    """What systemd waits for."""

    @property
    def ended(self) -> bool:
        """Nothing more is to come."""
        return self.cloud_init != "running" and self.system not in ("initializing", "starting")


def parse_guests(text: str) -> HostGuests:
    """The answer of `read/guests`; what is not understood is unknown.

    Args:
        text: as the script printed it.
    """
    sections = split_sections(text)
    host = pairs(sections.lines("host"))
    names, code = _names(sections.lines("domains"))
    return HostGuests(
        answers=code == "0",
        complaint="" if code == "0" else " ".join(names)[:300],
        folder_there=host.get("dir") == "1",
        mount=host.get("mount", ""),
        size=_kib(host.get("size_kib")),
        free=_kib(host.get("free_kib")),
        base=number(host.get("base")),
        names=frozenset(names) if code == "0" else frozenset(),
        domains=MappingProxyType(_domains(sections)),
        folders=MappingProxyType({one.name: one for one in _folders(sections)}),
        neighbours=tuple(_neighbours(sections)),
    )


def parse_boot(text: str) -> Boot | None:
    """The answer of `read/guest-boot`; None where it is not whole.

    Args:
        text: as the script printed it.
    """
    sections = split_sections(text)
    if "end" not in sections:
        return None
    lines = sections.lines("boot")
    found = pairs(lines)
    return Boot(
        found.get("cloud_init", "none"), found.get("system", ""), _all(lines, "error"), _all(lines, "unit")
    )


def _all(lines: tuple[str, ...], key: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(f"{key}=") for line in lines if line.startswith(f"{key}="))


def _kib(text: str | None) -> int | None:
    value = number(text)
    return None if value is None else value * KIB


def _names(lines: tuple[str, ...]) -> tuple[list[str], str]:
    code = next((line.removeprefix(":exit ") for line in lines if line.startswith(":exit ")), "")
    return [line.strip() for line in lines if line.strip() and not line.startswith(":exit ")], code


def _named(sections: Sections, kind: str) -> list[tuple[str, tuple[str, ...]]]:
    """(name, lines) of every section of a kind."""
    heads = [head for head in sections.heads() if head.startswith(f"{kind} ")]
    return [(head.removeprefix(f"{kind} "), sections.lines(head)) for head in heads]


def _domains(sections: Sections) -> dict[str, Domain]:
    starts = {line.strip() for line in sections.lines("autostart")}
    asked = "autostart" in sections
    return {
        name: _domain(name, lines, name in starts if asked else None, sections.lines(f"console {name}"))
        for name, lines in _named(sections, "guest")
    }


def _domain(name: str, lines: tuple[str, ...], autostart: bool | None, console: tuple[str, ...]) -> Domain:
    begin = next((at for at, line in enumerate(lines) if line.lstrip().startswith("<domain")), len(lines))
    state = next((found for line in lines[:begin] if (found := _STATE.match(line.strip()))), None)
    root = _xml("\n".join(lines[begin:]))
    return Domain(
        name,
        state=state[1] if state else "",
        reason=(state[2] or "") if state else "",
        autostart=autostart,
        mark=_mark(root),
        cpus=number(_said(root, "vcpu")),
        memory=_kib(_said(root, "memory")),
        card=_card(root),
        folder=_folder(root),
        console=tuple(shown for line in console if (shown := console_text(line))),
    )


def console_text(line: str) -> str:
    """A line of a console without what was meant for a terminal."""
    return _CONTROL.sub("", line).strip()[:200]


def _xml(text: str) -> Tree.Element | None:
    """A definition; libvirt writes no document type, so one that has it is nobody's definition."""
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        return None
    try:
        return Tree.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except Tree.ParseError:
        return None


def _said(root: Tree.Element | None, tag: str) -> str | None:
    return root.findtext(tag) if root is not None else None


def _card(root: Tree.Element | None) -> str:
    source = root.find("devices/interface/source") if root is not None else None
    if source is None:
        return ""
    return source.get("bridge") or source.get("dev") or ""


def _folder(root: Tree.Element | None) -> str:
    for path, key in (("devices/disk/source", "file"), ("devices/filesystem/source", "dir")):
        source = root.find(path) if root is not None else None
        if source is not None and source.get(key):
            return source.get(key, "").rpartition("/")[0]
    return ""


def _mark(root: Tree.Element | None) -> Mark | None:
    metadata = root.find("metadata") if root is not None else None
    ours = next((one for one in metadata or () if _OURS.fullmatch(one.tag)), None)
    if ours is None or not ours.get("lineage"):
        return None
    words = {key: ours.get(key, "") for key in ("lineage", "cluster", "definition", "address", "role")}
    return Mark(**words, system=number(ours.get("system")), data=number(ours.get("data")))


def _folders(sections: Sections) -> list[Folder]:
    return [
        Folder(
            name,
            lineage=pairs(lines).get("lineage", ""),
            booted="booted=1" in lines,
            files=tuple(file for line in lines if (file := _file(line))),
        )
        for name, lines in _named(sections, "folder")
    ]


def _file(line: str) -> ImageFile | None:
    found = re.fullmatch(r"file=(.+) ([0-9]{1,18}) ([0-9]{1,18})", line)
    return ImageFile(found[1], int(found[2]), int(found[3])) if found else None


def _neighbours(sections: Sections) -> list[Neighbour]:
    """Only those that did answer (flag 2)."""
    found = []
    for line in sections.lines("neighbours"):
        address, _, flags, mac, *_ = (*line.split(), "", "", "", "")
        if re.fullmatch("0x[0-9a-f]*[2367abef]", flags):
            found.append(Neighbour(address, mac.lower()))
    return found
