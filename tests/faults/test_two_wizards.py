"""Rows 12, 13 and 16: a second wizard, here and elsewhere, and a wizard that was killed."""

from __future__ import annotations

import signal

import pytest

from tests.faults.driver import KILL_AT
from tests.faults.site import APPLY, Site
from tests.rows import assert_explained, assert_tolerated
from wizard.core.errors import ExitCode


@pytest.mark.row("A", 12)
def test_row_a12_two_wizards_on_one_machine(site: Site) -> None:
    site.world.hold.touch()
    first = site.start(*APPLY)
    site.begun()
    state = site.cluster.state.read_bytes()
    second = site.run(*APPLY)
    assert_explained(
        second,
        exit_code=ExitCode.STATE,
        says=["Another wizard is at work", f"process {first.pid}, since 20", "only read"],
        do=f"kill {first.pid}",
        unchanged=site.cluster.state.read_bytes,
        before=state,
    )
    for reading in (("plan",), ("state", "show"), ("facts",)):
        code = ExitCode.PLAN_CHANGES if reading == ("plan",) else ExitCode.OK
        assert_tolerated(site.run(*reading), exit_code=code)
    unlock = site.run("state", "unlock")
    assert_explained(unlock, exit_code=ExitCode.STATE, says=[f"process {first.pid}"], do=f"kill {first.pid}")
    site.world.hold.unlink()
    assert site.finished(first).exit_code == ExitCode.OK
    site.nothing_left()


@pytest.mark.row("A", 13)
def test_row_a13_two_wizards_on_two_machines(site: Site) -> None:
    site.world.hold.touch()
    first = site.start(*APPLY)
    site.begun()
    elsewhere = site.home / "elsewhere"
    second = site.run(*APPLY, "--dir", str(elsewhere))
    assert_explained(
        second,
        exit_code=ExitCode.STATE,
        says=["worked on by somebody else", f"pid {first.pid}"],
        do="stop it there",
        unchanged=lambda: sum(" begun " in line for line in site.world.happened),
        before=3,
    )
    site.world.hold.unlink()
    assert site.finished(first).exit_code == ExitCode.OK
    site.nothing_left()


THINGS = (1, 7, 13, 15, 16, 18, 20)
"""Before and after reads, before and after each of the three changes; tests/engine/test_crash.py takes every point."""


@pytest.mark.row("A", 16)
@pytest.mark.parametrize("number", THINGS)
def test_row_a16_killed_at_any_moment(site: Site, number: int) -> None:
    killed = site.whole(*APPLY, **{KILL_AT: str(number)})
    assert killed.exit_code == -signal.SIGKILL, killed.stderr
    assert_tolerated(site.run("state", "show"))
    site.nothing_left()


@pytest.mark.row("A", 16)
def test_row_a16_killed_while_a_host_is_at_work(site: Site) -> None:
    site.world.hold.touch()
    first = site.start(*APPLY)
    site.begun()
    first.kill()
    first.wait(30)
    shown = site.run("state", "show")
    assert_tolerated(shown, shows=["hosts: half done", "3 in flight", "operation hosts.marker-pi."])
    site.world.hold.unlink()
    again = site.run(*APPLY)
    assert_tolerated(again, shows=["went on without us and was done"])
    site.nothing_left()
