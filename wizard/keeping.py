"""`wizard state` and `wizard secret`: what the wizard keeps of a cluster, looked at without its hosts."""

from __future__ import annotations

import os
from shlex import quote
from typing import TYPE_CHECKING

from wizard.compose import home_named
from wizard.core.errors import ExitCode
from wizard.core.version import version

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.home import ClusterHome


def state_show(options: Options) -> int:
    """Print the run state as last known. Returns the exit code."""
    from wizard.core.store import StateStore
    from wizard.front.state import state_json, state_text

    home = _home_of(options)
    state = StateStore(home, writer=version()).load(accept_edited=options.accept_edited)
    print(state_json(state) if options.json else state_text(state, home))
    return int(ExitCode.OK)


def state_path(options: Options) -> int:
    """Print where the run state lies. Returns the exit code."""
    from wizard.front.state import path_text

    print(path_text(_home_of(options)))
    return int(ExitCode.OK)


def state_unlock(options: Options) -> int:
    """Say who holds the run state, and clear what a dead holder left. Returns the exit code."""
    from wizard.front.state import unlock_text

    print(unlock_text(_home_of(options)))
    return int(ExitCode.OK)


def secret_list(options: Options) -> int:
    """Print the names of the secrets. Returns the exit code."""
    from wizard.front.secret import run_list

    return run_list(_home_of(options))


def secret_show(options: Options) -> int:
    """Print one secret, on a terminal. Returns the exit code."""
    from wizard.front.secret import run_show

    return run_show(_home_of(options), options.name, force=options.force, program=_program(options))


def _program(options: Options) -> str:
    """As the person called it: what is said to a call in practice is to be done in practice."""
    if getattr(options, "practice", None) is None:
        return "wizard"
    return f"wizard practice --dir {quote(str(options.dir))} --"


def _home_of(options: Options) -> ClusterHome:
    """The cluster's folder; the spec is only needed for its name where no folder is named."""
    from wizard.core.spec import load_spec

    named = options.dir or os.environ.get("WIZARD_HOME")
    return home_named(options, "" if named else load_spec(options.spec).name)
