"""What `read/packages` says of a host's Debian packages: text in, frozen data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from steps.parse.sections import split_sections
from wizard.core.dataclass import dataclass

WHOLE = "installed"
"""The state of a package that is unpacked and configured."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One package that dpkg knows of."""

    state: str
    """In dpkg's words: `installed`, `half-configured`, `unpacked`, `config-files` ..."""
    version: str
    enough: bool
    """It is of the version asked for, or a later one."""

    @property
    def right(self) -> bool:
        """Nothing has to be done about it."""
        return self.state == WHOLE and self.enough


@dataclass(frozen=True, slots=True)
class PackagesSeen:
    """What is installed of what was asked for."""

    apt: bool = True
    """There is apt-get."""
    arch: str = ""
    """As dpkg names it."""
    packages: Mapping[str, Installed] = field(default_factory=dict)
    broken: tuple[tuple[str, str], ...] = ()
    """Any package that dpkg did not bring to its end, with its state."""
    cut_off: bool = False
    """An attempt of ours did not come to its end: what it installed may be torn."""
    kept_off: tuple[str, ...] = ()
    """Units that it still keeps from starting."""

    def right(self, name: str, version: str) -> bool:
        """Whether a package is installed, configured and new enough, and not of an attempt that was cut off.

        Args:
            name: of the package.
            version: as we would install it.
        """
        found = self.packages.get(name)
        return found is not None and found.right and not (self.cut_off and found.version == version)


def parse_packages(text: str) -> PackagesSeen:
    """Parse what the script printed; what it could not tell stays unknown."""
    rows = [line.partition("=")[::2] for line in split_sections(text).lines("packages")]
    single = dict(rows)
    packages = [words for key, value in rows if key == "package" and len(words := value.split()) == 4]  # noqa: PLR2004 - name, state, version, enough
    broken = [words for key, value in rows if key == "broken" and len(words := value.split()) == 2]  # noqa: PLR2004 - name and state
    return PackagesSeen(
        apt=single.get("apt") != "no",
        arch=single.get("arch", ""),
        packages={
            name: Installed(state, version, enough == "yes") for name, state, version, enough in packages
        },
        broken=tuple((name, state) for name, state in broken),
        cut_off="unfinished" in single,
        kept_off=tuple(single.get("unfinished", "").split()),
    )
