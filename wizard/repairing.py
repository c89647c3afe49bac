"""`wizard doctor --fix ID`: what mends a finding, shown, asked for, done; then doctor looks again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wizard.compose import open_session
from wizard.core.check import Finding, Status
from wizard.core.engine.apply import stopped_error
from wizard.core.errors import CancelledError, ExitCode, UsageError
from wizard.core.view.review import Loss, confirmation, confirmed, losses, plan_lines, sum_text
from wizard.core.view.styled import plain
from wizard.front.doctor import doctor_json, doctor_text
from wizard.front.outcome import print_json, worst
from wizard.front.plain import PlainSink
from wizard.front.questions.asking import ONE_LINE
from wizard.front.stopping import signals
from wizard.front.streams import tell, tell_error
from wizard.front.terminal import ask, ask_words, at_terminal, say

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.engine.plan import Plan
    from wizard.core.engine.resume import Standing
    from wizard.core.events import Event
    from wizard.core.session import DoctorReport, Session


def run_fix(options: Options) -> int:
    """Mend what a check found.

    Args:
        options: of `wizard doctor`.

    Returns:
        The exit code: doctor's after it looked again; where the repair did not come to its end, its error's.

    Raises:
        WizardError: there is no such check, it cannot be mended, nobody said yes, or it was stopped.
    """
    _check_call(options)
    begun: list[bool] = []
    sink = PlainSink(sys.stderr if options.json else sys.stdout)

    def hear(event: Event) -> None:
        if begun:
            sink(event)

    with open_session(options, write=True, extra=[hear]) as session, signals(session) as begin:

        def agreed(plan: Plan, _left: Standing) -> bool:
            _ask(plan, yes=options.yes)
            begun.append(True)
            return begin()

        findings = _named(session.doctor(), options.fix, session)
        result = session.repair(findings, agreed)
        begun.clear()
        for error in result.errors:
            tell_error(error, before="\n")
        if result.stopped:
            raise stopped_error(result.changes)
        report = replace(session, state=result.state or session.state).doctor(options.check)
        if options.json:
            print_json(doctor_json(report, session.spec.name))
        else:
            print("\n" + doctor_text(report, short=options.short))
    return worst(result.errors) or int(ExitCode.FAILED if report.verdict == "fail" else ExitCode.OK)


def _check_call(options: Options) -> None:
    """Refuse what cannot be had together.

    Raises:
        UsageError: one of them is `--fix`.
    """
    if options.list or options.watch:
        raise UsageError(
            "--fix does not go with --list or --watch.",
            where="wizard doctor",
            why="It mends once, and then looks once.",
            do=f"wizard doctor --fix {options.fix}",
        )


def _named(report: DoctorReport, check: str, session: Session) -> Sequence[Finding]:
    """What a check found, what is wrong before what is not.

    Raises:
        UsageError: there is no such check.
    """
    found = [one for one in report.findings if one.check == check]
    if not found:
        raise UsageError(
            f"There is no check {check!r}.",
            where=f"--fix {check}",
            why=f"Doctor makes {len(session.check_ids())} checks, and this is none of them.",
            do="wizard doctor --list",
        )
    wrong = [one for one in found if one.status in (Status.FAIL, Status.WARN)]
    return [one for one in wrong if not one.explained_by] or wrong or found


def _ask(plan: Plan, *, yes: bool) -> None:
    """Show what would be done; what it destroys is typed.

    Raises:
        UsageError: nobody can be asked.
        CancelledError: the person said no.
    """
    lost = losses(plan)
    say(plain(plan_lines(plan, ONE_LINE, previews=True)))
    say(sum_text(plan))
    if yes and not lost:
        return
    if not at_terminal():
        raise UsageError(
            "Nobody can be asked whether to mend this.",
            where="doctor --fix without a terminal",
            why="It destroys something: --yes is not enough." if yes else "--yes was not given.",
            do="Run it at a terminal." if lost else "wizard doctor --fix ID --yes",
        )
    if not _said_yes(lost):
        raise CancelledError(
            "Stopped as you asked.",
            where="before anything was begun",
            why="You did not say yes.",
            do="wizard doctor",
        )


def _said_yes(lost: list[Loss]) -> bool:
    if not lost:
        return ask("Mend it? (yes/no) ") == "yes"
    tell(f"This destroys {'; '.join(f'{one.host}: {one.text}' for one in lost)}.")
    return confirmed(ask_words(f"To destroy and mend, type {confirmation(lost)}: "), lost)
