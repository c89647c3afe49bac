"""A desk on the simulated homelab of the engine's tests: every screen, every thread, no network, no waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from steps import STEPS
from steps.witness import run_witness
from tests.practice.cluster import MACHINES, Cluster, cluster_text, yes
from wizard.compose import ask_wire
from wizard.core.decide.addresses import PlannedAddress
from wizard.core.decide.layout import make_layout
from wizard.core.decide.wire_verdict import with_wire
from wizard.core.decide.witness_report import WitnessReport
from wizard.core.desk import FaultMenu
from wizard.core.draft import Draft
from wizard.core.events import Event, Sink
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
class PractisedDesk:
    """As the wizard's own desks, with a `Cluster` behind it and the state in a real file."""

    cluster: Cluster
    folder: Path
    spec: Path = field(init=False)
    note: str = "practice"
    program: str = "wizard practice --"
    asking: str = "wizard practice --plain"
    faults: FaultMenu | None = None
    extra: list[Sink] = field(default_factory=list)
    """More places where events go."""
    sessions: int = 0

    def __post_init__(self) -> None:
        self.spec = self.folder / "cluster.yaml"

    def begin(self) -> Draft:
        """The answers of a new setup."""
        return Draft.new()

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

    def measure(self, spec: ClusterSpec, *, prompter: Prompter, say: Callable[[str], None]) -> WitnessReport:
        """As `wizard witness` does."""
        with self.session(spec, prompter=prompter, write=True) as session:
            return run_witness(session, say)

    def ask_wire(self, spec: ClusterSpec, *, prompter: Prompter) -> tuple[PlannedAddress, ...]:
        """As `wizard layout` does."""
        with self.session(spec, prompter=prompter) as session:
            ctx = session.facts()
            facts = {host.name: ctx.facts(host.name) for host in spec.hypervisors}
            layout = make_layout(spec, facts, session.state.layout)
            wire, owners, keep = ask_wire(session, ctx, layout.machines, last=False)
            keep()
            return with_wire(layout, spec, wire, owners).addresses


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
