"""A person's kubeconfig on the disk: read with care, backed up, and replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import gmtime, strftime
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.errors import RefusedError
from wizard.core.filefaults import quoted, unreadable, user_name, write_failed
from wizard.core.files import SYSTEM, SystemCalls, write_private
from wizard.core.home import make_private_folder
from wizard.core.kubeconfig import Admin
from wizard.core.kubeconfig_merge import check_ours, holds, merge, problem

LIMIT = 1024 * 1024
"""Bytes of the largest kubeconfig: one with a hundred clusters has a fifth of that."""

_OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the kubeconfig as it lies there."""

    path: Path
    """Where a link leads, so that the link stays."""
    raw: bytes | None
    """None where there is no file."""
    document: Mapping[str, Any]
    mode: int = 0o600


@dataclass(frozen=True, slots=True)
class Written:
    """What was done to a kubeconfig."""

    path: Path
    changed: bool
    current: bool
    """kubectl uses the entry without being told to."""
    backup: Path | None = None
    """The file as it was before; None where there was none, or nothing was changed."""
    noticed: tuple[str, ...] = ()


def kubeconfig_paths(env: Mapping[str, str]) -> tuple[Path, ...]:
    """The files kubectl reads, in its order: those of KUBECONFIG, else `~/.kube/config`.

    Args:
        env: the environment.
    """
    named = [part for part in env.get("KUBECONFIG", "").split(os.pathsep) if part]
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return tuple(Path(part) for part in named) or (home / ".kube" / "config",)


def put_kubeconfig(
    paths: tuple[Path, ...], admin: Admin, server: str, name: str, system: SystemCalls = SYSTEM
) -> Written:
    """Put a cluster into a person's kubeconfig.

    As kubectl does it: an entry that is there is changed where it is, a new one goes into the first file there is,
    or is the last one named where there is none.

    Args:
        paths: the files, in the order kubectl reads them.
        admin: of the cluster.
        server: its URL.
        name: of its cluster, user and context.
        system: the operating system.

    Raises:
        RefusedError: an entry of the name is another cluster's, a file is no kubeconfig, or not ours to write.
        StateError: it could not be written; it is as it was.
    """
    places = [_read(path, system) for path in paths]
    for one in places:
        check_ours(one.document, admin, server, name, where=one.path)
    there = [one for one in places if one.raw is not None]
    target = next((one for one in places if holds(one.document, name)), there[0] if there else places[-1])
    chosen = next((word for one in places if (word := str(one.document.get("current-context") or ""))), "")
    with _locked(target.path, system):
        # Read under the lock: kubectl may have written meanwhile.
        now = _read(target.path, system)
        made = merge(now.document, admin, server, name, where=now.path, chosen=chosen)
        open_to = now.raw is not None and now.mode & _OPEN_TO_OTHERS
        if not made.changed and not open_to:
            return Written(now.path, changed=False, current=made.current, noticed=made.noticed)
        backup = _back_up(now, system)
        write_private(now.path, _text(made.document), system)
    noticed = made.noticed
    if open_to:
        noticed += (f"Others could read it (mode {now.mode:04o}); it is yours alone now (0600).",)
    return Written(now.path, True, made.current, backup, noticed)


def _read(path: Path, system: SystemCalls) -> Place:
    real = path.expanduser().resolve()
    try:
        handle = system.call(os.open, real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Place(real, None, {})
    except OSError as error:
        raise unreadable(real, error) from error
    try:
        seen = system.call(os.fstat, handle)
        if not stat.S_ISREG(seen.st_mode):
            raise _no_kubeconfig(real, "it is no file")
        if seen.st_uid != os.geteuid():
            raise _anothers(real, seen.st_uid)
        raw = b""
        while len(raw) <= LIMIT and (part := system.call(os.read, handle, LIMIT)):
            raw += part
    except OSError as error:
        raise unreadable(real, error) from error
    finally:
        with suppress(OSError):
            system.call(os.close, handle)
    if len(raw) > LIMIT:
        raise _no_kubeconfig(real, f"it has more than {LIMIT:,} bytes")
    return Place(real, raw, _parsed(real, raw), stat.S_IMODE(seen.st_mode))


def _parsed(path: Path, raw: bytes) -> Mapping[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Leaves dates as the text they are: kubectl writes them so."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":timestamp")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        document = yaml.load(raw, Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        # The parser's own words quote the file, and there are keys in it.
        raise _no_kubeconfig(path, "it is not YAML") from None
    document = {} if document is None else document
    if why := problem(document):
        raise _no_kubeconfig(path, why)
    found: Mapping[str, Any] = document
    return found


def _text(document: Mapping[str, Any]) -> bytes:
    import yaml

    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True).encode()


@contextmanager
def _locked(path: Path, system: SystemCalls) -> Iterator[None]:
    """Hold the file as kubectl holds it: by another one beside it, with `.lock` after its name."""
    lock = path.with_name(f"{path.name}.lock")
    try:
        make_private_folder(path.parent, system)
        handle = system.call(os.open, lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise RefusedError(
            "Somebody else is writing to your kubeconfig.",
            where=str(lock),
            why="kubectl leaves this file there while it writes; one that was killed leaves it behind.",
            do=("wizard kubeconfig    # again in a moment", f"rm -f {quoted(lock)}    # if no kubectl runs"),
        ) from None
    except OSError as error:
        raise write_failed(path, error) from error
    try:
        with suppress(OSError):
            system.call(os.close, handle)
        yield
    finally:
        with suppress(OSError):
            system.call(os.unlink, lock)


def _back_up(place: Place, system: SystemCalls) -> Path | None:
    """Keep the file as it is, beside it, under a name of the moment."""
    if place.raw is None:
        return None
    stamp, number = strftime("%Y%m%d-%H%M%S", gmtime()), 1
    backup = place.path.with_name(f"{place.path.name}.{stamp}.bak")
    while backup.exists():
        number += 1
        backup = place.path.with_name(f"{place.path.name}.{stamp}-{number}.bak")
    write_private(backup, place.raw, system)
    return backup


def _no_kubeconfig(path: Path, why: str) -> RefusedError:
    return RefusedError(
        "Your kubeconfig cannot be added to.",
        where=str(path),
        why=f"It is no kubeconfig: {why}. It is left alone.",
        do=(
            f"mv {quoted(path)} {quoted(path)}.old    # out of the way; a new one is made",
            "KUBECONFIG=FILE wizard kubeconfig    # another file",
        ),
    )


def _anothers(path: Path, owner: int) -> RefusedError:
    return RefusedError(
        "Your kubeconfig is somebody else's.",
        where=str(path),
        why=f"It belongs to {user_name(owner)}, and you are {user_name(os.geteuid())}: is this sudo?",
        do=("run it as yourself, without sudo", "KUBECONFIG=FILE wizard kubeconfig    # another file"),
    )
