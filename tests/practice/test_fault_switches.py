"""Faults switched on and off while practice goes on, at the desk the screens are given."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.practice.cluster import yes
from wizard.compose import RealDesk
from wizard.core.desk import Switch
from wizard.core.errors import UsageError
from wizard.core.faultnames import fault_sites, fault_texts
from wizard.core.prompt import Silent
from wizard.core.secrets import MemorySecrets
from wizard.core.session import Session
from wizard.core.spec import ClusterSpec, load_spec
from wizard.practice.artifacts import PracticeArtifacts
from wizard.practice.fault_list import known_faults
from wizard.practice.fault_switches import OTHERS, where
from wizard.practice.faults import Faults
from wizard.practice.machine import Machine
from wizard.practice.opening import Wish
from wizard.practice.pace import INSTANT
from wizard.practice.scene import Scene
from wizard.practice.traces import Traces
from wizard.practice.world import new_world
from wizard.practising import PracticeDesk


@dataclass(frozen=True, slots=True)
class Place:
    """A desk and the spec of its homelab."""

    desk: PracticeDesk
    spec: ClusterSpec

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[Session]:
        """On the simulated hosts."""
        with self.desk.session(self.spec, prompter=Silent(), write=write) as session:
            yield session

    def silent(self) -> list[str]:
        """The hosts that do not answer."""
        with self.session() as session:
            ctx = session.facts()
            return [one.name for one in self.spec.hosts if isinstance(ctx.try_facts(one.name), Exception)]

    def causes(self) -> list[str]:
        """What doctor says, the warning about this machine's locale aside."""
        with self.session() as session:
            report = session.doctor()
        return [name for name in report.root_causes if not name.startswith("here.")]

    def apply(self) -> str:
        """A run, and how it ended."""
        with self.session(write=True) as session:
            return session.apply(yes).status


def place(folder: Path, *faults: str) -> Place:
    """A desk in a folder nobody was in.

    Args:
        folder: of practice.
        *faults: as named on the command line.
    """
    wish = Wish(speed=1e6, faults=faults)
    desk = PracticeDesk(
        argparse.Namespace(
            spec=folder / "cluster.yaml", dir=folder, events=None, command="setup", practice=wish
        )
    )
    desk.spec.write_text(desk.begin().text())
    return Place(desk, load_spec(desk.spec))


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(tmp_path)


def test_real_hosts_offer_none() -> None:
    assert RealDesk(argparse.Namespace()).faults is None


def test_all_of_them_are_offered_with_what_happens_where(here: Place) -> None:
    choices = here.desk.faults.choices(here.spec)
    assert {one.name: one.text for one in choices} == fault_texts("practice")
    at = {one.name: one.where for one in choices}
    assert at["host-killed"] == "tower-b"
    assert at["array-stopped"] == "tower-a"
    assert at["guest-off"] == "etcd-b"
    assert at["quorum-lost"] == "etcd-b, pi"
    assert at["rogue-dhcp"] == "the network"
    assert {one.switch for one in choices} == {Switch.OFF}


def test_a_half_filled_spec_names_no_machine(here: Place) -> None:
    nobody = here.desk.begin().drop("hosts").drop("machines").check().spec
    at = {one.name: one.where for one in here.desk.faults.choices(nobody)}
    assert (at["host-killed"], at["clock-skewed"], at["guest-off"]) == (
        "a hypervisor",
        "the witness",
        "an etcd guest",
    )


def test_every_fault_happens_where_it_is_said_to(here: Place, tmp_path: Path) -> None:
    touched: set[str] = set()

    class Watched(Scene):
        def _machine(self, names: Sequence[str]) -> Machine:
            touched.update(names[-1:])
            return Scene._machine(self, names)

    nothing_to_expire = {"certificate-expired"}
    for name in fault_texts("practice").keys() - nothing_to_expire:
        touched.clear()
        world = new_world(here.spec)
        artifacts = PracticeArtifacts(tmp_path, INSTANT)
        scene = Watched(here.spec, world, Faults(), Traces(), artifacts, MemorySecrets(), lambda: None)
        known_faults()[name](scene)
        told = set(where(here.spec, fault_sites()[name]).split(", "))
        assert told <= {*world.machines, *OTHERS.values()}, name
        assert told & set(world.machines) <= touched, name


def test_on_and_off_again(here: Place) -> None:
    here.desk.faults.turn("host-stopped", Switch.ON)
    assert here.desk.note == "practice: host-stopped"
    assert here.silent() == ["tower-b"]
    here.desk.faults.turn("host-stopped", Switch.OFF)
    assert (here.silent(), here.desk.note) == ([], "practice")


def test_what_goes_on_meets_it_at_once_and_is_free_of_it_at_once(here: Place) -> None:
    with here.session() as session:
        assert session.hosts["pi"].read("read/facts").exit_code == 0
        here.desk.faults.turn("login-refused", Switch.ON)
        with pytest.raises(Exception, match="pi does not let us in"):
            session.hosts["pi"].read("read/facts")
        here.desk.faults.turn("login-refused", Switch.OFF)
        assert session.hosts["pi"].read("read/facts").exit_code == 0


def test_switching_one_off_leaves_the_others(here: Place) -> None:
    with here.session() as session:
        for name in ("login-refused", "host-stopped", "image-truncated"):
            here.desk.faults.turn(name, Switch.ON)
        assert here.desk.note == "practice: 3 faults"
        here.desk.faults.turn("login-refused", Switch.OFF)
        ctx = session.facts()
        away = [one.name for one in here.spec.hosts if isinstance(ctx.try_facts(one.name), Exception)]
        assert away == ["tower-b"]


def test_a_fault_that_there_is_not_is_refused(here: Place) -> None:
    with pytest.raises(UsageError, match="There is no fault 'no-such'"):
        here.desk.faults.turn("no-such", Switch.ON)


def test_from_the_next_change_on_then_told_by_doctor_and_resumed_without_it(here: Place) -> None:
    here.desk.faults.turn("host-stopped", Switch.NEXT)
    assert here.desk.note == "practice: host-stopped at the next change"
    assert here.silent() == [], "nothing is changed by a look"
    assert here.apply() == "failed"
    assert here.desk.note == "practice: host-stopped"
    assert "hosts.reach" in here.causes()
    here.desk.faults.turn("host-stopped", Switch.OFF)
    assert here.apply() == "done"
    assert here.causes() == []


def test_what_a_run_mends_is_over_and_what_it_cannot_mend_is_not(here: Place) -> None:
    assert here.apply() == "done"
    for name in ("guest-off", "docker-off"):
        here.desk.faults.turn(name, Switch.ON)
    assert here.causes() == ["machines.running"]
    assert here.apply() == "done"
    assert here.desk.note == "practice: docker-off"
    assert here.causes() == ["discover.docker"]


def test_what_the_command_line_named_is_over_with_the_first_run_and_not_with_a_measurement(
    tmp_path: Path,
) -> None:
    here = place(tmp_path, "host-stopped")
    here.desk.faults.turn("login-refused", Switch.ON)
    with here.session(write=True):
        pass
    assert here.silent() == ["tower-b", "pi"]
    assert here.apply() == "failed"
    assert here.desk.note == "practice: login-refused"
    assert here.silent() == ["pi"]
