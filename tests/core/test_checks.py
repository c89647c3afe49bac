"""Running checks: deadlines, retries, what explains what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.story import Lab
from wizard.core.check import Check, Finding, Level, Status, failed, passed, warned
from wizard.core.context import Context
from wizard.core.engine.checks import Assertion, root_causes, run_checks, verdict
from wizard.core.errors import AuthError, HostError, HostKeyChangedError, RemoteError, UnreachableError
from wizard.core.events import CheckFinished, Event

Run = Callable[[Context], Finding]


def check_once(run: Run, *, level: Level = Level.ERROR, retry: float = 0.0, timeout: float = 30.0) -> Finding:
    check = Check("toy.check", "It holds", run, level=level, host="pi", retry=retry, timeout=timeout)
    return run_checks([Assertion("toy", check)], Lab().session().context(), lambda _event: None)[0]


def test_a_finding_is_stamped() -> None:
    finding = check_once(lambda _ctx: passed("Yes."))
    assert (finding.check, finding.step, finding.title, finding.host) == (
        "toy.check",
        "toy",
        "It holds",
        "pi",
    )
    assert finding.status is Status.PASS


def test_a_failed_check_of_level_warning_only_warns() -> None:
    assert check_once(lambda _ctx: failed("No."), level=Level.WARNING).status is Status.WARN


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        (UnreachableError, "hosts.reach"),
        (HostKeyChangedError, "hosts.key"),
        (AuthError, "hosts.login"),
    ],
)
def test_a_host_out_of_reach_explains_what_could_not_be_looked_at(kind: type[HostError], by: str) -> None:
    def run(_ctx: Context) -> Finding:
        raise kind("no", where="pi", why="because", do="look")

    finding = check_once(run)
    assert (finding.status, finding.explained_by) == (Status.SKIP, by)


def test_an_answer_that_is_no_answer_is_a_failure() -> None:
    def run(_ctx: Context) -> Finding:
        raise RemoteError("Garbage.", where="pi", why="it said x", do="wizard facts pi")

    finding = check_once(run)
    assert (finding.status, finding.fix) == (Status.FAIL, "wizard facts pi")


def test_a_check_is_tried_again_until_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.core.engine.checks.RETRY_PAUSE", 0.01)
    answers = iter([failed("not yet"), failed("not yet"), passed("now")])
    told: list[Event] = []
    check = Check("toy.check", "It holds", lambda _ctx: next(answers), retry=60)
    finding = run_checks([Assertion("toy", check)], Lab().session().context(), told.append)[0]
    assert finding.status is Status.PASS
    statuses = [event.finding.status for event in told if isinstance(event, CheckFinished)]
    assert statuses == [Status.WAITING, Status.WAITING, Status.PASS]


def test_a_check_that_hangs_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("wizard.core.engine.checks.RETRY_PAUSE", 0.0)
    release = threading.Event()

    def hang(_ctx: Context) -> Finding:
        release.wait(20)
        return passed("late")

    slow = Assertion("toy", Check("toy.slow", "Slow", hang, timeout=0.05))
    quick = Assertion("toy", Check("toy.quick", "Quick", lambda _ctx: passed("at once")))
    findings = run_checks([slow, quick], Lab().session().context(), lambda _event: None)
    release.set()
    assert [item.status for item in findings] == [Status.FAIL, Status.PASS]
    assert "No answer" in findings[0].detail


def test_root_causes_are_failures_nothing_explains() -> None:
    lab = Lab()
    lab.hosts.faults.dead.add("pi")
    report = lab.session().doctor()
    assert report.verdict == "fail"
    assert report.root_causes[0] == "hosts.reach"
    explained = [item for item in report.findings if item.host == "pi" and item.check != "hosts.reach"]
    assert explained
    assert all(item.explained_by == "hosts.reach" for item in explained)


def test_verdict_and_causes() -> None:
    bad, odd, good = (
        Finding(status, "", check=str(status)) for status in (Status.FAIL, Status.WARN, Status.PASS)
    )
    assert (verdict([good]), root_causes([good])) == ("ok", [])
    assert (verdict([good, odd]), root_causes([good, odd])) == ("warn", ["warn"])
    assert (verdict([good, odd, bad]), root_causes([good, odd, bad])) == ("fail", ["fail"])
    assert warned("x").status is Status.WARN
