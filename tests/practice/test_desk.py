"""What the screens are given in practice."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from wizard.core.draft import Draft
from wizard.core.facts import GIB
from wizard.core.prompt import Silent
from wizard.core.session import Session
from wizard.core.spec import ClusterSpec, load_spec
from wizard.practice.opening import Wish
from wizard.practising import PracticeDesk


@pytest.fixture
def desk(tmp_path: Path) -> PracticeDesk:
    """A folder nobody was in."""
    wish = Wish(speed=1e6, faults=("host-stopped",))
    return PracticeDesk(
        argparse.Namespace(
            spec=tmp_path / "cluster.yaml", dir=tmp_path, events=None, command="setup", practice=wish
        )
    )


def spec_of(desk: PracticeDesk) -> ClusterSpec:
    """The answers a setup begins with, as a spec."""
    desk.spec.write_text(desk.begin().text())
    return load_spec(desk.spec)


def silent(session: Session) -> list[str]:
    """The hosts that do not answer."""
    ctx = session.facts()
    return [host.name for host in session.spec.hosts if isinstance(ctx.try_facts(host.name), Exception)]


def test_a_setup_begins_with_answers_that_suit_the_simulated_hosts(desk: PracticeDesk) -> None:
    draft = desk.begin()
    assert isinstance(draft, Draft)
    assert draft.get("hosts[2].etcd_dir") == "/mnt/usb/etcd"
    assert desk.note == "practice: host-stopped"
    assert [one.name for one in spec_of(desk).hosts] == ["tower-a", "tower-b", "pi"]


def test_what_goes_wrong_goes_wrong_until_the_first_run_is_over(desk: PracticeDesk) -> None:
    spec = spec_of(desk)
    with desk.session(spec, prompter=Silent()) as session:
        assert silent(session) == ["tower-b"]
    with desk.session(spec, prompter=Silent(), write=True) as session:
        assert silent(session) == ["tower-b"]
        assert session.apply(lambda *_: True).status == "failed"
    with desk.session(spec, prompter=Silent()) as session:
        assert silent(session) == []


def test_hosts_are_what_a_person_would_own_and_not_the_machine_they_were_recorded_on(
    desk: PracticeDesk,
) -> None:
    desk.options.practice = Wish(speed=1e6)
    with desk.session(spec_of(desk), prompter=Silent()) as session:
        ctx = session.facts()
        seen = {name: ctx.facts(name) for name in ("tower-a", "tower-b", "pi")}
    assert {name: one.memory.total for name, one in seen.items()} == {
        "tower-a": 64 * GIB,
        "tower-b": 64 * GIB,
        "pi": 8 * GIB,
    }
    assert (seen["pi"].cpu.model, seen["pi"].cpu.threads) == ("Cortex-A76", 4)


def test_hosts_can_be_looked_at_before_there_are_any(desk: PracticeDesk) -> None:
    checked = Draft.new().drop("hosts").check()
    with desk.session(checked.spec, prompter=Silent()) as session:
        assert list(session.hosts) == []
