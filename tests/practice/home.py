"""The wizard's own steps on the practice homelab: what the command line composes, without its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from steps import STEPS
from steps.parse.facts import read_facts
from tests.specs import spec_text
from wizard.core.events import Event
from wizard.core.session import Session
from wizard.core.spec import ClusterSpec, parse_spec
from wizard.core.state import RunState, new_state
from wizard.practice.host import PracticeHosts
from wizard.practice.machine import Machine
from wizard.practice.world import homelab


@dataclass(slots=True)
class Home:
    """A homelab over several runs of the wizard; nothing is shared between two of these but what is told here."""

    spec: ClusterSpec
    machines: dict[str, Machine]
    hosts: PracticeHosts
    states: list[RunState] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @classmethod
    def fresh(cls, key: Path) -> Home:
        """Three hosts nobody has touched, and a key to log in with."""
        key.write_text("not a real key")
        key.chmod(0o600)
        # The recorded hosts are containers without /dev/kvm, so their spec says as the lab's does how guests run.
        text = spec_text(f"ssh: {{user: root, key: {key}}}")
        text = text.replace("role: hypervisor,", "role: hypervisor, guests: lxc,")
        spec, problems = parse_spec(text, source="practice")
        assert spec is not None, problems
        machines = homelab(spec)
        return cls(spec, machines, PracticeHosts(machines))

    def save(self, state: RunState) -> None:
        """Keep what the wizard remembers."""
        self.states.append(state)

    def session(self) -> Session:
        """The wizard, started anew."""
        return Session(
            spec=self.spec,
            hosts=self.hosts,
            steps=STEPS,
            state=self.states[-1] if self.states else new_state(self.spec.name, "test"),
            saver=self,
            read_facts=read_facts,
            emit=self.events.append,
            pauses=(0.0, 0.0),
        )


def yes(*_: object) -> bool:
    """Approve whatever is planned."""
    return True
