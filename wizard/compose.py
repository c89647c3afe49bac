"""The composition root: hosts, run state, steps and event sinks put together for one command."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.typed import TypedSecrets
from wizard.core.version import version

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.artifacts.access import ArtifactAccess
    from wizard.core.context import Context
    from wizard.core.decide.addresses import PlannedAddress
    from wizard.core.decide.present_data import Present
    from wizard.core.decide.wire import Wire
    from wizard.core.decide.wire_owners import Owners
    from wizard.core.decide.witness_report import WitnessReport
    from wizard.core.desk import Desk, FaultMenu
    from wizard.core.draft import Draft
    from wizard.core.engine.control import Control
    from wizard.core.events import Event, Sink
    from wizard.core.home import ClusterHome
    from wizard.core.prompt import Prompter
    from wizard.core.session import Session
    from wizard.core.spec import ClusterSpec
    from wizard.core.spec.model import MachineSpec
    from wizard.core.step import Step
    from wizard.front.jsonlines import JsonLines
    from wizard.practice.opening import Practice, Wish


@contextmanager
def open_session(options: Options, *, write: bool = False, extra: Sequence[Sink] = ()) -> Iterator[Session]:
    """A cluster's session: spec, hosts, run state, event sinks. With `write` the run state is locked."""
    with ExitStack() as stack:
        with _nothing_to_collect():
            session = _session(options, stack, write=write, extra=extra)
        yield session


@dataclass(frozen=True, slots=True)
class RealDesk:
    """The screens' way to real hosts.

    Args:
        options: of `wizard setup`.
        typed: passwords and passphrases that a person typed, for every session.
    """

    options: Options
    typed: TypedSecrets = field(default_factory=TypedSecrets, kw_only=True)

    @property
    def spec(self) -> Path:
        """The file named with `-f`."""
        path: Path = self.options.spec
        return path

    @property
    def note(self) -> str:
        """Nothing to add: this is the real thing."""
        return ""

    @property
    def program(self) -> str:
        """Commands stand alone."""
        return "wizard"

    @property
    def asking(self) -> str:
        """The setup in lines."""
        return "wizard setup --plain"

    @property
    def faults(self) -> FaultMenu | None:
        """Real hosts break by themselves."""
        return None

    def begin(self) -> Draft:
        """The answers that suit nearly everybody."""
        from wizard.core.draft import Draft

        return Draft.new()

    def home(self, name: str) -> ClusterHome:
        """The cluster's folder."""
        return home_named(self.options, name)

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """A session on the spec's hosts over SSH."""
        with ExitStack() as stack:
            yield _session(
                self.options,
                stack,
                write=write,
                extra=sinks,
                spec=spec,
                prompter=prompter,
                typed=self.typed,
            )

    def measure(self, spec: ClusterSpec, *, prompter: Prompter, say: Callable[[str], None]) -> WitnessReport:
        """As `wizard witness` does."""
        from steps.witness import run_witness

        with self.session(spec, prompter=prompter, write=True) as session:
            return run_witness(session, say)

    def already_there(self, ctx: Context, host: str) -> tuple[Present, ...]:
        """As `wizard facts` does."""
        from steps.present import already_there

        return already_there(ctx, host)

    def ask_wire(self, spec: ClusterSpec, *, prompter: Prompter) -> tuple[PlannedAddress, ...]:
        """As `wizard layout` does."""
        from wizard.core.decide.layout import make_layout
        from wizard.core.decide.wire_verdict import with_wire

        with self.session(spec, prompter=prompter) as session:
            ctx = session.facts()
            seen = {host.name: ctx.try_facts(host.name) for host in spec.hypervisors}
            facts = {name: one for name, one in seen.items() if not isinstance(one, Exception)}
            layout = make_layout(spec, facts, session.state.layout)
            wire, owners, keep = ask_wire(session, ctx, layout.machines, last=False)
            keep()
            return with_wire(layout, spec, wire, owners).addresses


def run_screens(desk: Desk) -> int:
    """Run the wizard on a terminal, from the first screen to the last.

    Args:
        desk: where it works: real hosts, or practice.

    Returns:
        The exit code.
    """
    with _nothing_to_collect():
        from screens.app import WizardApp

        app = WizardApp(desk, behind=load_behind)
        app.run()
    if app.install is not None and app.install.active:
        from wizard.front.streams import tell

        tell("Saving where the run is ...")
    app.settled()
    return app.return_code or 0


def load_behind() -> None:
    """Load what the first screen does not need while it is read.

    What is loaded stays: looked through for garbage again and again, it would stop the screens for a tenth of a second
    and more each time (measured: 70 to 270 ms for 120,000 objects).
    """
    from importlib import import_module

    from screens.warm import warm_up

    warm_up()
    for name in ("wizard.core.store", "wizard.core.session", "steps"):
        import_module(name)
    gc.freeze()
    gc.enable()


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """While modules are loaded nothing becomes garbage, and looking for it takes a twentieth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _session(
    options: Options,
    stack: ExitStack,
    *,
    write: bool,
    extra: Sequence[Sink],
    spec: ClusterSpec | None = None,
    prompter: Prompter | None = None,
    typed: TypedSecrets | None = None,
) -> Session:
    from wizard.compose_hosts import cluster_admin, cluster_api, ssh_hosts
    from wizard.core.home import check_home, prepare_home
    from wizard.core.spec import load_spec
    from wizard.core.store import StateStore
    from wizard.core.store.secrets import FileSecrets
    from wizard.front.jsonlines import JsonLines
    from wizard.front.plain import tell_note

    spec = spec or load_spec(options.spec)
    home = home_named(options, spec.name)
    store = StateStore(home, writer=version())
    sinks = list(extra)
    if options.events:
        sinks.append(_closing(stack, JsonLines(options.events)))
    if write:
        prepare_home(home)
        stack.enter_context(store.lock())
        sinks.append(_closing(stack, JsonLines(home.events)))
    else:
        check_home(home)
        if prompter is None:
            sinks.append(tell_note)
    state = store.load(accept_edited=getattr(options, "accept_edited", False))
    emit = _fan_out(sinks)
    secrets = FileSecrets(home.secrets)
    practice = _practice(options, spec, home, stack, prompter)
    hosts = practice.hosts if practice else ssh_hosts(options, spec, home, secrets, emit, prompter, typed)
    stack.callback(hosts.close)
    hosts.read_ahead(_asked_anyway(options, spec), "read/facts")
    # The hosts answer while this is loaded.
    from steps.parse.facts import read_facts
    from wizard.core.engine.control import Control
    from wizard.core.measurements import FileMeasurements
    from wizard.core.session import Session
    from wizard.core.state import new_state

    control = practice.control if practice else Control()
    files = practice.artifacts if practice else _artifacts(options, spec, home, control, emit)
    admin = cluster_admin(options.command, hosts, secrets, emit, keep=write)
    api = practice.ask_as(admin) if practice else cluster_api(spec, admin)
    stack.callback(api.close)
    return Session(
        spec=spec,
        hosts=hosts,
        steps=_steps(options.command),
        state=state or new_state(spec.name, version()),
        saver=store,
        read_facts=read_facts,
        emit=emit,
        control=control,
        secrets=secrets,
        artifacts=files,
        measurements=FileMeasurements(home),
        kubernetes=api,
        admin=admin,
    )


def _practice(
    options: Options, spec: ClusterSpec, home: ClusterHome, stack: ExitStack, prompter: Prompter | None
) -> Practice | None:
    """The simulated homelab in place of real hosts, where the command was called by `wizard practice`."""
    wish: Wish | None = getattr(options, "practice", None)
    if wish is None:
        return None
    from wizard.practice.opening import no_proxies, open_practice

    stack.enter_context(no_proxies())
    practice = open_practice(home.folder, spec, wish, prompter or _person())
    stack.callback(practice.close)
    return practice


def _person() -> Prompter | None:
    """Whoever sits at the terminal."""
    from wizard.front.terminal import TerminalPrompter, at_terminal

    return TerminalPrompter() if at_terminal() else None


def _steps(command: str) -> Sequence[Step]:
    """The stages a command passes through. Facts are of no stage, and loading all of them takes a fifth of its time."""
    if command == "facts":
        return ()
    from steps import STEPS

    return STEPS


_LOOKING = ("plan", "apply", "doctor", "storage", "layout", "prove", "witness")
"""Commands that read the facts of every host."""


def _asked_anyway(options: Options, spec: ClusterSpec) -> list[str]:
    """The hosts whose facts a command reads whatever else it finds; none of a command that may yet be refused."""
    known = [host.name for host in spec.hosts]
    if options.command == "facts":
        named: list[str] = options.host or known
        return list(dict.fromkeys(named)) if set(named) <= set(known) else []
    if options.command == "doctor" and options.list:
        return []
    return known if options.command in _LOOKING else []


def ask_wire(
    session: Session, ctx: Context, machines: Sequence[MachineSpec], *, last: bool
) -> tuple[Wire, Owners, Callable[[], None]]:
    """What the wire says now, or said last; whose cards are whose; and how to keep what was measured.

    Args:
        session: of the cluster.
        ctx: this pass, with the facts of all hosts.
        machines: the spec's, or the proposal's.
        last: ask nobody.
    """
    from steps.wire import hear, known_owners
    from wizard.core.decide.wire_kept import last_wire, measurements_of
    from wizard.core.facts import HostFacts

    owners = known_owners(ctx, machines)
    names = [host.name for host in session.spec.hypervisors]
    if last:
        return last_wire(session.measurements, names), owners, lambda: None
    wire = hear(ctx, machines)
    # A host that is away says nothing new: what it said last stays.
    answered = {name for name in names if isinstance(ctx.try_facts(name), HostFacts)}
    found = [one for one in measurements_of(wire) if one.host in answered]
    return wire, owners, partial(session.measurements.keep, found)


def artifacts_folder(options: Options, spec: ClusterSpec) -> Path | None:
    """The folder files are taken from: `--artifacts`, which has to hold all of them, before the spec's own."""
    named = getattr(options, "artifacts", None)
    if named is None and spec.artifacts.dir:
        named = Path(spec.artifacts.dir).expanduser()
    return named


def _artifacts(
    options: Options, spec: ClusterSpec, home: ClusterHome, control: Control, emit: Sink
) -> ArtifactAccess:
    from wizard.artifacts.access import ArtifactAccess
    from wizard.artifacts.location import cache_root
    from wizard.core.events import Note

    moved = options.dir or (Path(os.environ["WIZARD_HOME"]) if os.environ.get("WIZARD_HOME") else None)
    return ArtifactAccess(
        lock=home.artifacts_lock,
        cache=cache_root(os.environ, moved),
        folder=artifacts_folder(options, spec),
        sealed=getattr(options, "artifacts", None) is not None,
        accept_built=spec.artifacts.accept_built,
        cancelled=control.detach,
        talk=lambda text: emit(Note(text=text)),
    )


def _closing(stack: ExitStack, sink: JsonLines) -> JsonLines:
    stack.callback(sink.close)
    return sink


def _fan_out(sinks: Sequence[Sink]) -> Sink:
    def emit(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return emit


def home_named(options: Options, name: str) -> ClusterHome:
    """The folder of a cluster, wherever `--dir` and the environment put it."""
    from wizard.core.home import cluster_home

    return cluster_home(name, dir_option=options.dir, env=os.environ)
