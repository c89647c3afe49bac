"""The command line: each command, its front end and its exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from wizard.compose import artifacts_folder, home_named, open_session
from wizard.core.errors import CancelledError, ExitCode, UsageError, WizardError
from wizard.front.arguments import build_parser
from wizard.front.outcome import print_json, worst
from wizard.front.streams import flushed, leave, never_fail_to_print, tell, tell_error
from wizard.keeping import secret_list, secret_show, state_path, state_show, state_unlock

if TYPE_CHECKING:
    from argparse import Namespace as Options
    from pathlib import Path

    from wizard.core.artifact import Need
    from wizard.core.context import Context
    from wizard.core.decide.present_data import Present
    from wizard.core.errors import HostError, RemoteError
    from wizard.core.facts import HostFacts
    from wizard.core.session import DoctorReport, Session
    from wizard.core.spec import ClusterSpec

Command = Callable[["Options"], int]

LOOK_AGAIN_SECONDS = 3.0
"""Pause between two looks of `doctor --wait` and `--watch`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: without the program's name; `sys.argv` where it is not given.

    Returns:
        The exit code.
    """
    never_fail_to_print()
    code = flushed(_told(sys.argv[1:] if argv is None else list(argv)))
    if argv is None:
        leave(code)
    return code


def _told(argv: list[str]) -> int:
    """Run one command; whatever keeps it from its end is told, and becomes an exit code."""
    try:
        return _run(argv)
    except WizardError as error:
        tell_error(error)
        return int(error.exit_code)
    except KeyboardInterrupt as stop:
        tell_error(_interrupted(str(stop)), before="\n")
        return int(ExitCode.CANCELLED)
    except BrokenPipeError:
        return int(ExitCode.FAILED)
    except Exception as defect:  # noqa: BLE001 - the last boundary: a defect is told, not thrown at the person
        return _defect(defect)


def _run(argv: list[str]) -> int:
    if argv[:1] == ["practice"] and "--" in argv:
        at = argv.index("--")
        return _practice(build_parser("practice").parse_args(argv[:at]), argv[at + 1 :])
    parser = build_parser(argv[0] if argv else None)
    options = parser.parse_args(argv)
    command: str | None = getattr(options, "command", None)
    if command is None:
        if options.lines or _may_draw() or _may_ask():
            return _setup(parser.parse_args(["setup", *(["--plain"] if options.lines else [])]))
        parser.print_help()
        return int(ExitCode.OK)
    return COMMANDS[command](options)


def _interrupted(why: str) -> CancelledError:
    return CancelledError(
        "Stopped as you asked.",
        where="this machine",
        why=why or "Ctrl-C was pressed.",
        do="Run the same command again.",
    )


def _defect(defect: Exception) -> int:
    tell_error(
        WizardError(
            "This is a defect of the wizard, not of your homelab.",
            where=f"{type(defect).__name__}",
            why=str(defect) or "no further word",
            do=("Run it again with WIZARD_TRACEBACK=1 and report what it prints.",),
            again="Running again is safe: what was begun is saved and looked at first.",
        )
    )
    if os.environ.get("WIZARD_TRACEBACK"):
        raise defect
    return int(ExitCode.FAILED)


# --- the commands ---------------------------------------------------------------------------------------------


def _may_draw() -> bool:
    """Whether the screens can be shown: a terminal at both ends that can move its cursor."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _may_ask() -> bool:
    """Whether somebody sits at a terminal, be it one that cannot move its cursor."""
    from wizard.front.terminal import at_terminal

    return at_terminal() and sys.stdout.isatty()


def _setup(options: Options) -> int:
    from wizard.compose import RealDesk, run_screens

    if not (options.plain or options.auto or options.answers) and _may_draw():
        return run_screens(RealDesk(options))
    from wizard.front.questions.setup import run_questions

    return run_questions(RealDesk(options), answers=options.answers, auto=options.auto)


def _example(_options: Options) -> int:
    from wizard.front.check import run_example

    return run_example()


def _check(options: Options) -> int:
    from wizard.front.check import run_check

    return run_check(options.spec, options.json)


def _facts(options: Options) -> int:
    with open_session(options) as session:
        # Not before: the hosts answer meanwhile.
        from wizard.front.facts import facts_json, facts_text

        names = _host_names(options.host, session.spec)
        ctx = session.facts(names)
        found = {name: ctx.try_facts(name) for name in names}
        there = _already_there(ctx, found)
    if options.json:
        print_json(facts_json(session.spec.name, found, there))
    else:
        print(facts_text(found, there))
    failed = [one for one in found.values() if isinstance(one, WizardError)]
    return worst(failed)


def _already_there(
    ctx: Context, found: Mapping[str, HostFacts | HostError | RemoteError]
) -> Mapping[str, Sequence[Present]]:
    """What is on each host already; hosts that show nothing of the kind are not asked, and nothing is loaded for them."""
    from wizard.core.decide.traces import shows_anything
    from wizard.core.facts import HostFacts

    names = [name for name, one in found.items() if isinstance(one, HostFacts) and shows_anything(one)]
    if not names:
        return {}
    from steps.present import all_already_there

    return all_already_there(ctx, names, count=True)


def _host_names(asked: Sequence[str], spec: ClusterSpec) -> list[str]:
    known = [host.name for host in spec.hosts]
    for name in asked:
        if name not in known:
            raise UsageError(
                f"There is no host {name!r} in the spec.",
                where="wizard facts",
                why=f"The hosts are {', '.join(known)}.",
                do="wizard facts",
            )
    return list(asked) or known


def _storage(options: Options) -> int:
    from wizard.judging import run_storage

    return run_storage(options)


def _layout(options: Options) -> int:
    from wizard.judging import run_layout

    return run_layout(options)


def _prove(options: Options) -> int:
    from wizard.judging import run_prove

    return run_prove(options)


def _witness(options: Options) -> int:
    from wizard.judging import run_witness

    return run_witness(options)


def _kubeconfig(options: Options) -> int:
    from wizard.kubeconfig import run_kubeconfig

    return run_kubeconfig(options)


def _plan(options: Options) -> int:
    with open_session(options) as session:
        from wizard.core.engine.plan import plan_json
        from wizard.front.plan import plan_text, unreachable_text

        plan, left = session.plan()
    if options.json:
        print_json(plan_json(plan, session.spec.name))
    else:
        print(plan_text(plan, left, session.spec.name))
    if plan.errors:
        if options.json:
            tell(unreachable_text(plan.errors))
        else:
            for error in plan.errors:
                tell_error(error, before="\n")
        return worst(plan.errors)
    return int(ExitCode.PLAN_CHANGES if plan.changes else ExitCode.OK)


def _apply(options: Options) -> int:
    from wizard.core.engine.apply import stopped_error
    from wizard.front.plain import PlainSink
    from wizard.front.stopping import signals
    from wizard.front.terminal import AskApproval

    if options.artifacts:
        _check_folder(options)
    with (
        open_session(options, write=True, extra=[PlainSink(sys.stdout)]) as session,
        signals(session) as begin,
    ):
        ask = AskApproval(session.spec.name, yes=options.yes)
        result = session.apply(lambda plan, left: ask(plan, left) and begin())
    for error in (*result.errors, *result.unmet):
        tell_error(error, before="\n")
    if result.stopped:
        raise stopped_error(result.changes)
    if result.status == "done":
        return int(ExitCode.OK)
    return worst(result.errors) or int(ExitCode.FAILED)


def _check_folder(options: Options) -> None:
    """Refuse an `--artifacts` folder that cannot serve before any host is asked.

    Raises:
        WizardError: it has no lock, or holds built files that the spec does not accept.
    """
    from wizard.artifacts.catalog import load_catalog
    from wizard.artifacts.lock import read_lock
    from wizard.artifacts.resolve import Resolver
    from wizard.core.spec import load_spec

    spec = load_spec(options.spec)
    lock = read_lock(home_named(options, spec.name).artifacts_lock)
    folder = Resolver(
        load_catalog(), lock, folder=artifacts_folder(options, spec), accept_built=spec.artifacts.accept_built
    )
    folder.all()


def _doctor(options: Options) -> int:
    if options.fix:
        from wizard.repairing import run_fix

        return run_fix(options)
    with open_session(options) as session:
        from wizard.front.doctor import doctor_json, doctor_text

        if options.list:
            print("\n".join(session.check_ids()))
            return int(ExitCode.OK)
        for report in _looks(session, options):
            if options.json:
                print_json(doctor_json(report, session.spec.name))
            else:
                print(doctor_text(report, short=options.short), flush=True)
    return int(ExitCode.FAILED if report.verdict == "fail" else ExitCode.OK)


def _looks(session: Session, options: Options) -> Iterator[DoctorReport]:
    """Doctor's reports as asked for: one, one as soon as all is well, or one whenever something changed."""
    until = time.monotonic() + options.wait
    seen: list[tuple[str, str, str]] | None = None
    while True:
        report = session.doctor(options.check)
        now = [(item.check, item.host, str(item.status)) for item in report.findings]
        last = not options.watch and (report.verdict == "ok" or time.monotonic() >= until)
        if last or (options.watch and now != seen):
            yield report
        if last:
            return
        seen = now
        time.sleep(LOOK_AGAIN_SECONDS)


def _practice(options: Options, asked: Sequence[str] = ()) -> int:
    from wizard.practising import run_practice

    return run_practice(options, asked, COMMANDS, may_draw=_may_draw())


def _artifacts(options: Options) -> int:
    from wizard.artifacts.commands import run

    return run(options, _needed_by_spec)


def _needed_by_spec(spec: Path, arches: tuple[str, ...]) -> Sequence[Need]:
    from steps.needed_files import needed_by
    from wizard.core.spec import load_spec

    return needed_by(load_spec(spec), arches)


def _lab(options: Options) -> int:
    from wizard.lab.commands import run

    return run(options, _fetch_for_lab)


def _fetch_for_lab(folder: Path, names: tuple[str, ...], arch: str, say: Callable[[str], None]) -> bool:
    """The lab knows no downloads; this one is tried once, for it can build what does not come."""
    from wizard.artifacts.attempt import attempt
    from wizard.artifacts.location import cache_root

    return attempt(folder, names, arch, say, cache_root=cache_root(os.environ))


COMMANDS: dict[str, Command] = {
    "setup": _setup,
    "example": _example,
    "check": _check,
    "facts": _facts,
    "storage": _storage,
    "layout": _layout,
    "prove": _prove,
    "witness": _witness,
    "plan": _plan,
    "apply": _apply,
    "doctor": _doctor,
    "kubeconfig": _kubeconfig,
    "practice": _practice,
    "artifacts": _artifacts,
    "lab": _lab,
    "state show": state_show,
    "state path": state_path,
    "state unlock": state_unlock,
    "secret list": secret_list,
    "secret show": secret_show,
}
"""What each command of `wizard.front.arguments` runs."""
