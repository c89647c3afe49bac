"""A desk on the simulated homelab of the engine's tests: every screen, every thread, no network, no waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

from steps import STEPS
from tests.practice.cluster import MACHINES, Cluster, cluster_text, yes
from tests.screens.simulated import SimulatedDesk
from wizard.core.desk import FaultMenu
from wizard.core.events import ChangeFinished, Event, RunFinished, Sink
from wizard.core.home import ClusterHome, prepare_home
from wizard.core.prompt import Prompter, Silent
from wizard.core.session import Session
from wizard.core.spec.model import ClusterSpec
from wizard.core.state import new_state
from wizard.core.store import StateStore


@dataclass(slots=True)
class Gate:
    """Holds the hosts still where a test wants to look, until it lets them go on."""

    at: Callable[[str, str], bool]
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, host: str, what: str) -> None:
        """Called by the simulated host before it does something, and after."""
        if self.at(host, what) and not self.go_on.is_set():
            self.reached.set()
            assert self.go_on.wait(600), f"nobody let {host} go on with {what}"


@dataclass(slots=True)
class PractisedDesk(SimulatedDesk):
    """As the wizard's own desks, with a `Cluster` behind it and the state in a real file."""

    cluster: Cluster
    folder: Path
    spec: Path = field(init=False)
    faults: FaultMenu | None = None
    extra: list[Sink] = field(default_factory=list)
    """More places where events go."""
    sessions: int = 0
    steady: bool = False
    """Times that are the same in every run: for pictures."""

    def __post_init__(self) -> None:
        self.spec = self.folder / "cluster.yaml"

    def home(self, name: str) -> ClusterHome:
        """Where the files are."""
        return ClusterHome(self.folder / "home" / name)

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """The wizard's own session, on simulated hosts."""
        home = self.home(spec.name)
        store = StateStore(home, writer="test")

        def emit(event: Event) -> None:
            event = steady(event) if self.steady else event
            for sink in (*sinks, *self.extra):
                sink(event)

        made = replace(
            self.cluster.session(spec),
            emit=emit,
            steps=STEPS,
            saver=store,
            state=new_state(spec.name, "test"),
        )
        self.sessions += 1
        if write:
            prepare_home(home)
            with store.lock():
                yield replace(made, state=store.load() or made.state)
                return
        yield replace(made, state=store.load() or made.state)


BEGAN, LASTED = 1_796_000_000.0, 412.0
"""When a run of a steady desk begins, seconds since the epoch, and how long it lasts."""


def steady(event: Event) -> Event:
    """An event with times that follow from what it is about, and from nothing else.

    Args:
        event: of a run.
    """
    if isinstance(event, RunFinished):
        return replace(event, at=BEGAN + LASTED, seconds=LASTED)
    if isinstance(event, ChangeFinished):
        return replace(event, at=BEGAN, seconds=1.0 + crc32(event.change.encode()) % 40)
    return replace(event, at=BEGAN)


def desk_with_answers(folder: Path, machines: str = MACHINES) -> PractisedDesk:
    """A desk whose spec is answered already: two hypervisors, a Pi, their guests.

    Args:
        folder: everything of it lies there.
        machines: the section of the spec.
    """
    cluster = Cluster.fresh(folder, machines=machines)
    desk = PractisedDesk(cluster, folder)
    desk.spec.write_text(cluster_text(folder / "key", machines=machines))
    return desk


def build(desk: PractisedDesk) -> None:
    """Build it without the screens."""
    with desk.session(desk.cluster.spec, prompter=Silent(), write=True) as session:
        assert session.apply(yes).status == "done"
