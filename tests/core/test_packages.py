"""The packages of guests: both files fit together, each role's closure is whole, and a name without a pin is refused."""

from __future__ import annotations

import re

import pytest

from wizard.core.packages import load_packages, parse_packages
from wizard.core.resources import asset_text

ARCHES = ("amd64", "arm64")


@pytest.mark.parametrize("arch", ARCHES)
def test_every_package_is_pinned_in_a_dated_snapshot(arch: str) -> None:
    known = load_packages()
    for deb in (deb for deb in known.debs.values() if deb.arch == arch):
        assert re.fullmatch(r"[0-9a-f]{64}", deb.sha256)
        assert re.match(r"https://snapshot\.debian\.org/archive/debian/20\d{6}T\d{6}Z/pool/main/", deb.url)
        assert deb.file.endswith((f"_{arch}.deb", "_all.deb"))
        assert deb.size > 0
    assert re.search(r"Debian 13\.\d+ \(trixie\), package index of .* read on 20\d\d-", known.source)


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("role", ["server", "storage", "worker"])
def test_what_a_role_needs_comes_once_and_whole(role: str, arch: str) -> None:
    known = load_packages()
    roots = known.roles[role]
    names = [deb.name for deb in known.closure(roots, arch)]
    assert len(set(names)) == len(names)
    assert set(roots) <= set(names)
    assert set(names) == {name for root in roots for name in known.needs[root]}


def test_etcds_own_guests_are_given_nothing_unless_the_distributions_etcd_is_wanted() -> None:
    known = load_packages()
    assert "etcd" not in known.roles
    assert [deb.version.partition("-")[0] for deb in known.closure(known.etcd, "arm64")] == ["3.5.16"] * 2


def test_what_a_package_would_start_is_known() -> None:
    known = load_packages()
    assert known.units_of(["libnl-3-200", "keepalived"]) == ("keepalived.service",)
    pinned = {name for name, _ in known.debs}
    assert set(known.units) <= pinned, "units of packages that nobody installs"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("server: [keepalived]", "server: [keepalived, haproxy]", "haproxy"),
        ("schema: 1", "schema: 2", "schema"),
    ],
)
def test_lists_that_do_not_fit_together_are_a_defect(old: str, new: str, said: str) -> None:
    wanted = asset_text("packages.yaml")
    assert old in wanted
    with pytest.raises(ValueError, match=said):
        parse_packages(wanted.replace(old, new), asset_text("packages-debian13.yaml"))


def test_a_need_without_a_pin_is_a_defect() -> None:
    pinned = asset_text("packages-debian13.yaml")
    with pytest.raises(ValueError, match="libnl-3-200"):
        parse_packages(asset_text("packages.yaml"), pinned.replace("{name: libnl-3-200,", "{name: other,"))
