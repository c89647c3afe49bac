"""This machine: what the wizard itself needs before it looks at any host."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from wizard.core.check import Check, Finding, Level, failed, passed, warned
from wizard.core.context import Context
from wizard.core.proxy import no_proxy_with, swallowed
from wizard.core.step import Step

FREE_BYTES = 200 * 1024 * 1024
"""Free space we want where the run state lies: two copies of it, the event log of a long run, and air."""


class Here(Step):
    """The machine the wizard runs on."""

    id = "here"
    title = "This machine"
    summary = "Space for the run state, a key to log in with, no proxy in the way"

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Nothing here is changed by us: each finding names the command."""
        yield Check("here.space", "There is room for the run state", _space)
        yield Check("here.key", "The SSH key is there and private", _key)
        yield Check("here.proxy", "No proxy stands between us and the hosts", _proxy, level=Level.WARNING)
        yield Check("here.locale", "This terminal can show UTF-8", _locale, level=Level.WARNING)


def _space(_ctx: Context) -> Finding:
    folder = next(path for path in (Path.home(), Path("/")) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free in {folder}."
    if free < FREE_BYTES:
        return failed(
            f"Only {free / 1e6:.0f} MB are free in {folder}.",
            evidence=f"{free} bytes free",
            cause="The disk of this machine is full.",
            fix=f"df -h {folder}",
        )
    return passed(detail)


def _key(ctx: Context) -> Finding:
    missing = [path for path in _keys(ctx) if not path.is_file()]
    if missing:
        return failed(
            f"The SSH key {missing[0]} is not there.",
            cause="ssh.key in the spec names a file that does not exist.",
            fix=f"ssh-keygen -t ed25519 -f {missing[0]}",
        )
    public = [path for path in _keys(ctx) if path.stat().st_mode & 0o077]
    if public:
        mode = public[0].stat().st_mode & 0o777
        return failed(
            f"Others can read the SSH key {public[0]}.",
            evidence=f"mode {mode:04o}",
            cause="Its file mode is too open; ssh would refuse it too.",
            fix=f"chmod 600 {public[0]}",
        )
    return passed("Every key the spec names is there, and private.")


def _keys(ctx: Context) -> list[Path]:
    names = {ctx.spec.ssh.key, *(host.key for host in ctx.spec.hosts)}
    return [Path(name).expanduser() for name in sorted(name for name in names if name)]


def _proxy(ctx: Context) -> Finding:
    wanted = [host.address for host in ctx.spec.hosts]
    wanted += [ctx.spec.network.pod_cidr, ctx.spec.network.service_cidr]
    targets = [item for item in wanted if item]
    caught = swallowed(os.environ, targets)
    if not caught:
        return passed("No proxy variable catches the addresses of the cluster.")
    names = ", ".join(item.target for item in caught)
    variable = "no_proxy" if os.environ.get("no_proxy") else "NO_PROXY"
    return warned(
        f"The proxy of this machine would swallow {names}.",
        evidence=f"{caught[0].variable} is {caught[0].proxy}",
        cause=f"{variable} does not name these addresses.",
        fix=f"export {variable}={no_proxy_with(os.environ, targets)}",
    )


def _locale(_ctx: Context) -> Finding:
    # While screens are shown sys.stdout is theirs; what counts is the terminal's own stream.
    stream = sys.stdout if hasattr(sys.stdout, "encoding") else sys.__stdout__
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    if encoding == "utf8":
        return passed("Text is UTF-8.")
    return warned(
        f"Text goes out as {encoding or 'an unknown encoding'}; some characters will show as question marks.",
        cause="The locale is C or POSIX.",
        fix="export LC_ALL=C.UTF-8",
    )
