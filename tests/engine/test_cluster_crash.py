"""Killed while guests are made and etcd is formed: the next run ends in the same world as an uninterrupted one."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.story import KillAt, Killed
from tests.practice.cluster import Cluster, yes

SCHEDULES = int(os.environ.get("WIZARD_SCHEDULES", "100"))
"""Of the whole install, in all the tests below together: 100 in `make test`, 1,000 in `make test-faults`."""

POINTS, SAVES = 310, 110
"""More than an uninterrupted apply has: where it ends sooner, nothing is killed and the test says so."""

THOROUGH = SCHEDULES >= 500
"""Every point of a run, not some of them spread over it."""

STEP = max(1, 900 // SCHEDULES)
"""Every so many points and saves."""

CERTAIN = len(range(1, POINTS + 1, STEP)) + len(range(0, SAVES, STEP))
KILLS = (SCHEDULES - CERTAIN) * 3 // 10
RESTARTS = (SCHEDULES - CERTAIN) // 2
JOINS = SCHEDULES - CERTAIN - KILLS - RESTARTS
"""Seeds of each kind make up the rest."""

CUTS = (
    "do/guest-create",
    "do/guest-seal",
    "do/etcd-install",
    "do/etcd-configure",
    "do/etcd-start",
    "do/timer",
    "do/etcd-prove",
    "do/packages",
    "do/k3s-install",
    "do/k3s-configure",
    "do/k3s-start",
    "put",
)
"""Where links break."""


def test_every_kind_of_schedule_has_its_share() -> None:
    assert min(KILLS, RESTARTS, JOINS) >= SCHEDULES // 10


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The world after a run nobody disturbed."""
    cluster = Cluster.fresh(tmp_path_factory.mktemp("undisturbed"))
    seen = KillAt(10**9)
    cluster.hosts.faults.watch = seen
    assert cluster.session().apply(yes).status == "done"
    assert seen.seen <= POINTS, "the points below no longer cover a run"
    assert len(cluster.states) <= SAVES, (
        f"{len(cluster.states)} saves: the points below no longer cover a run"
    )
    return cluster.picture()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A homelab that was built: never changed, only copied."""
    cluster = Cluster.fresh(tmp_path_factory.mktemp("built"))
    assert cluster.session().apply(yes).status == "done"
    return cluster


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield


def ends_as_if_nothing_happened(cluster: Cluster, expected: dict[str, object]) -> None:
    cluster.restarted()
    result = cluster.session().apply(yes)
    told = [f"{error.what} {error.why}" for error in result.errors]
    assert result.status == "done", told + [item.detail for item in result.findings if item.status == "fail"]
    assert cluster.picture() == expected
    assert cluster.twice() == []
    assert cluster.session().plan()[0].changes == 0
    assert not cluster.states[-1].in_flight()
    etcd = cluster.etcd()
    assert (len(etcd.voters), len(etcd.running), etcd.removed) == (3, 3, set())


@pytest.mark.parametrize("number", range(1, POINTS + 1, STEP))
def test_killed_before_or_after_anything_a_host_does(
    tmp_path: Path, expected: dict[str, object], number: int
) -> None:
    cluster = Cluster.fresh(tmp_path)
    kill = cluster.hosts.faults.watch = KillAt(number)
    try:
        cluster.session().apply(yes)
    except Killed:
        pass
    else:
        assert kill.seen < number, "it was killed and went on"
    ends_as_if_nothing_happened(cluster, expected)


@pytest.mark.parametrize("number", range(0, SAVES, STEP))
def test_killed_before_a_save_of_the_state(tmp_path: Path, expected: dict[str, object], number: int) -> None:
    cluster = Cluster.fresh(tmp_path)
    cluster.fail_at, cluster.error = number, Killed()
    try:
        cluster.session().apply(yes)
    except Killed:
        pass
    else:
        assert len(cluster.states) <= number
    cluster.error = None
    ends_as_if_nothing_happened(cluster, expected)


def cut_somewhere(cluster: Cluster, chance: random.Random) -> None:
    faults = cluster.hosts.faults
    faults.cut_before = chance.choices(CUTS, k=chance.randint(0, 3))
    faults.cut_after = chance.choices(CUTS, k=chance.randint(0, 3))


def cut_power(cluster: Cluster, chance: random.Random) -> None:
    """A machine is restarted: what starts by itself does, /run is empty."""
    cluster.power_cut(chance.choice(("tower-a", "tower-b", "pi")))


@pytest.mark.parametrize("seed", range(KILLS))
def test_any_number_of_kills_cut_links_and_restarted_hosts(
    tmp_path: Path, expected: dict[str, object], seed: int
) -> None:
    chance = random.Random(seed)
    cluster = Cluster.fresh(tmp_path)
    for _ in range(chance.randint(1, 4)):
        cluster.hosts.faults.watch = KillAt(chance.randint(10, POINTS))
        cut_somewhere(cluster, chance)
        with suppress(Killed):
            cluster.session().apply(yes)
        cluster.restarted()
        cluster.hosts.faults.cut_before, cluster.hosts.faults.cut_after = [], []
        if chance.random() < 0.5:
            cut_power(cluster, chance)
    ends_as_if_nothing_happened(cluster, expected)


@pytest.mark.parametrize("seed", range(JOINS))
def test_a_member_that_joins_anew_survives_kills_at_any_point(built: Cluster, seed: int) -> None:
    """Replaced by way of a learner: taken up again, nobody is removed twice and no voter is lost."""
    chance = random.Random(f"join {seed}")
    cluster = built.clone()
    cluster.restarted()
    picture, old = cluster.picture()["etcd"], set(cluster.etcd().members)
    pi = cluster.machines["pi"]
    for path in [path for path in pi.files if path.startswith("/mnt/usb/")]:
        del pi.files[path]
    for _ in range(chance.randint(1, 3)):
        cluster.hosts.faults.watch = KillAt(chance.randint(5, 60))
        cluster.hosts.faults.cut_after = chance.choices(
            ("do/etcd-member", "do/etcd-start", "do/etcd-configure"), k=2
        )
        with suppress(Killed):
            cluster.session().apply(yes)
        cluster.restarted()
        cluster.hosts.faults.cut_after = []
        voters = [one for one in cluster.etcd().voters if one.id in cluster.etcd().running]
        assert len(voters) >= 2, "the members that are left lost their quorum"
    result = cluster.session().apply(yes)
    assert result.status == "done", [error.why for error in result.errors]
    etcd = cluster.etcd()
    assert cluster.picture()["etcd"] == picture
    assert len(etcd.removed) == 1
    assert etcd.removed < old
    assert cluster.session().plan()[0].changes == 0
    assert cluster.session().doctor().verdict == "ok"


def test_two_kills_of_the_same_change_carry_it_out_once(tmp_path: Path, expected: dict[str, object]) -> None:
    """The host did it, the wizard never heard of it, twice over."""
    cluster = Cluster.fresh(tmp_path)
    for script in ("after do/guest-create", "after do/etcd-start"):
        cluster.hosts.faults.watch = die_at(script)
        with pytest.raises(Killed):
            cluster.session().apply(yes)
        cluster.restarted()
    ends_as_if_nothing_happened(cluster, expected)


def die_at(script: str) -> KillAt:
    class DieAt(KillAt):
        def __call__(self, _host: str, what: str) -> None:
            if what == script or self.seen:
                self.seen += 1
                raise Killed

    return DieAt(0)


class RestartAt(KillAt):
    """Cuts a host's power at the n-th thing that happens and switches it on again; the wizard goes on."""

    cluster: Cluster
    host: str

    def __call__(self, _host: str, _what: str) -> None:
        with self.guard:
            self.seen += 1
            now = self.seen == self.number
        if now:
            with self.cluster.world.guard:
                self.cluster.power_cut(self.host)


@pytest.mark.parametrize("seed", range(RESTARTS))
def test_a_host_is_restarted_in_the_middle_of_the_run(
    tmp_path: Path, expected: dict[str, object], seed: int
) -> None:
    chance = random.Random(f"restart {seed}")
    cluster = Cluster.fresh(tmp_path)
    restart = RestartAt(chance.randint(5, POINTS))
    restart.cluster, restart.host = cluster, chance.choice(("tower-a", "tower-b", "pi"))
    cluster.hosts.faults.watch = restart
    cluster.session().apply(yes)
    ends_as_if_nothing_happened(cluster, expected)


def test_the_pis_disk_is_full_while_it_joins(tmp_path: Path, expected: dict[str, object]) -> None:
    cluster = Cluster.fresh(tmp_path)
    pi = cluster.machines["pi"]

    def fill(host: str, what: str) -> None:
        if (host, what) == ("pi", "do/etcd-start"):
            pi.full.add("/mnt/usb")

    cluster.hosts.faults.watch = fill
    result = cluster.session().apply(yes)
    assert result.status == "failed"
    (error,) = [one for one in result.errors if "pi" in one.what]
    assert "no space left on device" in error.why
    etcd = cluster.etcd()
    assert len(etcd.running) == 2, "the other two do not wait for it"
    pi.full.clear()
    ends_as_if_nothing_happened(cluster, expected)
