"""What the app owns besides its screens: the run, and the looks that only read. Screens come and go, these go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App
from textual.message import Message
from textual.timer import Timer

from screens.prompter import DialogPrompter
from wizard.core.dataclass import dataclass
from wizard.core.errors import WizardError
from wizard.core.version import version

if TYPE_CHECKING:
    from screens.log import RunLog
    from screens.looking import Looker
    from screens.work import Job, Look, Run
    from wizard.core.check import Finding
    from wizard.core.desk import Desk
    from wizard.core.draft import Checked
    from wizard.core.engine.plan import Plan
    from wizard.core.session import Session
    from wizard.core.spec.model import ClusterSpec
    from wizard.core.state import ApprovedLayout, RunState
    from wizard.core.view.feed import Drained
    from wizard.core.view.progress import RunView
    from wizard.core.view.topology import Topology

T = TypeVar("T")

TICK_SECONDS = 0.1
"""What a run says within this time is drawn together: as soon as a person notices, and no sooner."""
CLOCK_SECONDS = 1.0
"""How often the time a run has taken is drawn, where it says nothing."""


@dataclass()
class JobEnded(Message):
    """A job has ended.

    Attributes:
        job: which one.
        came: what is called on the drawing thread.
    """

    job: Job[Any]
    came: Callable[[], None]


class Working(App[int]):
    """The part of the app that has to do with threads."""

    desk: Desk
    prompter: DialogPrompter
    log_lines: RunLog
    busy: str
    looker: Looker

    def __init__(self) -> None:
        super().__init__()
        self.install: Run | None = None
        """The run that goes on, or the last one."""
        self.left: RunState | None = None
        """What an earlier run left half done; None = nothing."""
        self.approved: ApprovedLayout | None = None
        """The guests that were agreed on at the last run; None = nothing was agreed on yet."""
        self._jobs: list[Job[Any]] = []
        self._ticks: Timer | None = None

    @property
    def checked(self) -> Checked:
        """What the answers mean."""
        raise NotImplementedError

    def go(self, stage: str) -> None:
        """Show a stage.

        Args:
            stage: its id.
        """
        raise NotImplementedError

    def remember(self, name: str) -> WizardError | None:
        """Look what an earlier run agreed on, and whether it was left half done.

        Args:
            name: of the cluster; empty where it has no sound one.

        Returns:
            What kept us from knowing.
        """
        if not name:
            return None
        try:
            home = self.desk.home(name)
            if home.state.exists() or home.state_backup.exists():
                from wizard.core.store import StateStore
                from wizard.core.view.resume import half_done

                state = StateStore(home, writer=version()).load()
                self.left = state if half_done(state) else None
                self.approved = state.layout if state else None
        except WizardError as error:
            return error
        return None

    def wanted(self) -> ClusterSpec:
        """What is built or was built, with the machines that were agreed on or are proposed."""
        from wizard.core.decide.approved import with_approved
        from wizard.core.decide.layout import effective_machines

        spec = self.install.spec if self.install is not None else self.checked.spec
        spec = with_approved(spec, self.approved)
        return replace(spec, machines=effective_machines(spec, self.looker.facts))

    def picture(self, view: RunView | None = None, findings: Sequence[Finding] = ()) -> Topology:
        """The homelab as far as it is known.

        Args:
            view: of a run.
            findings: of doctor.
        """
        from wizard.core.view.topology import topology

        spec = self.wanted()
        return topology(spec, spec.machines, view, findings)

    def tell_error(self, error: WizardError) -> None:
        """Show what went wrong, over whatever is shown."""
        from screens.dialogs import ErrorDialog

        self.push_screen(ErrorDialog(error))

    # --- looks ------------------------------------------------------------------------------------------------

    def look(self, read: Callable[[Session], T], came: Callable[[], None]) -> Look[T]:
        """Read something from the hosts of the answers, in a thread.

        Args:
            read: what is read.
            came: called on the drawing thread once it has ended.
        """
        from screens.work import Look

        job = Look(self.desk, self.prompter, self.checked.spec, lambda: self._ended(job, came), read)
        self._begin(job)
        return job

    def doctor(self) -> None:
        """Ask doctor, over whatever is shown."""
        from screens.doctor import DoctorScreen

        if not isinstance(self.screen, DoctorScreen):
            self.push_screen(DoctorScreen())

    def _begin(self, job: Job[Any]) -> None:
        self._jobs.append(job)
        job.start()

    def _ended(self, job: Job[Any], came: Callable[[], None]) -> None:
        """Called by the job's thread."""
        self.post_message(JobEnded(job, came))

    def on_job_ended(self, message: JobEnded) -> None:
        """Whoever began it is told."""
        if message.job in self._jobs:
            self._jobs.remove(message.job)
        message.came()

    # --- the run ----------------------------------------------------------------------------------------------

    def build(self, approved: frozenset[str], mends: Sequence[Finding] = ()) -> None:
        """Bring about what is missing, and show how it goes.

        Args:
            approved: what the person agreed to see destroyed.
            mends: only what mends these findings of one check.
        """
        from screens.work import Run

        if self.install is None or not self.install.active:
            run = Run(
                self.desk,
                self.prompter,
                self.checked.spec,
                lambda: self._ended(run, self._run_ended),
                approved=approved,
                ask=self._ask_again,
                wake=self._run_says,
                mends=mends,
            )
            self.install, self.busy = run, "A repair" if mends else "The install"
            self._begin(run)
            self._ticks = self._ticks or self.set_interval(CLOCK_SECONDS, self._tick)
            self._ticks.resume()
        self.go("run")

    def _ask_again(self, plan: Plan) -> bool:
        """Called by the run's thread: the plan destroys something that was not shown before."""
        from screens.review import typed_dialog

        answer: bool | None = self.prompter.ask(typed_dialog(plan))
        return bool(answer)

    def _run_says(self) -> None:
        """Called by the run's threads: something waits to be drawn."""
        self.call_later(self._tick_soon)

    def _tick_soon(self) -> None:
        self.set_timer(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        if self.install is not None:
            self._show(self.install.feed.drain())

    def _show(self, drained: Drained) -> None:
        if drained.lines:
            self.log_lines.add(drained.lines)
        for screen in self.screen_stack:
            progressed = getattr(screen, "progressed", None)
            if progressed is not None and screen.is_mounted:
                progressed(drained)

    def _run_ended(self) -> None:
        run = self.install
        assert run is not None
        self.busy = ""
        error = self.remember(run.spec.name)
        if self._ticks is not None:
            self._ticks.pause()
        drained = run.feed.drain()
        self._show(replace(drained, changed=True))
        status = drained.view.status
        if status == "done" and getattr(self.screen, "STAGE", "") == "run":
            self._after(run)
        elif getattr(self.screen, "STAGE", "") != "run":
            what = "repair" if run.mends else "run"
            done = "What doctor found is mended." if run.mends else "The homelab is built."
            said = {"done": done, "stopped": f"The {what} was stopped."}
            text = said.get(status, f"The {what} did not come to its end.")
            self.notify(text, title=f"The {what}", markup=False)
        error = run.error or error
        if error is not None and getattr(self.screen, "STAGE", "") != "run":
            self.tell_error(error)

    def _after(self, run: Run) -> None:
        """What was built; or, after a repair, what doctor makes of it."""
        if run.mends:
            self.doctor()
        else:
            self.go("done")

    # --- leaving ----------------------------------------------------------------------------------------------

    def let_go(self) -> None:
        """End everything in threads at once; what runs on a host goes on there."""
        if self._ticks is not None:
            self._ticks.stop()
        for job in list(self._jobs):
            job.let_go()

    def settled(self) -> bool:
        """Wait until the run has saved where it is, for a grace period; after the screens are gone."""
        return self.install is None or self.install.wait()
