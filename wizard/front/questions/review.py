"""The plan, the yes to it, and the build in lines, with doctor's verdict at the end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TextIO

from wizard.core.decide.prove import prove
from wizard.core.engine.apply import stopped_error
from wizard.core.errors import CancelledError, ExitCode, UsageError, WizardError
from wizard.core.view.columns import table
from wizard.core.view.losses import HEAD, KEY, loss_rows, single_losses, stops
from wizard.core.view.review import Loss, confirmation, confirmed, losses, plan_lines, sum_text
from wizard.core.view.styled import plain
from wizard.front.doctor import doctor_text
from wizard.front.outcome import worst
from wizard.front.plain import PlainSink
from wizard.front.plan import standing_lines
from wizard.front.questions.asking import BACK, HELP, NO, ONE_LINE, YES, YES_OR_NO, Question
from wizard.front.stopping import signals
from wizard.front.streams import tell_error

if TYPE_CHECKING:
    from wizard.core.decide.prove import Proof
    from wizard.core.engine.apply import ApplyResult
    from wizard.core.engine.plan import Plan
    from wizard.core.engine.resume import Standing
    from wizard.front.questions.talk import Talk


def complaint(talk: Talk) -> tuple[str, str]:
    """Only a sound spec is built.

    Args:
        talk: the setup.
    """
    first = next(iter(talk.checked.errors()), None)
    if first is not None:
        return first.path, f"{first.path}: {first.text} {first.hint}"
    return ("", "") if talk.checked.whole else ("review", "Some answers are still missing.")


class Approval:
    """Shows the plan and has it approved; what it destroys is typed.

    Args:
        talk: the setup.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.back = False
        """The person wants to change an answer first."""

    def __call__(self, plan: Plan, left: Standing) -> bool:
        """True = carry it out.

        Raises:
            UsageError: nobody can be asked.
            CancelledError: the person said no.
        """
        talk, lost = self._talk, losses(plan)
        rows = [*standing_lines(left), *(plain([row]) for row in plan_lines(plan, ONE_LINE))]
        talk.look()
        survives = failure_lines(prove(talk.checked.spec, talk.facts, date.today().isoformat()))
        rows += [sum_text(plan), f"The commands behind it: {talk.desk.program} plan", *survives]
        talk.say("\n".join(rows))
        if talk.auto and not lost:
            return True
        if talk.auto and not talk.voice.person:
            raise _nobody(talk, "The plan destroys something: --auto is not enough.")
        return self._asked(_typed(lost) if lost else _simple(), lost)

    def _asked(self, question: Question, lost: list[Loss]) -> bool:
        talk = self._talk
        while True:
            try:
                word = talk.voice.ask(question)
            except EOFError:
                if talk.voice.person:
                    raise _declined(talk, "The input ended.") from None
                raise _nobody(talk, "The input ended before the plan was said yes to.") from None
            value = question.value_of(word)
            if word == HELP:
                talk.help()
            elif word.lower() == BACK:
                self.back = True
                return False
            elif value == NO or (lost and value is not None and not confirmed(value, lost)):
                raise _declined(talk, "You did not say yes to the plan.")
            elif value is not None:
                return True
            else:
                talk.say(question.refusal())


def failure_lines(proof: Proof) -> list[str]:
    """What each single loss takes away, as the screens show it before the yes; nothing where nothing can be judged.

    Args:
        proof: of the spec on the hosts as they are.
    """
    single = single_losses(proof)
    if not single:
        return []
    rows = ["", "What each single loss takes away:", *table(HEAD, loss_rows(single, proof)), KEY]
    for loss in single:
        rows += [f"!! {', '.join(loss.lost)}: {one.service} stops: {one.why}." for one in stops(loss, proof)]
    return rows


def _simple() -> Question:
    return Question(
        path="build",
        text="Carry out this plan?",
        means="It can be stopped at any time with Ctrl-C, and goes on where it was.",
        choices=YES_OR_NO,
    )


def _typed(lost: list[Loss]) -> Question:
    told = "; ".join(f"{one.host or 'here'}: {one.text}" for one in lost)
    return Question(
        path="build",
        text=f"This destroys {told}. To destroy and build, type: {confirmation(lost)}",
        means=f"Anything else changes nothing. {YES} alone is not enough.",
    )


def _nobody(talk: Talk, why: str) -> UsageError:
    return UsageError(
        "Nobody can be asked whether to carry out this plan.",
        where="build",
        why=why,
        do=(f"{talk.desk.asking} --auto", f"Run {talk.desk.asking} at a terminal."),
    )


def _declined(talk: Talk, why: str) -> CancelledError:
    return CancelledError(
        "Stopped as you asked.",
        where="before anything was begun",
        why=f"{why} The answers are kept.",
        do=f"{talk.desk.program} apply",
    )


def build(talk: Talk, out: TextIO) -> int | None:
    """Make the plan, have it approved, carry it out, and look at what came of it.

    Args:
        talk: the setup; its spec is sound.
        out: where events and doctor's verdict go.

    Returns:
        The exit code; None = the person wants to change an answer first.

    Raises:
        WizardError: as `wizard apply`.
    """
    approval = Approval(talk)
    with (
        talk.desk.session(
            talk.checked.spec, prompter=talk.prompter, sinks=[PlainSink(out)], write=True
        ) as session,
        signals(session) as begin,
    ):
        result = session.apply(lambda plan, left: approval(plan, left) and begin())
    if approval.back:
        return None
    return _told(result) or _doctor(talk, out)


def _told(result: ApplyResult) -> int:
    """Say what went wrong. Returns the exit code of it, as that of `wizard apply`."""
    errors: list[WizardError] = [*result.errors, *result.unmet]
    for error in errors:
        tell_error(error, before="\n")
    if result.stopped:
        raise stopped_error(result.changes)
    return int(ExitCode.OK) if result.status == "done" else worst(result.errors) or int(ExitCode.FAILED)


def _doctor(talk: Talk, out: TextIO) -> int:
    with talk.desk.session(talk.checked.spec, prompter=talk.prompter) as session:
        report = session.doctor()
    print(doctor_text(report, short=True), file=out, flush=True)
    talk.say(f"Look again at any time: {talk.desk.program} doctor")
    return int(ExitCode.FAILED if report.verdict == "fail" else ExitCode.OK)
