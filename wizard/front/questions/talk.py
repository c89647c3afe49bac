"""One setup in questions: the answers so far, what is known of the hosts, and the rules of asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.desk import Way, way_to
from wizard.core.draft import Checked, Draft
from wizard.core.drafts import DraftStore
from wizard.core.errors import CancelledError, UsageError, WizardError
from wizard.core.facts import HostFacts
from wizard.core.outcome import PATHS, Outcome
from wizard.core.resources import asset_text
from wizard.core.text import printable
from wizard.front.plain import tell_note
from wizard.front.questions.answers import answered, leaves
from wizard.front.questions.asking import BACK, HELP, Question, Voice

if TYPE_CHECKING:
    from wizard.core.desk import Desk
    from wizard.core.prompt import Prompter
    from wizard.core.spec.model import Problem
    from wizard.core.spec.writing import Tree
    from wizard.core.state import ApprovedLayout


def nothing(_talk: Talk) -> None:
    """A stage that has nothing to tell before it asks."""


def by_the_rules(talk: Talk) -> tuple[str, str]:
    """Why the stage one is at cannot stay as it is, as the screens judge it: (path, words), both empty = it can.

    Args:
        talk: the setup.
    """
    stage = talk.draft.place
    text = talk.outcome.complaint(stage)
    errors = talk.checked.errors(*PATHS[stage]) if stage in PATHS else []
    return (errors[0].path if errors else stage, text) if text else ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the setup.

    Args:
        id: as in the screens: the place kept in a draft, and the name of the help file.
        title: of the step.
        questions: what is asked, as it is now: an answer may bring further questions.
        tell: what is told before.
        complaint: why one cannot go on from here: (path, words).
    """

    id: str
    title: str
    questions: Callable[[Talk], Sequence[Question]]
    tell: Callable[[Talk], None] = nothing
    complaint: Callable[[Talk], tuple[str, str]] = by_the_rules


class Talk:
    """The setup of one spec file.

    Args:
        desk: the file, and the way to the hosts.
        voice: who is asked.
        prompter: answers the transport's questions.
        given: answers of a file, by place.
        auto: what is not given takes its recommendation.
    """

    def __init__(
        self, desk: Desk, voice: Voice, prompter: Prompter, *, given: Mapping[str, Tree], auto: bool
    ) -> None:
        self.desk, self.voice, self.prompter, self.auto = desk, voice, prompter, auto
        self.store = DraftStore(desk.spec)
        found = self.store.load()
        self.begun = found.begun
        self.draft: Draft = answered(found.draft if found.begun else desk.begin(), given)
        self.checked: Checked = self.draft.check()
        self.given = {leaf for path, value in given.items() for leaf in leaves(path, value)}
        self._saved: Draft | None = None
        self.opened: set[str] = set()
        """What the person wanted to be asked about in detail."""
        self.contested: set[str] = set()
        """Questions that are put to somebody whatever was given or is recommended."""
        self._seen: dict[str, tuple[Way, HostFacts | WizardError]] = {}
        self._approved: ApprovedLayout | None = None
        self._outcome = Outcome(self.checked)
        if found.note:
            self.say(found.note)

    # --- what is known ----------------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, HostFacts]:
        """Of the hosts that answered."""
        return {name: one for name, one in self.results.items() if isinstance(one, HostFacts)}

    @property
    def results(self) -> dict[str, HostFacts | WizardError]:
        """What came of looking, by host; what was seen by another way is forgotten."""
        spec = self.checked.spec
        ways = {host.name: way_to(host, spec.ssh) for host in spec.hosts}
        return {name: one for name, (way, one) in self._seen.items() if ways.get(name) == way}

    @property
    def outcome(self) -> Outcome:
        """What is decided from the answers and facts there are now."""
        now = Outcome(self.checked, self.facts, self._approved)
        if self._outcome != now:
            self._outcome = now
        return self._outcome

    def look(self, *, again: bool = False) -> None:
        """Log in to every host nobody has seen yet, and look; nothing is changed.

        Args:
            again: also those that did not answer.
        """
        spec, known = self.checked.spec, self.facts if again else self.results
        names = [host.name for host in spec.hosts if host.address and host.name not in known]
        if not names:
            return
        self.say(f"Looking at {', '.join(names)}. Nothing is changed.")
        found: dict[str, HostFacts | WizardError]
        try:
            with self.desk.session(spec, prompter=self.prompter, sinks=[tell_note]) as session:
                ctx = session.facts(names)
                found = {name: ctx.try_facts(name) for name in names}
                self._approved = session.state.layout
        except WizardError as error:
            found = dict.fromkeys(names, error)
        self._seen |= {name: (way_to(spec.host(name), spec.ssh), one) for name, one in found.items()}

    # --- the answers ------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell something that may hold words from elsewhere."""
        self.voice.say(printable(text, keep_newlines=True))

    def put(self, path: str, value: Tree) -> None:
        """Take an answer, and keep it on disk.

        Args:
            path: its place.
            value: empty text takes the answer away.
        """
        if not isinstance(value, str) or self.draft.get(path) != value:
            self.replace(self.draft.put(path, value))

    def replace(self, draft: Draft) -> None:
        """Take a whole set of answers, and keep them on disk.

        Raises:
            StateError: they cannot be written.
        """
        if draft == self._saved:
            return
        self.draft, self.checked = draft, draft.check()
        self._saved = draft
        note = self.store.save(self.draft, self.checked)
        if note:
            self.say(note)

    def kept(self, path: str, otherwise: str = "") -> str:
        """What is recommended at a place: the answer that stands there, unless it is wrong.

        Args:
            path: the place.
            otherwise: what is recommended where nothing stands there.
        """
        value = self.draft.get(path)
        return value if value and not self.checked.errors(path) else otherwise

    # --- asking -----------------------------------------------------------------------------------------------

    def settle(self, question: Question, direction: int) -> int:
        """Have one question answered: by the file, by the recommendation, or by somebody.

        Args:
            question: as it stands now.
            direction: 1 = going on, -1 = going back: only what somebody answers is stopped at.

        Returns:
            How many questions to go on.

        Raises:
            UsageError: nobody can answer it.
            CancelledError: the person ended it.
        """
        if question.path in self.contested:
            self.contested.discard(question.path)
            return self._ask(question)
        if question.path in self.given:
            wrong = self.checked.errors(question.path)
            if not wrong:
                return direction
            self.given.discard(question.path)
            self._tell(wrong)
            return self._ask(question, why=_words(wrong[0]))
        if not self.auto or not question.answers_itself:
            return self._ask(question)
        if direction < 0:
            return direction
        self.say(f"{question.text} {question.shown(question.recommended)}")
        step = self._take(question, question.recommended)
        return self._ask(question) if step is None else step

    def _ask(self, question: Question, *, why: str = "") -> int:
        if self.auto and not self.voice.person:
            raise self.unanswered(question.path, why)
        while True:
            try:
                word = self.voice.ask(question)
            except EOFError:
                return self._ended(question, why)
            if word == HELP:
                self.help()
            elif word.lower() == BACK:
                return -1
            elif (value := question.value_of(word)) is None:
                self.say(question.refusal())
            elif (step := self._take(question, value)) is not None:
                return step

    def _ended(self, question: Question, why: str) -> int:
        if self.voice.person:
            raise CancelledError(
                "Stopped as you asked.",
                where=question.text,
                why="The input ended. The answers so far are kept.",
                do="Run the same command again: it begins at this step.",
            )
        step = self._take(question, question.recommended) if question.optional else None
        if step is None:
            raise self.unanswered(question.path, why)
        return step

    def unanswered(self, path: str, why: str = "") -> UsageError:
        """The error of a question that has no answer where nobody can be asked.

        Args:
            path: its place in the spec.
            why: what is wrong with the answer there is; empty = there is none.
        """
        return UsageError(
            f"{path} has no answer that holds.",
            where=path,
            why=why or "No file of answers gives one, and nobody can be asked here.",
            do=(f"Put a line into a file: {path}: VALUE", f"{self.desk.asking} --auto --answers FILE"),
            again="The answers so far are kept.",
        )

    def _take(self, question: Question, value: str) -> int | None:
        """Take an answer; None = it is refused, and everything is as it was."""
        before = self.draft
        again = False
        if question.take:
            again = question.take(self, value)
        else:
            self.put(question.path, value)
        wrong = [] if question.gate else self.checked.errors(question.path)
        if not wrong:
            return 0 if again else 1
        self._tell(wrong)
        self.replace(before)
        return None

    def _tell(self, problems: Iterable[Problem]) -> None:
        for one in problems:
            self.say(f"!! {one.path}: {_words(one)}")

    def help(self) -> None:
        """What the stage is about, as the screens explain it."""
        self.say(asset_text(f"help/{self.draft.place}.md").replace("*", "").strip())
        self.say("(Keys named there are those of the screens; the questions here are the same.)")


def _words(problem: Problem) -> str:
    return f"{problem.text} {problem.hint}".strip()


def ask_stage(talk: Talk, stage: Stage, *, backwards: bool) -> bool:
    """Tell and ask what belongs to a stage.

    Args:
        talk: the setup.
        stage: the step.
        backwards: one came back to it: begin at its last question.

    Returns:
        Whether to go on; False = back to the stage before.
    """
    stage.tell(talk)
    direction = -1 if backwards else 1
    at = len(stage.questions(talk)) - 1 if backwards else 0
    while at >= 0:
        questions = stage.questions(talk)
        if at < len(questions):
            step = talk.settle(questions[at], direction)
            direction = step or direction
            at += step
            continue
        path, text = stage.complaint(talk)
        if not text:
            return True
        at = _refused(talk, questions, path, text)
        direction = 1
    return False


def _refused(talk: Talk, questions: Sequence[Question], path: str, text: str) -> int:
    """Say why one cannot go on. Returns the number of the question to be asked again; -1 = there is none here.

    Raises:
        UsageError: nobody can be asked.
    """
    alone = not talk.voice.person
    if (alone and talk.auto) or (not questions and (alone or talk.auto or talk.given)):
        raise talk.unanswered(path, text)
    talk.say(f"!! Not yet: {text}")
    if not questions:
        return -1
    at = next((index for index, one in enumerate(questions) if one.path == path), 0)
    talk.contested.add(questions[at].path)
    return at
