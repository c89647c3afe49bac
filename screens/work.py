"""What goes on in threads while the screens are looked at: one run that changes things, and looks that only read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

from wizard.core.errors import CancelledError, WizardError
from wizard.core.view.feed import Feed
from wizard.core.view.run_text import Leaving

if TYPE_CHECKING:
    from wizard.core.check import Finding
    from wizard.core.desk import Desk
    from wizard.core.engine.apply import ApplyResult
    from wizard.core.engine.plan import Plan
    from wizard.core.engine.resume import Standing
    from wizard.core.events import Sink
    from wizard.core.prompt import Prompter
    from wizard.core.session import Session
    from wizard.core.spec.model import ClusterSpec

T = TypeVar("T")

GRACE_SECONDS = 5.0
"""How long quitting waits for a run that was let go to save where it is."""


class Job(Generic[T]):
    """Something done in a thread of its own, that can be let go of.

    Args:
        desk: where sessions come from.
        prompter: answers the transport's questions.
        spec: what the session is about.
        told: called from the thread when it has ended.
    """

    write = False

    def __init__(self, desk: Desk, prompter: Prompter, spec: ClusterSpec, told: Callable[[], None]) -> None:
        self.spec = spec
        self._desk, self._prompter, self._told = desk, prompter, told
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=type(self).__name__.lower())
        self._future: Future[T] | None = None
        self._gone = threading.Event()
        self._guard = threading.Lock()
        self._session: Session | None = None

    def start(self) -> None:
        """Begin."""
        self._future = self._pool.submit(self._whole)
        self._future.add_done_callback(lambda _: self._told())
        self._pool.shutdown(wait=False)

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self._future is not None and not self._future.done()

    @property
    def result(self) -> T | None:
        """What it came to; None while it goes on and where it failed."""
        if self._future is None or not self._future.done() or self._future.exception():
            return None
        return self._future.result()

    @property
    def error(self) -> WizardError | None:
        """What ended it."""
        if self._future is None or not self._future.done():
            return None
        found = self._future.exception()
        return found if found is None or isinstance(found, WizardError) else defect(found)

    def let_go(self) -> None:
        """End it at once: its connections are closed, what runs on a host goes on there."""
        self._gone.set()
        with self._guard:
            session = self._session
        if session is not None:
            session.control.let_go()
            # Closing waits for whoever holds a connection: not on the thread that draws.
            threading.Thread(target=session.hosts.close, daemon=True, name="letting-go").start()

    def wait(self, seconds: float = GRACE_SECONDS) -> bool:
        """Wait until it has ended.

        Args:
            seconds: at most.
        """
        from concurrent.futures import wait

        return self._future is None or bool(wait([self._future], timeout=seconds).done)

    def sinks(self) -> tuple[Sink, ...]:
        """Where its events go besides the log."""
        return ()

    def work(self, session: Session) -> T:
        """What is done with the session."""
        raise NotImplementedError

    def _whole(self) -> T:
        with self._desk.session(
            self.spec, prompter=self._prompter, sinks=self.sinks(), write=self.write
        ) as session:
            with self._guard:
                self._session = session
            if self._gone.is_set():
                raise let_go_error()
            return self.work(session)


class Look(Job[T]):
    """Something that only reads.

    Args:
        desk: as of every job.
        prompter: as of every job.
        spec: as of every job.
        told: as of every job.
        look: what is read.
    """

    def __init__(
        self,
        desk: Desk,
        prompter: Prompter,
        spec: ClusterSpec,
        told: Callable[[], None],
        look: Callable[[Session], T],
    ) -> None:
        super().__init__(desk, prompter, spec, told)
        self._look = look

    def work(self, session: Session) -> T:
        """Read it."""
        return self._look(session)


class Run(Job["ApplyResult"]):
    """An apply. It belongs to the app: screens come and go, it goes on.

    Args:
        desk: as of every job.
        prompter: as of every job.
        spec: as of every job.
        told: as of every job.
        approved: what the person agreed to see destroyed, as the review showed it.
        ask: asked from the thread where the plan under the lock destroys anything else.
        wake: as of `wizard.core.view.feed.Feed`.
        mends: findings of one check; then nothing else is done than what mends them.
    """

    write = True

    def __init__(
        self,
        desk: Desk,
        prompter: Prompter,
        spec: ClusterSpec,
        told: Callable[[], None],
        *,
        approved: frozenset[str],
        ask: Callable[[Plan], bool],
        wake: Callable[[], None] = lambda: None,
        mends: Sequence[Finding] = (),
    ) -> None:
        super().__init__(desk, prompter, spec, told)
        self.feed = Feed(wake=wake)
        self.mends = tuple(mends)
        self._approved, self._ask = approved, ask
        self.plan: Plan | None = None
        """What is being carried out, once it is known."""
        self._stopping = False

    @property
    def leaving(self) -> Leaving:
        """Whether it was asked to end."""
        if self._gone.is_set():
            return Leaving.NOW
        return Leaving.AFTER_THIS if self._stopping else Leaving.NO

    def stop(self) -> None:
        """Once = end after the current changes; twice = let go now."""
        if self._stopping:
            self.let_go()
            return
        self._stopping = True
        with self._guard:
            if self._session is not None:
                self._session.control.request()

    def sinks(self) -> tuple[Sink, ...]:
        """The picture of the run."""
        return (self.feed,)

    def work(self, session: Session) -> ApplyResult:
        """Bring it about."""
        if self._stopping:
            session.control.request()
        return session.repair(self.mends, self._approve) if self.mends else session.apply(self._approve)

    def _approve(self, plan: Plan, _left: Standing) -> bool:
        """The plan the person saw may have become another one: what else it would destroy is asked about."""
        if not destroyed(plan) <= self._approved and not self._ask(plan):
            return False
        self.plan = plan
        self.feed.expect(plan)
        return True


def destroyed(plan: Plan) -> frozenset[str]:
    """Everything a plan destroys, as it is told.

    Args:
        plan: as made.
    """
    return frozenset(loss for item in plan.steps for change in item.changes for loss in change.destroys)


def let_go_error() -> CancelledError:
    """What is said of something that was let go of before it began."""
    return CancelledError(
        "Stopped as you asked.", where="before anything was begun", why="The wizard was left.", do="wizard"
    )


def defect(found: BaseException) -> WizardError:
    """A defect of ours, told as one.

    Args:
        found: what was raised.
    """
    return WizardError(
        "This is a defect of the wizard, not of your homelab.",
        where=type(found).__name__,
        why=str(found) or "no further word",
        do="Report it with the output of `wizard state show --json`.",
        again="Running again is safe: what was begun is saved and looked at first.",
    )
