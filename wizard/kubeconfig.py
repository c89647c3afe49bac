"""`wizard kubeconfig`: the way to the cluster, put into the kubeconfig of whoever calls it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.compose import home_named, open_session
from wizard.core.errors import ExitCode, UsageError
from wizard.core.kubernetes import ApiAbsentError, ApiRefusedError, ApiUnreachableError
from wizard.front.kubeconfig import kubeconfig_json, kubeconfig_text
from wizard.front.outcome import print_json
from wizard.front.streams import tell

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.kubeconfig import Admin
    from wizard.core.session import Session


def run_kubeconfig(options: Options) -> int:
    """Merge the cluster into the caller's kubeconfig, or print it. Returns the exit code."""
    from wizard.core.kubeconfig import api_url, write_admin
    from wizard.core.kubeconfig_files import put_kubeconfig

    with open_session(options) as session:
        admin = _admin(session)
        spec = session.spec
    name, server = _name(options, spec.name), api_url(spec.network.api_vip)
    if options.print:
        import yaml

        sys.stdout.write(yaml.safe_dump(write_admin(admin, server, name), sort_keys=False))
        return int(ExitCode.OK)
    written = put_kubeconfig(_files(options), admin, server, name)
    if options.json:
        print_json(kubeconfig_json(spec.name, name, server, admin, written))
    else:
        print(kubeconfig_text(name, server, written))
    return int(ExitCode.OK)


def _admin(session: Session) -> Admin:
    """The administrator's certificate, asked of the API whether it still lets it in."""
    session.context()  # which servers there are
    assert session.admin is not None, "facts alone go without"
    admin = session.admin.current()
    try:
        session.kubernetes.version()
    except ApiAbsentError:
        raise
    except (ApiUnreachableError, ApiRefusedError) as error:
        tell(f"{error.what} The entry is right all the same, as far as it is known: {error.why}")
        return admin
    return session.admin.current()


def _files(options: Options) -> tuple[Path, ...]:
    """The caller's own; practice keeps to its folder."""
    from wizard.core.kubeconfig_files import kubeconfig_paths

    if getattr(options, "practice", None) is not None:
        return (home_named(options, "practice").folder / "kubeconfig",)
    return kubeconfig_paths(os.environ)


def _name(options: Options, cluster: str) -> str:
    name: str = cluster if options.context is None else options.context
    if not name or not name.isprintable() or name != name.strip():
        raise UsageError(
            "--context is not understood.",
            where=f"--context {name!r}",
            why="It names a context: a word that can be typed.",
            do=f"wizard kubeconfig --context {cluster}",
        )
    return name
