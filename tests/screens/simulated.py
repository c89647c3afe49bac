"""What the tests' desks have in common: what follows from a session of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from steps.present import already_there
from steps.witness import run_witness
from wizard.compose import ask_wire
from wizard.core.context import Context
from wizard.core.decide.addresses import PlannedAddress
from wizard.core.decide.layout import make_layout
from wizard.core.decide.present_data import Present
from wizard.core.decide.wire_verdict import with_wire
from wizard.core.decide.witness_report import WitnessReport
from wizard.core.draft import Draft
from wizard.core.events import Sink
from wizard.core.prompt import Prompter
from wizard.core.session import Session
from wizard.core.spec.model import ClusterSpec


class SimulatedDesk:
    """A desk on simulated hosts; which ones, its `session` says."""

    __slots__ = ()
    note = "practice"
    program = "wizard practice --"
    asking = "wizard practice --plain"

    def begin(self) -> Draft:
        """As for real hosts."""
        return Draft.new()

    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> AbstractContextManager[Session]:
        """A session on the simulated hosts."""
        raise NotImplementedError

    def already_there(self, ctx: Context, host: str) -> tuple[Present, ...]:
        """As `wizard facts` does."""
        return already_there(ctx, host)

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
