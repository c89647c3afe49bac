"""Debian's packages on guests without a network: there, whole, asleep; and a guest without power in the middle of it."""

from __future__ import annotations

from functools import partial

import pytest

from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import INSTALL_SECONDS, Site, failing, tower_of
from tests.lab.story.operators import APPLY
from tests.lab.story.world import tell, until
from wizard.core.packages import load_packages
from wizard.lab import machine

pytestmark = pytest.mark.lab

ROLES = {"server-a": "server", "server-b": "server", "storage-a": "storage", "storage-b": "storage"}
PROGRAMS = {
    "server": ("keepalived --version",),
    "storage": ("iscsiadm --version", "mount.nfs -V", "cryptsetup --version"),
}
"""That start at all: everything they need came along."""

VICTIM = "storage-b"
CUT = ("open-iscsi", "libopeniscsiusr", "libisns0t64", "cryptsetup", "nfs-common", "rpcbind")
"""Taken away and brought anew, to cut the power in the middle."""

IN_THE_MIDDLE = (
    "pgrep -x dpkg >/dev/null && grep -qE '^Status: install .*(half-|unpacked)' /var/lib/dpkg/status"
)


def has_its_packages(site: Site, guest: str) -> None:
    """They are Debian's, in the versions pinned, configured, and none of them runs or will at the next boot."""
    known = load_packages()
    wanted = known.closure(known.roles[ROLES[guest]], machine.arch())
    lines = site.inside(
        guest, "dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev} ${Version}\n"
    ).splitlines()
    there = {words[0]: tuple(words[1:]) for words in map(str.split, lines)}
    assert {deb.name: there.get(deb.name) for deb in wanted} == {
        deb.name: ("ii", deb.version) for deb in wanted
    }
    assert site.inside(guest, "dpkg", "--audit") == ""
    units = known.units_of(deb.name for deb in wanted)
    on = site.shell(
        guest, "systemctl list-unit-files --state=enabled,masked --no-legend; systemctl --failed --no-legend"
    )
    assert [unit for unit in units if f"{unit} " in on] == []
    active = site.shell(guest, f"systemctl is-active {' '.join(units)}", ok=False).split()
    assert set(active) == {"inactive"}
    left = "/opt/wizard-packages.tar /var/cache/wizard-packages /var/lib/wizard/packages.unfinished"
    assert site.shell(guest, f"ls -d {left} 2>/dev/null", ok=False) == ""


@pytest.mark.parametrize("guest", ROLES)
def test_a_guest_has_what_its_role_needs_and_nothing_of_it_runs(cluster: Cluster, guest: str) -> None:
    has_its_packages(cluster, guest)
    assert cluster.shell(guest, "ls /var/lib/apt/lists | grep -c Packages", ok=False).strip() == "0", (
        "from the net"
    )
    assert cluster.shell(guest, "ss -Hlntu 'sport = :111'") == ""
    for program in PROGRAMS[ROLES[guest]]:
        cluster.shell(guest, program)


def test_a_guest_without_power_while_dpkg_writes_is_mended_by_the_next_run(cluster: Cluster) -> None:
    operator, tower = cluster.operator, tower_of(VICTIM)
    cluster.inside(VICTIM, "dpkg", "--purge", *CUT)
    code, document = cluster.doctor()
    assert (code, failing(document)) == (1, [("packages.installed", VICTIM)])
    running = operator.start(*APPLY)
    caught = partial(_holds, cluster, IN_THE_MIDDLE)
    until(lambda: caught() or not running.alive, "dpkg is in the middle", seconds=INSTALL_SECONDS, pause=0.0)
    assert running.alive
    cluster.virsh(tower, "destroy", VICTIM)
    cluster.virsh(tower, "start", VICTIM)
    broken = running.wait(timeout=INSTALL_SECONDS)
    until(
        partial(_holds, cluster, "systemctl is-system-running --wait >/dev/null; true"),
        "it is up again",
        seconds=90,
    )
    state = cluster.inside(VICTIM, "dpkg", "--audit").strip().splitlines()
    note = cluster.shell(VICTIM, "cat /var/lib/wizard/packages.unfinished", ok=False).split()
    tell(
        f"{VICTIM} off and on: that run ended with {broken.exit_code}; dpkg --audit: {state[:1]}; masked: {note}"
    )
    if broken.exit_code:
        assert note, "it was not in the middle"
        _, document = cluster.doctor()
        assert ("packages.whole", VICTIM) in failing(document)
    operator.run(*APPLY, code=0, timeout=INSTALL_SECONDS)
    has_its_packages(cluster, VICTIM)
    operator.run("plan", code=0)
    code, document = cluster.doctor()
    assert (code, document["root_causes"]) == (0, []), failing(document)


def _holds(cluster: Cluster, text: str) -> bool:
    return cluster.shell(VICTIM, f"{text} && echo yes", ok=False).strip() == "yes"
