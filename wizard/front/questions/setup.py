"""The setup from the first question to doctor's verdict: which stage comes after which."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from wizard.core.outcome import changes
from wizard.core.prompt import Silent
from wizard.front.questions import discovery, hosts, machines, network, review, storage, witness
from wizard.front.questions.answers import read_answers
from wizard.front.questions.asking import BACK, HELP, NumberedLines, Voice
from wizard.front.questions.talk import Stage, Talk, ask_stage
from wizard.front.terminal import TerminalPrompter, at_terminal

if TYPE_CHECKING:
    from wizard.core.desk import Desk

STAGES = (
    Stage(id="welcome", title="Welcome", questions=hosts.welcome_questions),
    Stage(id="hosts", title="Hosts", questions=hosts.host_questions),
    Stage(
        id="discovery",
        title="Discovery",
        questions=discovery.questions,
        tell=discovery.tell,
        complaint=discovery.complaint,
    ),
    Stage(id="storage", title="Storage", questions=storage.questions, tell=storage.tell),
    Stage(
        id="machines",
        title="Machines",
        questions=machines.questions,
        tell=machines.tell,
        complaint=machines.complaint,
    ),
    Stage(id="network", title="Network", questions=network.questions, tell=network.tell),
    Stage(
        id="witness",
        title="Witness",
        questions=witness.questions,
        tell=witness.tell,
        complaint=witness.complaint,
    ),
    Stage(id="review", title="Review", questions=lambda _talk: (), complaint=review.complaint),
)
"""The same story as on the screens; the places kept in a draft have the same names."""
IDS = [stage.id for stage in STAGES]


def run_questions(
    desk: Desk,
    *,
    answers: Path | None = None,
    auto: bool = False,
    voice: Voice | None = None,
    out: TextIO | None = None,
) -> int:
    """Ask what the screens ask, build, and say what doctor says.

    Args:
        desk: where it works: real hosts, or practice.
        answers: a file of answers.
        auto: take the recommended answers and do not ask.
        voice: who is asked; without it, whoever is at stdin.
        out: where events and doctor's verdict go; stdout where it is not given.

    Returns:
        The exit code.

    Raises:
        WizardError: as every command; what was answered is kept.
    """
    given = read_answers(answers) if answers else {}
    prompter = TerminalPrompter() if at_terminal() else Silent()
    talk = Talk(desk, voice or _voice(), prompter, given=given, auto=auto)
    if not auto:
        talk.say(
            f"Enter takes what stands in brackets, {HELP} explains, {BACK} returns. Nothing is changed on any "
            "machine before you have seen the whole plan and said yes to it."
        )
    _through(talk, _begin(talk))
    while (code := review.build(talk, out or sys.stdout)) is None:
        _through(talk, len(STAGES) - 1, backwards=True)
    return code


def _voice() -> Voice:
    """Menus where they can be drawn, lines everywhere else."""
    if at_terminal() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from wizard.front.questions.menus import Menus

        return Menus()
    return NumberedLines()


def _begin(talk: Talk) -> int:
    """Number of the stage to begin at: where the person was, unless much is answered without asking."""
    if not talk.begun or talk.auto or talk.given or talk.draft.place not in IDS:
        return 0
    return IDS.index(talk.draft.place)


def _through(talk: Talk, at: int, *, backwards: bool = False) -> None:
    """Stage after stage, from one of them until all are answered; what was answered further on may need another look."""
    furthest = at
    while at < len(STAGES):
        stage = STAGES[at]
        talk.replace(talk.draft.at(stage.id))
        talk.say(f"\nStep {at} of {len(STAGES) - 1}: {stage.title}" if at else "\nThe homelab HA wizard")
        furthest, before = max(furthest, at), talk.outcome
        onward = ask_stage(talk, stage, backwards=backwards)
        answered = {one.id: one.title for one in STAGES[at + 1 : furthest]}
        for text in changes(before, talk.outcome, answered):
            talk.say(f"This changes more. {text}")
        if not onward and not at:
            talk.say("This is the first question.")
        at, backwards = (at + 1, False) if onward else (max(at - 1, 0), at > 0)
