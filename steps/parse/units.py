"""What scripts say of units of systemd and of files of ours: text in, frozen data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steps.parse.values import number
from wizard.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of ours on the host."""

    digest: str
    mode: str
    owner: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A service as systemd sees it."""

    active: str = ""
    """`active`, `activating`, `failed`, `inactive` ...; empty = there is no systemd to ask."""
    sub: str = ""
    result: str = ""
    enabled: bool = False
    restarts: int = 0
    fragment: str = ""
    """The file it comes from."""


def installed_files(lines: Iterable[str]) -> dict[str, InstalledFile]:
    """Files by path.

    Args:
        lines: each `DIGEST MODE OWNER PATH`.
    """
    found = {}
    for line in lines:
        parts = line.split(" ", 3)
        if len(parts) == 4:  # noqa: PLR2004 - digest, mode, owner, path
            found[parts[3]] = InstalledFile(*parts[:3])
    return found


def unit_state(said: Mapping[str, str]) -> Unit:
    """A unit.

    Args:
        said: what `systemctl show` printed, by property.
    """
    return Unit(
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        result=said.get("Result", ""),
        enabled=said.get("UnitFileState") == "enabled",
        restarts=number(said.get("NRestarts")) or 0,
        fragment=said.get("FragmentPath", ""),
    )
