"""The app: what outlives a screen, and the way from one screen to the next."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType

from screens.base import StageScreen
from screens.feed import EventFeed
from screens.flow import STAGES, WELCOME, AnyScreen, all_screens, number_of
from screens.hangup import watch_terminal
from screens.jobs import Job, JobDone
from screens.log import LogScreen, RunLog
from screens.looking import Looker, Seen
from screens.prompter import DialogPrompter
from screens.text import Sign
from screens.theme import OURS
from screens.warm import warm_up
from screens.widgets import RailItem
from screens.working import Working
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.errors import ExitCode, WizardError
from wizard.core.outcome import Outcome, changes
from wizard.core.resources import asset_text

if TYPE_CHECKING:
    from wizard.core.check import Finding
    from wizard.core.decide.addresses import PlannedAddress
    from wizard.core.decide.layout import Layout
    from wizard.core.decide.witness_report import WitnessReport
    from wizard.core.desk import Desk
    from wizard.core.draft import Checked
    from wizard.core.spec.writing import Tree

HUNG_UP = 128 + signal.SIGHUP
TERMINATED = 128 + signal.SIGTERM


class WizardApp(Working):
    """The setup, from the first host to the end.

    Args:
        desk: the spec file, and the way to the hosts.
        behind: called by a thread of its own once the first screen is drawn.
    """

    TITLE = "Homelab HA wizard"
    CSS = asset_text("wizard.tcss")
    SCREENS = all_screens()
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's own attribute
        (0, "-tiny"),
        (60, "-narrow"),
        (78, "-normal"),
        (108, "-wide"),
        (170, "-huge"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (15, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True, tooltip="Save and quit", id="app.quit"),
        Binding("ctrl+s", "save", "Save", show=False, tooltip="Keep the answers now", id="app.save"),
        Binding("f2", "log", "Log", show=False, tooltip="Everything that happened", id="app.log"),
        Binding("f1", "help", "Help", show=False, tooltip="What this screen is about", id="app.help"),
        Binding(
            "ctrl+z",
            "suspend",
            "Shell",
            show=False,
            tooltip="To the shell for a while; fg comes back, a run pauses",
            id="app.suspend",
        ),
        Binding(
            "f9",
            "faults",
            "Faults",
            show=False,
            tooltip="Let something go wrong, on purpose",
            id="app.faults",
        ),
    ]

    def __init__(self, desk: Desk, behind: Callable[[], object] = warm_up) -> None:
        super().__init__()
        self._wear_our_look()
        self.desk = desk
        self._behind = behind
        self.store = DraftStore(desk.spec)
        self.draft = Draft.new()
        self._checked: tuple[Mapping[str, Tree], Checked] | None = None
        self.begun = False
        """Somebody has answered something in an earlier run of the wizard."""
        self.note = ""
        """What the person should know about the answers that were found; empty = nothing."""
        self.furthest = 0
        """The last step of the story that was reached, counted from 1."""
        self.busy = ""
        """What would be left behind by quitting, as `The install`; empty = nothing runs."""
        self.log_lines = RunLog()
        self.feed = EventFeed(self._wake)
        self.feed.listen(self.log_lines.take)
        self.prompter = DialogPrompter(self)
        self.looker = Looker(desk, self.prompter, self.feed.put, self.post_message)
        self.measuring: Job[WitnessReport] = Job("measure", self.post_message)
        self.wire: Job[tuple[PlannedAddress, ...]] = Job("wire", self.post_message)
        self._outcome: Outcome | None = None
        self._saving = Lock()
        self._loaded = False
        """The answers that were there are known: nothing is written over them before."""

    # --- beginning and ending ---------------------------------------------------------------------------------

    def on_load(self) -> None:
        """Catch the signals before the terminal is taken: whenever they come, it is given back as it was."""
        self._catch_signals()

    def on_mount(self) -> None:
        """Load the answers, show the first screen."""
        error = self._load() or self.remember(
            self.checked.spec.name if self.begun else self.draft.get("name")
        )
        if self.draft.anew:
            self.left = None
        self.push_screen("resume" if self.left is not None else WELCOME.id)
        if error is not None:
            self.tell_error(error)
        self.call_after_refresh(self._first_drawn)

    def _wear_our_look(self) -> None:
        """Take our theme before the styles are read: changed later, all of them would be read again."""
        for theme in OURS:
            self.register_theme(theme)
        if self.theme == "textual-dark":  # nobody asked for another one (TEXTUAL_THEME)
            self.set_reactive(WizardApp.theme, OURS[0].name)
            self.stylesheet.set_variables(self.get_css_variables())

    def _first_drawn(self) -> None:
        Thread(target=self._behind, daemon=True, name="warm-up").start()

    def _load(self) -> WizardError | None:
        try:
            found = self.store.load()
        except WizardError as error:
            return error
        self.begun = found.begun
        self.draft = found.draft if found.begun else self.desk.begin()
        self.furthest = number_of(self.draft.place)
        self.note = found.note
        self._loaded = True
        return None

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number, code in ((signal.SIGTERM, TERMINATED), (signal.SIGHUP, HUNG_UP)):
            with suppress(RuntimeError, ValueError):  # not the main thread, as in tests
                loop.add_signal_handler(number, partial(self._ended_from_outside, code))
        if sys.stdin is not None and not self.is_headless and sys.stdin.isatty():
            watch_terminal(sys.stdin.fileno(), partial(self._hung_up, loop))

    def _hung_up(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has ended with everything else
            loop.call_soon_threadsafe(self._ended_from_outside, HUNG_UP)

    def _ended_from_outside(self, code: int) -> None:
        if self.return_code is None:  # a closed window is told twice
            self.end(code)

    def action_leave(self) -> None:
        """Save and quit; where something runs, ask first."""
        if not self.busy:
            self.end(int(ExitCode.OK))
            return
        from screens.dialogs import QuestionDialog

        text = f"{self.busy} is running. What runs on a host goes on there; the next start picks it up."
        dialog = QuestionDialog("Leave now?", text, yes="Leave", no="Stay")
        self.push_screen(dialog, lambda yes: self.end(int(ExitCode.OK)) if yes else None)

    def action_suspend(self) -> None:
        """To the shell, until it says `fg`."""
        from screens.suspend import has_shell, suspend

        if self.is_headless or not has_shell():
            self.notify("There is no shell to return to from here.", markup=False)
        else:
            suspend(self)

    def end(self, code: int) -> None:
        """Keep the answers, let every thread go, and leave.

        Args:
            code: the process' exit code.
        """
        if self._loaded:
            self._take_what_is_typed()
            with suppress(WizardError):
                self._write(self.draft, self.checked)
        self.let_go()
        self.prompter.close()
        self.looker.close()
        self.exit(code, return_code=code)

    def _take_what_is_typed(self) -> None:
        """A line that was not left yet is an answer too, whichever way its screen is left."""
        for screen in self.screen_stack:
            if isinstance(screen, StageScreen) and screen.is_mounted:
                screen.take_answers()

    # --- the answers ------------------------------------------------------------------------------------------

    def answer(self, path: str, value: Tree) -> bool:
        """Take an answer.

        Args:
            path: its place in the spec.
            value: what was answered; empty text takes the answer away.

        Returns:
            Whether it is another one than before.
        """
        if isinstance(value, str) and self.draft.get(path) == value:
            return False
        return self.replace(self.draft.put(path, value))

    def replace(self, draft: Draft) -> bool:
        """Take a whole set of answers; kept on disk by a thread. Returns whether anything is different."""
        if draft == self.draft:
            return False
        before = self.outcome
        self._take(draft)
        self.keep()
        self._tell_changes(before)
        return True

    def _tell_changes(self, before: Outcome) -> None:
        """Say what an earlier answer changed about steps that were answered after it."""
        here = number_of(self.draft.place)
        later = {one.id: one.title for one in STAGES[here : max(self.furthest - 1, here)]}
        for text in changes(before, self.outcome, later) if later else ():
            self.notify(text, title="This changes more", markup=False, timeout=NOTICE_SECONDS)

    @property
    def checked(self) -> Checked:
        """What the answers mean; worked out when it is first asked for."""
        tree = self.draft.tree
        if self._checked is None or self._checked[0] is not tree:
            self._checked = (tree, self.draft.check())
        return self._checked[1]

    def _take(self, draft: Draft) -> None:
        self.draft = draft
        self.looker.forget_changed(self.checked.spec)

    def start_over(self) -> None:
        """Begin a new spec of the same name; the old one is kept beside it, and nothing that was built is touched."""
        try:
            kept = self.store.set_aside()
        except WizardError as error:
            self.tell_error(error)
            return
        self.left, self.furthest = None, 0
        self.replace(replace(self.desk.begin().put("name", self.draft.get("name")), anew=True))
        self.go(STAGES[0].id)
        if kept:
            self.notify(f"The answers so far are kept as {kept}.", markup=False)

    def build(self, approved: frozenset[str], mends: Sequence[Finding] = ()) -> None:
        """Bring it about; from now on it is this run that may be left half done."""
        self.draft = replace(self.draft, anew=False)
        self.keep()
        super().build(approved, mends)

    @work(thread=True, group="keep", exit_on_error=False)
    def keep(self) -> None:
        """Write the answers to disk."""
        try:
            note = self._write(self.draft, self.checked)
        except WizardError as error:
            self.notify(f"{error.what} {error.why}", severity="error", markup=False)
            return
        if note:
            self.notify(note, markup=False)

    def _write(self, draft: Draft, checked: Checked) -> str:
        with self._saving:
            return self.store.save(draft, checked)

    def action_save(self) -> None:
        """Keep the answers now and say where."""
        self.keep()
        self.notify(f"Kept beside {self.desk.spec}.", markup=False)

    # --- what follows from the answers ------------------------------------------------------------------------

    @property
    def outcome(self) -> Outcome:
        """What is decided from the answers and facts there are now."""
        now = Outcome(self.checked, self.looker.facts, self.approved)
        if self._outcome is None or self._outcome != now:
            self._outcome = now
        return self._outcome

    def layout(self) -> Layout | None:
        """The guests as decided from answers and facts; None while the network is not known."""
        return self.outcome.layout

    def look_at_all(self) -> None:
        """Look at every host nobody has seen yet in this run."""
        spec = self.checked.spec
        self.looker.look(spec, [host.name for host in spec.hosts])

    # --- from screen to screen --------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Go one step on or back in the story.

        Args:
            by: 1 or -1.
        """
        number = number_of(self.draft.place) + by
        if number <= len(STAGES):
            self.go(STAGES[number - 1].id if number > 0 else WELCOME.id)

    def go(self, stage: str) -> None:
        """Show a stage, with everything that stood on it.

        Args:
            stage: its id.
        """
        self._take_what_is_typed()
        self.furthest = max(self.furthest, number_of(stage))
        self._suggest()
        if number_of(stage) or stage == WELCOME.id:
            self.draft = self.draft.at(stage)
            self.keep()
        while len(self.screen_stack) > BOTTOM:
            self.pop_screen()
        self.switch_screen(stage)

    def rail(self, here: str) -> list[RailItem]:
        """How every step stands, seen from one of them.

        Args:
            here: id of the step that is shown.
        """
        return [RailItem(self.sign_of(stage.id, here), stage.title) for stage in STAGES]

    def sign_of(self, stage: str, here: str) -> Sign:
        """How a step stands: reached and sound, reached and in need of something, or not reached."""
        if stage == here:
            return Sign.HERE
        if number_of(stage) >= max(self.furthest, 1):
            return Sign.LATER
        return Sign.NEEDS if self.outcome.complaint(stage) else Sign.DONE

    def title_text(self) -> str:
        """What stands at the left of the title line."""
        words = [self.TITLE, self.draft.get("name"), self.desk.note]
        return " · ".join(word for word in words if word)

    def action_help(self) -> None:
        """Help on the screen that is shown."""
        from screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_log(self) -> None:
        """Everything that happened so far."""
        if not isinstance(self.screen, LogScreen):
            self.push_screen(LogScreen(self.log_lines))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be made to go wrong there is no key for it."""
        if action == "faults":
            return self.desk.faults is not None
        return super().check_action(action, parameters)

    def action_faults(self) -> None:
        """What can be made to go wrong, over whatever is shown."""
        from screens.faults import FaultsDialog

        menu = self.desk.faults
        if menu is not None and not isinstance(self.screen, FaultsDialog):
            spec = self.wanted() if self.checked.sound else self.checked.spec
            self.push_screen(FaultsDialog(menu, spec), lambda _: self._redraw())

    def get_system_commands(self, screen: AnyScreen) -> Iterable[SystemCommand]:
        """What the command palette offers: only what can be done now."""
        for stage in STAGES[: max(self.furthest, 1)]:
            yield SystemCommand(f"Go to: {stage.title}", "Answers are kept", partial(self.go, stage.id))
        if self.install is not None:
            yield SystemCommand(
                "Go to: the run", "It goes on, whatever is looked at", partial(self.go, "run")
            )
        if self.checked.sound:
            yield SystemCommand("Doctor", "What is wrong, root cause first; only looks", self.doctor)
        if self.desk.faults is not None:
            yield SystemCommand(
                "Let something go wrong", "Switch a fault on or off, on purpose", self.action_faults
            )
        yield SystemCommand("Open the log", "Everything that happened so far", self.action_log)
        yield SystemCommand("Help", "What this screen is about, and its keys", self.action_help)
        yield SystemCommand(
            "Theme", "Another look, with strong contrast among them", self.action_change_theme
        )
        yield SystemCommand("Export the spec", "Write what was answered so far to a file", self.action_export)
        yield SystemCommand("Save and quit", "The next start comes back to this place", self.action_leave)

    def action_export(self) -> None:
        """Write the answers to a file of their own, finished or not."""
        path = self.desk.spec.with_name(f"{self.draft.get('name') or 'cluster'}-answers.yaml")
        try:
            path.write_text(self.draft.text())
        except OSError as error:
            self.notify(f"{path} cannot be written: {error.strerror}.", severity="error", markup=False)
            return
        self.notify(f"Written to {path}.", markup=False)

    # --- from threads -----------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self.call_later(self._drain_soon)

    def _drain_soon(self) -> None:
        self.set_timer(DRAIN_SECONDS, self.feed.drain)

    def on_seen(self, message: Seen) -> None:
        """A host was looked at: whoever shows hosts is told."""
        self.looker.take(message)
        self._suggest()
        self._redraw()

    def _suggest(self) -> None:
        """Fill the network's empty answers from what was seen, on the hosts' own screen too, once that is left."""
        if self.furthest > number_of("hosts") and self.looker.facts:
            from wizard.core.suggest import suggest_network

            self.replace(suggest_network(self.draft, self.checked.spec, self.looker.facts))

    def on_job_done(self, message: JobDone) -> None:
        """A longer question was answered, or not."""
        message.job.take(message)
        if isinstance(message.result, WizardError):
            self.tell_error(message.result)
        self._redraw()

    def measure(self) -> None:
        """Measure the disks that etcd would write to; the answers must be sound."""
        spec = self.checked.spec
        self.measuring.start(
            lambda: self.desk.measure(spec, prompter=self.prompter, say=self._say), about=spec
        )

    def ask_wire(self) -> None:
        """Ask the LAN who has the addresses of the plan; the answers must be sound."""
        spec = self.checked.spec
        self.wire.start(lambda: self.desk.ask_wire(spec, prompter=self.prompter), about=spec)

    def _say(self, text: str) -> None:
        from wizard.core.events import Note

        self.feed.put(Note(text=text))

    def _redraw(self) -> None:
        screen: object = self.screen
        if isinstance(screen, StageScreen) and screen.is_mounted:
            screen.fill_empty()
            screen.redraw()


BOTTOM = 2
"""Screens that stay: Textual's own empty one, and the stage that is shown."""
NOTICE_SECONDS = 12.0
"""How long it is shown what an answer changed elsewhere."""
DRAIN_SECONDS = 0.05
"""Events that come within this time are drawn together."""
