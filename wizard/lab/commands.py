"""`wizard lab ...`: light to import, the work is loaded when a command runs. stdout is data, stderr is talk."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from wizard.lab.release import Fetch
    from wizard.lab.store import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `wizard lab` its sub-commands.

    Args:
        parser: the one that `wizard lab` reached.
    """
    actions = parser.add_subparsers(dest="lab_action", metavar="ACTION", required=True)
    up = actions.add_parser("up", help="start two hypervisors and a Pi in containers; harmless when they run")
    up.add_argument(
        "--no-kubernetes",
        action="store_true",
        help="no K3s: neither fetched nor built (10 min), and left out of `lab spec`",
    )
    up.add_argument("--artifacts", metavar="DIR", type=Path, help="take K3s's release from this folder")
    down = actions.add_parser("down", help="remove the hosts, their disks and their network")
    down.add_argument("--purge", action="store_true", help="images, caches and keys too")
    status = actions.add_parser("status", help="the hosts as they stand")
    status.add_argument("--json", action="store_true", help="one JSON document")
    built = actions.add_parser(
        "artifacts", help="build what the lab needs and cannot download; prints the folder"
    )
    built.add_argument("--vm", action="store_true", help="the virtual machine's image too (1-2 min)")
    built.add_argument(
        "--kubernetes",
        action="store_true",
        help="K3s, and container images for it and its applications too (15 min)",
    )
    actions.add_parser("spec", help="print the cluster.yaml that describes the lab")
    fault = actions.add_parser("fault", help="break a host in a named way, and mend it")
    verbs = fault.add_subparsers(dest="fault_action", metavar="add|clear|list", required=True)
    for verb, text in (("add", "set a fault"), ("clear", "take a fault back")):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("fault", metavar="NAME", help="as `wizard lab fault list` names it")
        one.add_argument("host", metavar="HOST")
        if verb == "add":
            one.add_argument(
                "--value", default="", help="a rate, delay, path or offset instead of the usual one"
            )
    listed = verbs.add_parser("list", help="the faults there are, or those set on a host")
    listed.add_argument("host", metavar="HOST", nargs="?", default="")


def run(options: argparse.Namespace, fetch: Fetch | None = None) -> int:
    """Do what was asked.

    Args:
        options: what `configure`'s parser made; `dir` may have been added by the caller.
        fetch: downloads K3s's release for the lab; None = what cannot be found here is built.

    Returns:
        The exit code.

    Raises:
        WizardError: it could not be done.
    """
    from wizard.lab.store import load

    store = load(_root(options))
    actions: dict[str, Callable[[Store, argparse.Namespace], int]] = {
        "up": partial(_up, fetch=fetch),
        "down": _down,
        "status": _status,
        "artifacts": _artifacts,
        "spec": _spec,
        "fault": _fault,
    }
    return actions[options.lab_action](store, options)


def _root(options: argparse.Namespace) -> Path:
    from wizard.lab.store import default_root

    chosen = getattr(options, "dir", None) or os.environ.get("WIZARD_HOME")
    return Path(chosen).expanduser().absolute() if chosen else default_root()


def _talk(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _up(store: Store, options: argparse.Namespace, fetch: Fetch | None) -> int:
    from wizard.lab import lifecycle, release

    folder = options.artifacts and options.artifacts.expanduser().absolute()
    if folder:
        release.named(folder)
    with store.locked():
        store.release = str(folder or store.release)
        lifecycle.up(store, _talk, kubernetes=not options.no_kubernetes, fetch=fetch)
    return ExitCode.OK


def _down(store: Store, options: argparse.Namespace) -> int:
    from wizard.lab import lifecycle

    with store.locked():
        lifecycle.down(store, _talk, purge=options.purge)
    return ExitCode.OK


def _status(store: Store, options: argparse.Namespace) -> int:
    from wizard.lab import lifecycle, report

    hosts = lifecycle.status(store)
    text = report.as_json(store, hosts) if options.json else report.as_text(store, hosts)
    sys.stdout.write(text)
    return ExitCode.OK


def _artifacts(store: Store, options: argparse.Namespace) -> int:
    from wizard.lab import daemon, lifecycle, release

    wanted = options.kubernetes
    with store.locked():
        published = release.choose(store.release, _talk, None) if wanted else ()
        started = daemon.ensure(store)
        try:
            lifecycle.build(store, _talk, vm=options.vm, kubernetes=wanted, apps=wanted, published=published)
        finally:
            if started:
                daemon.stop(store)
    sys.stdout.write(f"{store.artifacts}\n")
    return ExitCode.OK


def _spec(store: Store, _options: argparse.Namespace) -> int:
    from wizard.lab import spec

    if not store.subnet:
        raise UsageError(
            "There is no lab to describe yet.",
            where=str(store.root),
            why="its addresses and keys are chosen by the first `wizard lab up`",
            do="wizard lab up",
        )
    sys.stdout.write(spec.spec(store))
    return ExitCode.OK


def _fault(store: Store, options: argparse.Namespace) -> int:
    from wizard.lab import faults, report

    if options.fault_action == "list":
        sys.stdout.write(report.faults(store, options.host))
        return ExitCode.OK
    with store.locked():
        if options.fault_action == "add":
            faults.add(store, options.fault, options.host, options.value, _talk)
        else:
            faults.clear(store, options.fault, options.host, _talk)
    return ExitCode.OK
