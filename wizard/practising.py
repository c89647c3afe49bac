"""`wizard practice`: any command on the simulated homelab, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.compose import RealDesk, home_named, run_screens
from wizard.core.dataclass import dataclass
from wizard.core.errors import ExitCode, HostError, UsageError
from wizard.core.events import RunFinished
from wizard.front.arguments import PRACTICE_SPEC, build_parser
from wizard.front.streams import tell, tell_error

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.draft import Draft
    from wizard.core.events import Event, Sink
    from wizard.core.prompt import Prompter
    from wizard.core.session import Session
    from wizard.core.spec import ClusterSpec
    from wizard.practice.fault_switches import FaultSwitches
    from wizard.practice.opening import Wish

REAL_ONLY = ("lab", "artifacts", "practice")
"""What does not stand after `--`: it has nothing to do with simulated hosts."""


@dataclass(frozen=True, slots=True)
class PracticeDesk(RealDesk):
    """The screens' way to simulated hosts."""

    named: Path | None = None
    """The folder as the person named it; None = the usual one."""

    @property
    def faults(self) -> FaultSwitches:
        """What goes wrong: what the command line named, until it is switched."""
        wish: Wish = self.options.practice
        if wish.switches is None:
            from wizard.practice.fault_switches import FaultSwitches

            wish = self.options.practice = replace(wish, switches=FaultSwitches(wish.faults))
        assert wish.switches is not None
        return wish.switches

    @property
    def note(self) -> str:
        """So that nobody takes it for the real thing, and what was asked to go wrong is not forgotten."""
        return f"practice: {self.faults.told}" if self.faults.told else "practice"

    @property
    def program(self) -> str:
        """As the person called it."""
        return f"{_again(self.named)} --"

    @property
    def asking(self) -> str:
        """As the person called it."""
        return f"{_again(self.named)} --plain"

    def begin(self) -> Draft:
        """The answers that suit the simulated hosts."""
        from wizard.core.draft import Draft

        return Draft.read(_spec_text(), source="practice")

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """A session on simulated hosts; what the command line let go wrong has gone wrong after the first run."""
        ends: list[Event] = []
        faults = self.faults
        with RealDesk.session(
            self, spec, prompter=prompter, sinks=(*sinks, partial(_hear_end, ends)), write=write
        ) as session:
            yield session
        if ends:
            faults.run_over()


def _hear_end(ends: list[Event], event: Event) -> None:
    if isinstance(event, RunFinished) and event.command == "apply":
        ends.append(event)


def run_practice(
    options: Options,
    asked: Sequence[str],
    commands: Mapping[str, Callable[[Options], int]],
    *,
    may_draw: bool,
) -> int:
    """Run a command on the simulated homelab; without one, set it up: at a terminal on the screens.

    Args:
        options: of `wizard practice`.
        asked: the words after `--`.
        commands: what each command runs.
        may_draw: the screens can be shown.

    Returns:
        Its exit code.

    Raises:
        WizardError: as the command itself, or the folder cannot be used.
    """
    if options.list_faults:
        return _list_faults()
    from wizard.front.terminal import at_terminal
    from wizard.practice.fault_list import check_names
    from wizard.practice.opening import Wish

    check_names(options.fault)
    inner = _inner(list(asked)) if asked else _alone(options, auto=options.auto or not at_terminal())
    asks = inner.command == "setup"
    options.dir = _folder(options.dir, getattr(inner, "dir", None))
    spec = _prepared(options, write=not asks)
    inner.dir, inner.practice = spec.parent, Wish(options.seed, options.speed, tuple(options.fault))
    if getattr(inner, "spec", None) is PRACTICE_SPEC:
        inner.spec = spec
    inner.plain, inner.events = inner.plain or options.plain, inner.events or options.events
    if not asks:
        return commands[inner.command](inner)
    desk = PracticeDesk(inner, options.dir)
    if may_draw and not (inner.auto or inner.plain or inner.answers):
        return run_screens(desk)
    return _in_lines(desk)


def _list_faults() -> int:
    from wizard.core.faultnames import fault_texts

    texts = fault_texts("practice")
    print("\n".join(f"{name:<{max(map(len, texts))}}  {text}" for name, text in texts.items()))  # noqa: T201
    return int(ExitCode.OK)


def _inner(words: list[str]) -> Options:
    """The command to be run, taken apart.

    Raises:
        UsageError: there is no such command, or it is nothing for simulated hosts.
    """
    if words[0] in REAL_ONLY:
        raise UsageError(
            f"wizard {words[0]} has nothing to do with the practice homelab.",
            where="wizard practice -- " + words[0],
            why="What stands after -- is run on simulated hosts.",
            do=("wizard practice -- doctor", f"wizard {words[0]} --help"),
        )
    inner = _parsed(words)
    if getattr(inner, "command", None) is None:
        raise UsageError(
            "No command stands after --.",
            where="wizard practice --",
            why=f"{words[0]} is none.",
            do="wizard practice -- doctor",
        )
    return inner


def _parsed(words: list[str]) -> Options:
    return build_parser(words[0], spec=PRACTICE_SPEC).parse_args(words)


def _alone(options: Options, *, auto: bool) -> Options:
    """`wizard practice` without a command: it is set up. Where nobody can be asked, what is recommended is taken."""
    inner = _parsed(["setup"])
    inner.auto, inner.answers = auto, options.answers
    return inner


def _in_lines(desk: PracticeDesk) -> int:
    """The questions one after another, as many as are left. Returns the exit code."""
    from wizard.front.questions.setup import run_questions

    try:
        code = run_questions(desk, answers=desk.options.answers, auto=desk.options.auto)
    except HostError as error:
        tell_error(error, before="\n")
        code = int(error.exit_code)
    if code != ExitCode.OK:
        tell(f"It can be resumed: {_again(desk.named)}")
    return code


def _folder(outer: Path | None, inner: Path | None) -> Path | None:
    """`--dir` may stand on either side of `--`.

    Raises:
        UsageError: two folders are named.
    """
    if outer and inner and outer.absolute() != inner.absolute():
        raise UsageError(
            "Two folders are named.",
            where=f"--dir {outer} ... -- ... --dir {inner}",
            why="The practice homelab lies in one folder, with everything the wizard keeps.",
            do="wizard practice --dir DIR -- doctor",
        )
    return outer or inner


def _prepared(options: Options, *, write: bool) -> Path:
    """The spec in the folder of practice; folder and spec are made where they are not there.

    The screens write the spec themselves, as it is answered.
    """
    from wizard.core.files import write_private
    from wizard.core.home import prepare_home

    home = home_named(options, "practice")
    prepare_home(home)
    spec = home.folder / "cluster.yaml"
    if write and not spec.exists():
        write_private(spec, _spec_text().encode())
    return spec


def _spec_text() -> str:
    from wizard.core.resources import asset_text

    return asset_text("practice/cluster.yaml")


def _again(folder: Path | None) -> str:
    return f"wizard practice{f' --dir {folder}' if folder else ''}"
