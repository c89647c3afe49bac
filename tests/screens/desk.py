"""A desk on practice hosts: what compose supplies for real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from steps import STEPS
from steps.parse.facts import read_facts
from tests.screens.simulated import SimulatedDesk
from wizard.core.desk import FaultMenu
from wizard.core.events import Event, Sink
from wizard.core.facts import GIB, Cpu, HostFacts, Memory
from wizard.core.home import ClusterHome
from wizard.core.host import Reader
from wizard.core.prompt import Prompter
from wizard.core.session import Session
from wizard.core.spec.model import ClusterSpec
from wizard.core.state import RunState, new_state
from wizard.practice.host import PracticeHosts
from wizard.practice.machine import Machine
from wizard.practice.world import homelab

LAN = "10.213.99"
ADDRESSES = {"tower-a": f"{LAN}.11", "tower-b": f"{LAN}.12", "pi": f"{LAN}.13"}


@dataclass(slots=True)
class PracticeDesk(SimulatedDesk):
    """Practice machines that come into being with the spec that first names them."""

    folder: Path
    faults: FaultMenu | None = None
    machines: dict[str, Machine] = field(default_factory=dict)
    states: list[RunState] = field(default_factory=list)
    steady: bool = False
    """Facts that do not change when hosts are recorded anew: for pictures."""
    before: Callable[[Prompter], None] | None = None
    """What happens before hosts answer: a question for the person."""

    @property
    def spec(self) -> Path:
        """The spec file."""
        return self.folder / "cluster.yaml"

    def home(self, name: str) -> ClusterHome:
        """Beside the spec."""
        return ClusterHome(self.folder / name)

    def save(self, state: RunState) -> None:
        """Keep what the wizard remembers."""
        self.states.append(state)

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """A session on the practice machines."""
        if self.before is not None:
            self.before(prompter)
        self.machines = self.machines or homelab(spec)

        def emit(event: Event) -> None:
            for sink in sinks:
                sink(event)

        yield Session(
            spec=spec,
            hosts=PracticeHosts(self.machines),
            steps=STEPS,
            state=self.states[-1] if self.states else new_state(spec.name, "test"),
            saver=self,
            read_facts=_steady if self.steady else read_facts,
            emit=emit,
            pauses=(0.0, 0.0),
        )


def _steady(host: Reader) -> HostFacts:
    """The facts, with everything that depends on the machine they were recorded on replaced."""
    facts = read_facts(host)
    room = tuple(replace(one, size=500 * 10**9, free=400 * 10**9) for one in facts.filesystems)
    return replace(
        facts,
        cpu=Cpu("AMD Ryzen 5 5600G", 6, 12, "svm"),
        memory=Memory(32 * GIB, 28 * GIB, 0, 0),
        libvirt=replace(facts.libvirt, version="11.3.0"),
        virtualisation=replace(facts.virtualisation, kvm=True),
        filesystems=room,
        clock=replace(facts.clock, offset=0.0),
        nics=tuple(replace(nic, speed_mbit=10_000) for nic in facts.nics),
        notes=(),
    )
