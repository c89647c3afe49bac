"""What a named fault works with: the world, what is about to happen in it, and who is who."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from wizard.core.dataclass import dataclass
from wizard.core.secrets import Secrets
from wizard.core.spec import ClusterSpec
from wizard.practice.artifacts import PracticeArtifacts
from wizard.practice.faults import Faults, Moment
from wizard.practice.machine import Machine
from wizard.practice.traces import Traces
from wizard.practice.world import World


class NobodyThereError(LookupError):
    """The spec is half filled: the host or guest that a fault happens to is not in it yet."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The simulated homelab before a run that something shall go wrong in."""

    spec: ClusterSpec
    world: World
    faults: Faults
    """What is done to links and scripts; it ends with the run."""
    traces: Traces
    """What is done to the world: kept apart from what the run does, so that it ends with the run, too."""
    artifacts: PracticeArtifacts
    secrets: Secrets
    keep: Callable[[], None]
    """Write the world as it is now: for what outlives the run, as an empty /run does."""

    def of(self, fault: str) -> Scene:
        """The same, as one fault works with it.

        Args:
            fault: its name, which its traces bear.
        """
        return replace(self, traces=self.traces.by(fault))

    def renew(self) -> None:
        """Take back whatever the faults did; what outlives a run stays."""
        with self.world.guard:
            self.traces.take_back()
            self.world.hangs.clear()
        self.artifacts.wrong.clear()
        self.faults.clear()

    @property
    def tower(self) -> Machine:
        """The hypervisor that things happen to: the last one of the spec."""
        return self._machine([host.name for host in self.spec.hypervisors])

    @property
    def witness(self) -> Machine:
        """The witness."""
        return self._machine([host.name for host in self.spec.hosts if host.role == "witness"])

    @property
    def unraid(self) -> Machine:
        """The first host with Unraid."""
        return self._machine(
            [host.name for host in self.spec.hosts if self.world.machines[host.name].unraid][:1]
        )

    @property
    def guest(self) -> Machine:
        """The guest that things happen to: the etcd member on `tower`, or its first guest."""
        ours = [one for one in self.spec.machines if one.host == self.tower.name]
        return self._machine([one.name for one in sorted(ours, key=lambda one: one.role == "etcd")])

    @property
    def server(self) -> Machine:
        """The K3s server on `tower`."""
        ours = [one for one in self.spec.machines if (one.host, one.role) == (self.tower.name, "server")]
        return self._machine([one.name for one in ours])

    @property
    def agent(self) -> Machine:
        """The last K3s agent on `tower`."""
        ours = [one for one in self.spec.nodes() if one.role != "server"]
        return self._machine([one.name for one in ours if one.host == self.tower.name])

    @property
    def hosts(self) -> list[Machine]:
        """Every host of the spec, its guests aside."""
        return [self.world.machines[one.name] for one in self.spec.hosts]

    @property
    def first(self) -> Machine:
        """The first hypervisor."""
        return self._machine([host.name for host in self.spec.hypervisors][:1])

    @property
    def vm_dir(self) -> str:
        """Where the guests of `tower` lie."""
        host = next(one for one in self.spec.hosts if one.name == self.tower.name)
        return host.vm_dir or "/var/lib/libvirt/images"

    @property
    def etcd_dir(self) -> str:
        """Where the witness keeps etcd's data."""
        host = next(one for one in self.spec.hosts if one.name == self.witness.name)
        return host.etcd_dir or "/var/lib/etcd"

    def section(self, host: Machine, name: str, rows: Iterable[str]) -> None:
        """Let a host's facts say something else.

        Args:
            host: whose.
            name: of the section, as read/facts names it.
            rows: its lines.
        """
        self.traces.put(host.sections, name, tuple(rows))

    def reword(self, host: Machine, name: str, words: Mapping[str, str]) -> None:
        """Let a host's facts say other words; a line with a word that becomes empty is left out.

        Args:
            host: whose.
            name: of the section.
            words: what stands there, and what shall stand there.
        """
        rows = host.sections.get(name, ())
        for old, new in words.items():
            rows = tuple(row.replace(old, new) for row in rows if new or old not in row)
        self.section(host, name, rows)

    def _machine(self, names: Sequence[str]) -> Machine:
        if not names:
            raise NobodyThereError
        return self.world.machines[names[-1]]

    def at(
        self, script: str, act: Callable[[], None], *, host: Machine | None = None, number: int = 1
    ) -> None:
        """Do something just before a host runs a script; what it raises is what the wizard meets.

        Args:
            script: e.g. `do/guest-create`; with `after ` before it: when it has run and nobody heard of it yet.
            act: what happens, once.
            host: which host runs it; None = any.
            number: the how-manieth time.
        """
        self.faults.moments.append(Moment(host.name if host else "", script, act, number))
