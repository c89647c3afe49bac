"""Every command and option of the command line. Nothing heavy is imported to print the help."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from wizard.core.errors import UsageError
from wizard.core.version import version

EPILOG = """\
exit codes: 0 fine, 1 something failed, 2 the spec or the call is wrong, 3 a host cannot be
reached or trusted, 4 the run state is locked, corrupt or too new, 10 plan: there is something
to do, 130 cancelled. stdout is data, stderr is talk."""


class Parser(argparse.ArgumentParser):
    """Tells a wrong call as every other error is told."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "The call is not understood.",
            where=self.prog,
            why=message,
            do=f"{self.prog} --help",
        )


SPEC = Path("cluster.yaml")
"""Where the spec lies unless `-f` says otherwise."""

PRACTICE_SPEC = Path("DIR/cluster.yaml")
"""The same for a command that `wizard practice` runs; it stands for the file in the folder of practice."""


def build_parser(asked: str | None = None, *, spec: Path = SPEC) -> Parser:
    """Every command and option; nothing heavy is imported for it.

    Args:
        asked: the command that was called: the arguments of lab and artifacts are read from their own code.
        spec: what `-f` is where it is not given.
    """
    parser = Parser(
        prog="wizard",
        description="Turns two hypervisors and a Raspberry Pi into a homelab that survives the loss of any one machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"wizard {version()}")
    parser.add_argument(
        "--plain", dest="lines", action="store_true", help="without a command: the setup in plain lines"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    _add_setup(commands)
    _add(commands, "example", "print a complete annotated spec", spec=False)
    check = _add(commands, "check", "validate the spec; every problem with its path and line", hosts=False)
    check.add_argument("--json", action="store_true", help="print one JSON document")
    facts = _add(commands, "facts", "what the hosts are: hardware, disks, network, what runs")
    facts.add_argument("host", nargs="*", metavar="HOST", help="only these hosts")
    facts.add_argument("--json", action="store_true", help="print one JSON document")
    layout = _add(
        commands, "layout", "the machines and addresses, and whether each hypervisor can carry them alone"
    )
    layout.add_argument("--json", action="store_true", help="print one JSON document")
    layout.add_argument(
        "--fresh", action="store_true", help="propose anew, as if nothing had been approved; changes nothing"
    )
    layout.add_argument(
        "--last", action="store_true", help="do not ask the wire: tell what it said last, with its age"
    )
    storage = _add(commands, "storage", "which way to keep data fits your hosts, and why the others do not")
    storage.add_argument("--json", action="store_true", help="print one JSON document")
    prove = _add(commands, "prove", "what every single loss and every pair takes away, and for how long")
    prove.add_argument("--json", action="store_true", help="print one JSON document")
    witness = _add(
        commands,
        "witness",
        "judge the Pi, and measure how quickly the disks of all etcd members sync",
        state=True,
    )
    witness.add_argument("--json", action="store_true", help="print one JSON document")
    plan = _add(commands, "plan", "what is missing; changes nothing", state=True)
    plan.add_argument("--json", action="store_true", help="print one JSON document")
    apply = _add(commands, "apply", "bring about what is missing", state=True)
    apply.add_argument("--yes", action="store_true", help="do not ask, unless something would be destroyed")
    apply.add_argument("--artifacts", type=Path, metavar="DIR", help="take every download from this folder")
    _add_doctor(commands)
    _add_kubeconfig(commands)
    _add_state(commands)
    _add_secret(commands)
    _add_practice(commands)
    _take_spec(parser, spec)
    _mount(
        commands,
        "artifacts",
        "list, fetch or verify what the wizard downloads",
        "wizard.artifacts.commands",
        asked,
    )
    _mount(commands, "lab", "real hosts in containers, to practise on", "wizard.lab.commands", asked)
    return parser


def _add(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    text: str,
    *,
    spec: bool = True,
    hosts: bool = True,
    state: bool = False,
) -> Parser:
    parser = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    parser.set_defaults(command=parser.prog.removeprefix("wizard "))
    _common(parser)
    if spec:
        parser.add_argument("-f", dest="spec", type=Path, default=SPEC, metavar="FILE", help="the spec")
    if spec and hosts:
        _reaching(parser)
    if state:
        _accept_edited(parser)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, metavar="DIR", help="where the wizard keeps its files")
    parser.add_argument("--plain", action="store_true", help="plain lines, no redraws")
    parser.add_argument("--events", type=Path, metavar="FILE", help="append every event as a JSON line")


def _reaching(parser: Parser) -> None:
    parser.add_argument(
        "--host-key",
        action="append",
        default=[],
        metavar="NAME=SHA256:...",
        help="trust this host key (repeatable)",
    )
    parser.add_argument(
        "--credentials",
        type=Path,
        metavar="FILE",
        help="a file of passwords only you can read (see the guide)",
    )


def _accept_edited(parser: Parser) -> None:
    parser.add_argument(
        "--accept-edited", action="store_true", help="use a run state that was edited by hand"
    )


SETUP_TEXT = """\
The wizard itself, screen by screen; also without any command. With --plain, or where the
terminal cannot draw, it asks the same questions one after another, in lines that a screen
reader reads well: Enter takes what is recommended, "?" explains, "back" returns. Then it
shows the plan, asks, builds with one line per event, and says what doctor says. The answers
are kept in one place: begin in lines and go on with the screens, or the other way round.

  wizard setup --plain                          be asked in lines
  wizard setup --plain --answers FILE           ask only what the file does not answer
  wizard setup --plain --auto --answers FILE    ask nothing: all else as recommended

FILE is YAML, a part of a spec or places with values: "hosts[0].address: 192.168.10.11"."""


def _add_setup(commands: argparse._SubParsersAction[Parser]) -> None:
    setup = _add(commands, "setup", "the wizard itself: on screens, or in lines with --plain", state=True)
    setup.description, setup.formatter_class = SETUP_TEXT, argparse.RawDescriptionHelpFormatter
    setup.add_argument(
        "--answers", type=Path, metavar="FILE", help="do not ask what this file answers; in lines"
    )
    setup.add_argument(
        "--auto", action="store_true", help="take the recommended answers and do not ask; in lines"
    )


def _add_doctor(commands: argparse._SubParsersAction[Parser]) -> None:
    doctor = _add(commands, "doctor", "what is wrong, root cause first", state=True)
    form = doctor.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--short", action="store_true", help="only what is wrong")
    form.add_argument("--list", action="store_true", help="the checks there are, one a line")
    doctor.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="try again until all is well"
    )
    doctor.add_argument("--watch", action="store_true", help="look again and again until Ctrl-C")
    doctor.add_argument(
        "--fix", metavar="ID", help="mend what this check found: shows what would be done, and asks"
    )
    doctor.add_argument(
        "--yes", action="store_true", help="with --fix: do not ask, unless something would be destroyed"
    )
    doctor.add_argument("check", nargs="*", metavar="CHECK", help="only these checks or steps")


def _add_kubeconfig(commands: argparse._SubParsersAction[Parser]) -> None:
    kubeconfig = _add(
        commands, "kubeconfig", "put the cluster into your kubeconfig; others in it stay", state=True
    )
    kubeconfig.add_argument("--context", metavar="NAME", help="under this name (the cluster's own)")
    form = kubeconfig.add_mutually_exclusive_group()
    form.add_argument("--print", action="store_true", help="print it, its private key too; write nothing")
    form.add_argument("--json", action="store_true", help="print one JSON document, without the key")


def _add_state(commands: argparse._SubParsersAction[Parser]) -> None:
    state = commands.add_parser("state", help="what the wizard remembers of an earlier run")
    actions = state.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=Parser)
    show = _add(actions, "show", "every step and change as last known", hosts=False, state=True)
    show.add_argument("--json", action="store_true", help="the state file without its checksum")
    _add(actions, "path", "where the run state lies", hosts=False)
    _add(actions, "unlock", "who holds the run state, and how to free it", hosts=False)


def _add_secret(commands: argparse._SubParsersAction[Parser]) -> None:
    secret = commands.add_parser("secret", help="the keys, tokens and passwords the wizard made")
    actions = secret.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=Parser)
    _add(actions, "list", "their names, one a line, and never a value", hosts=False)
    show = _add(actions, "show", "print one as it is, on a terminal only", hosts=False)
    show.add_argument("name", metavar="NAME", help="as wizard secret list prints it")
    show.add_argument("--force", action="store_true", help="print it into a pipe or a file as well")


PRACTICE_TEXT = """\
A homelab that does not exist: two hypervisors and a Pi, simulated on this machine. Everything
lies in one folder, and every command works on it: what stands after "--" is run there.

  wizard practice                         set it up, on screens; without a terminal as with --auto
  wizard practice --plain                 be asked in lines; --answers FILE: what FILE does not say
  wizard practice --auto                  ask nothing: take the recommended answers, and build
  wizard practice -- doctor               what is wrong with it
  wizard practice --fault host-killed     a host dies in the middle; run it again to resume
  rm -r DIR                               forget it"""


def _add_practice(commands: argparse._SubParsersAction[Parser]) -> None:
    practice = commands.add_parser(
        "practice",
        help="a simulated homelab, to practise on without hardware",
        description=PRACTICE_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    practice.set_defaults(command="practice")
    _common(practice)
    practice.add_argument("--auto", action="store_true", help="take the recommended answers and do not ask")
    practice.add_argument("--answers", type=Path, metavar="FILE", help="do not ask what this file answers")
    practice.add_argument(
        "--seed", type=int, metavar="N", help="of a new homelab (0); one that is there keeps its own"
    )
    practice.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="make its time go by X times as fast"
    )
    practice.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="let this go wrong in this run (repeatable)",
    )
    practice.add_argument(
        "--list-faults", action="store_true", help="what can go wrong, one a line, the name first"
    )


FASTEST = 1e6
"""The highest `--speed`: nothing takes any time a person could notice."""


def _speed(word: str) -> float:
    try:
        found = float(word)
    except ValueError:
        found = 0.0
    if not 0 < found <= FASTEST:
        raise argparse.ArgumentTypeError(f"{word!r} is no number above 0 and up to {FASTEST:.0f}")
    return found


def _take_spec(parser: argparse.ArgumentParser, spec: Path) -> None:
    for leaf in _leaves(parser):
        if leaf.get_default("spec") is SPEC:
            leaf.set_defaults(spec=spec)


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers that take no further sub-command: where a person writes options."""
    choices = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not choices:
        yield parser
    for group in choices:
        for child in group.values():
            yield from _leaves(child)


def _mount(
    commands: argparse._SubParsersAction[Parser], name: str, text: str, module: str, asked: str | None
) -> None:
    """Add a command whose arguments live beside its code; that code is loaded only when the command is called."""
    parser = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    if asked == name:
        from importlib import import_module

        code = import_module(module)
        code.configure(parser)
        for leaf in _leaves(parser):
            _common(leaf)
        parser.set_defaults(command=name)
