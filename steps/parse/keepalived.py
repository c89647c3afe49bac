"""What `read/keepalived`, or `read/k3s` beside K3s, says of one server's part in the address: text in, frozen data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from steps.parse.sections import Sections, split_sections
from steps.parse.units import InstalledFile, Unit, installed_files, unit_state
from steps.parse.values import pairs
from wizard.core.dataclass import dataclass
from wizard.payload.keepalived import CONFIG, group_of


@dataclass(frozen=True, slots=True)
class Answered:
    """How a question to an API server ended."""

    yes: bool = False
    said: str = ""
    """Its or curl's last words where it did not answer that it is ready."""


@dataclass(frozen=True, slots=True)
class KeepalivedSeen:
    """One server's part in the address."""

    installed: bool = False
    files: Mapping[str, InstalledFile] = field(default_factory=dict)
    config: str = ""
    """Text of keepalived.conf, whoever wrote it."""
    unit: Unit = Unit()
    state: str = ""
    """`MASTER`, `BACKUP` or `FAULT`, as keepalived last said; empty = it said nothing."""
    said: str = ""
    """The last line of its log."""
    nic: str = ""
    """The interface that has the server's own address."""
    mac: str = ""
    held: str = ""
    """The interface that has the shared address; empty = this server does not have it."""
    at: str = ""
    """MAC of whoever answered at the shared address just now, asked from here."""
    ready: Answered | None = None
    """Whether the server's own API is ready; None = it cannot be asked yet."""
    answers: Answered | None = None
    """Whether an API is ready at the shared address, asked from here with our certificates."""

    @property
    def runs(self) -> bool:
        """It is up."""
        return self.unit.active == "active"

    @property
    def group(self) -> int | None:
        """The VRRP id it uses; None where nothing of ours is set up."""
        return group_of(self.config)


def parse_keepalived(text: str) -> KeepalivedSeen:
    """Parse what the script printed; what it could not tell stays unknown."""
    return keepalived_seen(split_sections(text))


def keepalived_seen(sections: Sections) -> KeepalivedSeen:
    """What the sections of an answer tell; one that has none of these knows nothing of it."""
    unit, address = pairs(sections.lines("keepalived")), pairs(sections.lines("address"))
    return KeepalivedSeen(
        installed=address.get("installed") == "1",
        files=installed_files(sections.lines("keepalived files")),
        config=_text(sections),
        unit=unit_state(unit),
        state=unit.get("state", ""),
        said=unit.get("said", ""),
        nic=address.get("nic", ""),
        mac=address.get("mac", ""),
        held=address.get("held", ""),
        at=address.get("at", ""),
        ready=_answered(address, "ready"),
        answers=_answered(address, "answers"),
    )


def _text(sections: Sections) -> str:
    return "".join(f"{line}\n" for line in sections.file(CONFIG))


def _answered(address: Mapping[str, str], name: str) -> Answered | None:
    said = address.get(name)
    return None if said is None else Answered(said == "yes", address.get(f"{name}_said", ""))
