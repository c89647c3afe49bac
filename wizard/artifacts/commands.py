"""`wizard artifacts list|fetch|verify`: what is downloaded, ahead of time and offline."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.errors import ExitCode

if TYPE_CHECKING:
    from wizard.artifacts.progress import Lines
    from wizard.core.artifact import Need

Needed = Callable[[Path, tuple[str, ...]], Sequence["Need"]]
"""What a spec needs for these architectures."""

_ARCHES = ("amd64", "arm64")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands and their options.

    Args:
        parser: of `wizard artifacts`.
    """
    actions = parser.add_subparsers(dest="artifacts_action", metavar="list|fetch|verify", required=True)
    listing = actions.add_parser(
        "list", help="what the wizard downloads, its digests, and what is here already"
    )
    listing.add_argument("--json", action="store_true", help="one JSON document")
    listing.add_argument("--artifacts", metavar="DIR", type=Path, help="also look into this folder")
    fetch = actions.add_parser("fetch", help="fill a folder, for hosts without a network")
    fetch.add_argument("folder", metavar="DIR", type=Path)
    fetch.add_argument(
        "--arch", action="append", choices=_ARCHES, help="only for this architecture (may be repeated)"
    )
    fetch.add_argument(
        "-f",
        dest="spec",
        metavar="FILE",
        type=Path,
        help="only what this cluster.yaml needs, in its versions",
    )
    fetch.add_argument("--only", action="append", metavar="NAME", help="only this artifact (may be repeated)")
    verify = actions.add_parser("verify", help="see that every file of a folder is what its lock says")
    verify.add_argument("folder", metavar="DIR", type=Path)
    verify.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace, needed: Needed | None = None) -> int:
    """Do what was asked.

    Args:
        options: as parsed by `configure`; `dir` and `plain` of the common options are honoured where they are set.
        needed: tells what a spec needs; the command line hands it in, for only that knows the steps.

    Returns:
        The exit code.

    Raises:
        WizardError: what a person can cause.
    """
    if options.artifacts_action == "list":
        from wizard.artifacts.listing import show_list

        return show_list(_cache_folder(options), options.artifacts, as_json=options.json)
    if options.artifacts_action == "verify":
        from wizard.artifacts.folder import show_verify

        return show_verify(options.folder, as_json=options.json)
    from wizard.artifacts.folder import fetch_folder

    arches = tuple(options.arch or _ARCHES)
    failed = fetch_folder(
        options.folder,
        cache_root=_cache_folder(options),
        arches=arches,
        only=tuple(options.only or ()),
        lines=_lines(options),
        needs=needed(options.spec, arches) if needed and options.spec else None,
    )
    return ExitCode.FAILED if failed else ExitCode.OK


def _cache_folder(options: argparse.Namespace) -> Path:
    from wizard.artifacts.location import cache_root

    home = getattr(options, "dir", None) or os.environ.get("WIZARD_HOME")
    return cache_root(os.environ, Path(home) if home else None)


def _lines(options: argparse.Namespace) -> Lines:
    import shutil

    from wizard.artifacts.progress import Lines

    dumb = os.environ.get("TERM", "dumb") == "dumb"
    redraw = sys.stderr.isatty() and not dumb and not getattr(options, "plain", False)
    return Lines(sys.stderr, redraw=redraw, width=shutil.get_terminal_size().columns)
