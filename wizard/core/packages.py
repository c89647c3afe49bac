"""Debian packages that guests are given: which by role, what each needs besides, and the file of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text

PACKAGES_SCHEMA = 1
PREFIX = "deb-"
"""Of a package's name among artifacts: `deb-keepalived`."""


@dataclass(frozen=True, slots=True)
class Deb:
    """One package for one architecture, as Debian's index has it."""

    name: str
    version: str
    arch: str
    """Of the hosts it is for, `amd64` or `arm64`; the package itself may be for all."""
    url: str
    sha256: str
    size: int
    """Bytes of the file."""
    installed: int
    """KiB it takes once it is unpacked."""

    @property
    def artifact(self) -> str:
        """Its name among artifacts."""
        return PREFIX + self.name

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Packages:
    """Everything the wizard knows of packages."""

    source: str
    """The index they were read in, and when."""
    roles: Mapping[str, tuple[str, ...]]
    """What a guest of each role is given."""
    virtual: tuple[str, ...]
    """What every virtual machine is given besides."""
    etcd: tuple[str, ...]
    """What a member is given where the spec asks for the distribution's etcd."""
    units: Mapping[str, tuple[str, ...]]
    """What a package would start by itself."""
    needs: Mapping[str, tuple[str, ...]]
    """What each brings along, itself included, in the order of installation."""
    debs: Mapping[tuple[str, str], Deb]
    """By name and architecture."""

    def wanted(self, role: str, guests: str) -> tuple[str, ...]:
        """What a guest is given for itself.

        Args:
            role: of the guest.
            guests: how its host runs guests, as the spec has it; only `lxc` gives containers.
        """
        return (*self.roles.get(role, ()), *(() if guests == "lxc" else self.virtual))

    def closure(self, roots: Iterable[str], arch: str) -> tuple[Deb, ...]:
        """Packages with everything a stock Debian lacks for them.

        Args:
            roots: names.
            arch: `amd64` or `arm64`.
        """
        names = dict.fromkeys(name for root in roots for name in self.needs[root])
        return tuple(self.debs[name, arch] for name in names if (name, arch) in self.debs)

    def units_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """The units that these packages would start.

        Args:
            names: of packages.
        """
        return tuple(unit for name in names for unit in self.units.get(name, ()))


@cache
def load_packages() -> Packages:
    """The packages this wizard knows."""
    return parse_packages(asset_text("packages.yaml"), asset_text("packages-debian13.yaml"))


def parse_packages(wanted: str, pinned: str) -> Packages:
    """Packages from their two files.

    Args:
        wanted: which are given to whom.
        pinned: versions, digests and needs.

    Raises:
        ValueError: they do not fit together: a defect of the wizard, not of the user.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lists: dict[str, Any] = yaml.load(wanted, Loader=loader)  # noqa: S506 - a safe loader either way
    pins: dict[str, Any] = yaml.load(pinned, Loader=loader)  # noqa: S506 - as above
    if {lists.get("schema"), pins.get("schema")} != {PACKAGES_SCHEMA}:
        raise ValueError(f"the lists of packages are not of schema {PACKAGES_SCHEMA}")
    debs = [_deb(pins["snapshot"], arch, row) for arch, rows in pins["packages"].items() for row in rows]
    found = Packages(
        source=pins["source"],
        roles=_texts(lists["roles"]),
        virtual=tuple(lists["virtual"]),
        etcd=tuple(lists["etcd"]),
        units=_texts(lists["units"]),
        needs=_texts(pins["needs"]),
        debs={(deb.name, deb.arch): deb for deb in debs},
    )
    roots = [*found.etcd, *found.virtual, *(name for names in found.roles.values() for name in names)]
    unknown = {name for name in roots if name not in found.needs}
    pinned_names = {name for name, _ in found.debs}
    unknown |= {name for names in found.needs.values() for name in names if name not in pinned_names}
    if unknown:
        raise ValueError(f"not pinned: {', '.join(sorted(unknown))}; run tools/pin_packages.py")
    return found


def _texts(raw: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(values) for key, values in raw.items()}


def _deb(base: str, arch: str, row: Mapping[str, Any]) -> Deb:
    return Deb(
        name=row["name"],
        version=row["version"],
        arch=arch,
        url=base + row["path"],
        sha256=row["sha256"],
        size=row["size"],
        installed=row["installed"],
    )
