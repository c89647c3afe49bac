"""What the screens are given to work with: a spec file, and sessions on whatever hosts there are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from wizard.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wizard.core.context import Context
    from wizard.core.decide.addresses import PlannedAddress
    from wizard.core.decide.present_data import Present
    from wizard.core.decide.witness_report import WitnessReport
    from wizard.core.draft import Draft
    from wizard.core.events import Sink
    from wizard.core.home import ClusterHome
    from wizard.core.prompt import Prompter
    from wizard.core.session import Session
    from wizard.core.spec.model import ClusterSpec, HostSpec, SshSpec

Way = tuple[str, str, str, int | None, str]
"""Everything that decides how a host is reached."""


class Switch(StrEnum):
    """Whether a fault holds."""

    OFF = "off"
    ON = "on"
    NEXT = "next"
    """From the moment the next change is begun."""


@dataclass(frozen=True, slots=True)
class FaultChoice:
    """Something that can be made to go wrong."""

    name: str
    text: str
    """What happens, in a line."""
    where: str
    """The machines it happens to, or a word for what is none."""
    switch: Switch = Switch.OFF


class FaultMenu(Protocol):
    """What can be made to go wrong on request. Both methods may wait for hosts: never called by what draws."""

    def choices(self, spec: ClusterSpec) -> tuple[FaultChoice, ...]:
        """All of them, in the order in which they are told.

        Args:
            spec: may be half filled; it says which machines there are.
        """

    def turn(self, name: str, switch: Switch) -> None:
        """Switch one on or off, for what goes on now and for all that comes, until it is mended or switched off.

        Args:
            name: of a choice.
            switch: how it shall hold.
        """


class Desk(Protocol):
    """Real hosts and practice ones alike: the screens never know which."""

    @property
    def spec(self) -> Path:
        """The spec file, whether it is there yet or not."""

    @property
    def note(self) -> str:
        """What stands beside the name in the title, such as `practice`; empty = nothing."""

    @property
    def program(self) -> str:
        """What a command is written behind to reach these hosts: `wizard`, or `wizard practice --`."""

    @property
    def asking(self) -> str:
        """What asks for the answers in lines: `wizard setup --plain`, or `wizard practice --plain`."""

    @property
    def faults(self) -> FaultMenu | None:
        """What can be made to go wrong here; None = nothing, the hosts are as they are."""

    def begin(self) -> Draft:
        """The answers a new setup begins with."""

    def home(self, name: str) -> ClusterHome:
        """Where the files of the cluster of that name are kept."""

    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> AbstractContextManager[Session]:
        """A session on the hosts of a spec; entered and left by one thread, never by the one that draws.

        Args:
            spec: may be half filled while hosts are only looked at; sound for everything else.
            prompter: answers the transport's questions.
            sinks: where events go besides the log.
            write: hold the lock on the run state: for an apply.

        Raises:
            WizardError: as opening it would on the command line.
        """

    def measure(self, spec: ClusterSpec, *, prompter: Prompter, say: Callable[[str], None]) -> WitnessReport:
        """Measure the disks of etcd and the way between its members, and keep what was measured.

        Args:
            spec: a sound one.
            prompter: answers the transport's questions.
            say: told what is being done, line by line.

        Raises:
            WizardError: as `wizard witness` would.
        """

    def already_there(self, ctx: Context, host: str) -> tuple[Present, ...]:
        """What is on a host already and could meet what is built, each with what is answered to it.

        Args:
            ctx: of a session of this desk.
            host: its name.

        Raises:
            WizardError: it cannot be asked.
        """

    def ask_wire(self, spec: ClusterSpec, *, prompter: Prompter) -> tuple[PlannedAddress, ...]:
        """Every address of the plan with what the LAN says about it now, asked from the hypervisors.

        Args:
            spec: a sound one.
            prompter: answers the transport's questions.

        Raises:
            WizardError: as `wizard layout` would.
        """


def way_to(host: HostSpec, ssh: SshSpec) -> Way:
    """How a host is reached: what was seen by another way is of another host.

    Args:
        host: of the spec.
        ssh: what holds for all of them.
    """
    return (host.name, host.address, host.user or ssh.user, host.port, host.key or ssh.key)
