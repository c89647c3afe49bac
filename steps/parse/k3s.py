"""What `read/k3s` says of one node: text in, frozen data out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from steps.parse.keepalived import KeepalivedSeen, keepalived_seen
from steps.parse.sections import split_sections
from steps.parse.units import InstalledFile, Unit, installed_files, unit_state
from steps.parse.values import pairs
from wizard.core.dataclass import dataclass

_LOGRUS = re.compile(r'^time="[^"]*" level=(?P<level>\w+) msg="(?P<text>(?:[^"\\]|\\.)*)"')
_KLOG = re.compile(r"^(?P<level>[IWEF])\d{4} [0-9:.]+ +\d+ [^ \]]+\] (?P<text>.*)$")
_LEVELS = {"F": "fatal", "E": "error", "W": "warning", "I": "info"}

STRANGER = "Node password rejected"
"""What a server says to a node that has another password than the one it knows by that name."""

HOPELESS = (
    "encrypted with different token",
    "401 Unauthorized",
    STRANGER,
    "critical configuration value mismatch",
    "newer than datastore and could cause a cluster outage",
)
"""What K3s says when waiting is in vain: it does not change by itself."""

_TELLING = (
    *HOPELESS,
    "x509:",
    "tls:",
    "no space left on device",
    "address already in use",
    "permission denied",
    "no such file or directory",
)
"""What it says only when that is the reason, though often not in its last line, nor at a high level."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose node it is, as its disk has it."""

    lineage: str = ""
    """In our mark; empty = there is none."""
    name: str = ""
    """Of the node, in our mark."""
    server: bool = False
    """A server ran here: it has the cluster's keys."""
    joined: bool = False
    """It is, or was, a node of a cluster."""
    password: bool = False
    """It has shown itself to a cluster with a password of its own."""


@dataclass(frozen=True, slots=True)
class K3sSeen:
    """One node as it was found."""

    version: str = ""
    """Of the program on the disk; empty = there is none that runs."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """sha256 of the program and of archives of images, by path."""
    files: Mapping[str, InstalledFile] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """The configuration its process was started with, and certificates, by path."""
    name: str = ""
    """Of the unit that counts: `k3s.service` or `k3s-agent.service`."""
    unit: Unit = Unit()
    log: tuple[str, ...] = ()
    """Since the wizard last started it, oldest first."""
    ready: str = ""
    """What the API of a server says of itself: `ok`, or what is in its way; empty = it was not asked."""
    node: Ownership = Ownership()
    address: KeepalivedSeen = KeepalivedSeen()
    """Its part in the address of the API; blank where that was not asked, as of an agent."""

    @property
    def runs(self) -> bool:
        """It told systemd that it is up."""
        return self.unit.active == "active"

    @property
    def serves(self) -> bool:
        """It runs, and its API says that it is ready."""
        return self.runs and self.ready == "ok"

    @property
    def reason(self) -> str:
        """What K3s, or whoever was to start it, said last that matters."""
        return log_reason(self.log)

    @property
    def hopeless(self) -> bool:
        """What it said last that matters does not change by waiting."""
        return any(sign in self.reason for sign in HOPELESS)

    @property
    def stranger(self) -> bool:
        """It is turned away, since the cluster knows another machine by its name: the one it was made in place of."""
        return STRANGER in self.reason


def parse_k3s(text: str) -> K3sSeen:
    """What one node said.

    Args:
        text: the answer of `read/k3s`; anything that is not understood is unknown.
    """
    sections = split_sections(text)
    programs = sections.lines("programs")
    unit = pairs(sections.lines("unit"))
    return K3sSeen(
        version=pairs(programs).get("version", ""),
        digests=_digests(programs),
        files=installed_files(sections.lines("files")),
        texts={path: "\n".join(lines) + "\n" for path, lines in sections.files("/")},
        name=unit.get("unit", ""),
        unit=unit_state(unit),
        log=tuple(line for line in sections.lines("log") if line.strip()),
        ready=next(iter(sections.lines("ready")), ""),
        node=_ownership(pairs(sections.lines("node"))),
        address=keepalived_seen(sections),
    )


def _digests(lines: Sequence[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        digest, _, path = line.partition(" ")
        if path.startswith("/"):
            found[path] = digest
    return found


def _ownership(said: Mapping[str, str]) -> Ownership:
    return Ownership(
        lineage=said.get("lineage", ""),
        name=said.get("name", ""),
        server="server" in said,
        joined="joined" in said,
        password="password" in said,
    )


def log_reason(lines: Sequence[str]) -> str:
    """The line of a log that tells best why something does not run.

    Args:
        lines: of K3s' journal, oldest first: its own, those of Kubernetes' programs, and sentences of systemd.

    Returns:
        The last line that names a reason we know, else the last of the worst level, else the last of all.
    """
    said = [_entry(line) for line in reversed(lines)]
    telling = next((text for _, text in said if any(sign in text for sign in _TELLING)), "")
    worst = (next((text for level, text in said if level == one), "") for one in ("fatal", "error"))
    return telling or next(filter(None, worst), "") or last_line(lines)


def last_line(lines: Sequence[str]) -> str:
    """The last line of a log as a person reads it."""
    return _entry(lines[-1])[1] if lines else ""


def _entry(line: str) -> tuple[str, str]:
    """Level and sentence of a line; without a level it is a sentence of systemd's."""
    found = _LOGRUS.match(line)
    if found:
        return found["level"], re.sub(r"\\(.)", r"\1", found["text"])
    found = _KLOG.match(line)
    if found:
        return _LEVELS[found["level"]], found["text"]
    return "", line.strip()
