"""The errors of a simulated host: the same classes for the same situations as over SSH, told as there."""

from __future__ import annotations

from wizard.core import refusals
from wizard.core.errors import RESUMES, RemoteError, StateError
from wizard.core.host import Args, Operation, OpStatus
from wizard.core.text import printable
from wizard.practice.answer import Answer
from wizard.practice.scripts import BUSY, FOREIGN, NEWER, TAKEN

_TAIL_LINES = 5


def not_done(host: str, script: str, seen: Operation, timeout: float) -> RemoteError:
    """The error of an operation that has not ended well.

    Args:
        host: its name.
        script: e.g. `do/marker`.
        seen: the operation as it stands.
        timeout: seconds that were waited.
    """
    lines = [line for line in seen.output.splitlines() if line.strip()][-_TAIL_LINES:]
    said = f" Its last words: {printable(' / '.join(lines))}" if lines else ""
    told = {
        OpStatus.DONE: (
            f"failed at {script}.",
            f"The script ended with exit code {seen.exit_code}.{said}",
        ),
        OpStatus.LOST: (
            f"lost {script} on the way.",
            f"It was killed before it could write a result.{said}",
        ),
        OpStatus.RUNNING: (
            f"is still busy with {script} after {timeout:.0f} seconds.",
            "It was not stopped and may still end well.",
        ),
        OpStatus.ABSENT: (
            f"knows nothing of {script}.",
            "It was restarted meanwhile: /run is memory.",
        ),
    }
    what, why = told[seen.status]
    return RemoteError(
        f"{host} {what}",
        where=f"{host}, operation {seen.op}",
        why=why,
        do="look at what it printed in the event log, then: wizard apply",
        again=RESUMES,
    )


def not_stored(host: str, path: str, answer: Answer) -> RemoteError:
    """The error of a file that could not be put.

    Args:
        host: its name.
        path: of the file.
        answer: of lib/put.
    """
    lines = [line for line in answer.stderr.splitlines() if not line.startswith(("free ", "inodes "))]
    folder = path.rsplit("/", 1)[0] or "/"
    full = "No space left on device" in answer.stderr
    return RemoteError(
        f"{host} cannot store {path}.",
        where=host,
        why=f"{folder} is full." if full else printable(" ".join(lines)),
        do=f"on the host: ls -ld {folder}; df -h {folder}",
    )


def not_locked(host: str, answer: Answer, args: Args) -> StateError:
    """The error of a host that is not ours to work on.

    Args:
        host: its name.
        answer: of lib/runlock.
        args: what lib/runlock was given.
    """
    told = dict(line.split("=", 1) for line in answer.output.splitlines() if "=" in line)
    holder, since = told.get("holder", ""), told.get("since", "")
    if answer.exit_code == BUSY:
        return refusals.held(host, host, holder, since)
    if answer.exit_code == TAKEN:
        return refusals.taken_meanwhile(host, host, holder, since)
    if answer.exit_code == FOREIGN:
        marker, name = told["lineage"], told["name"]
        return refusals.another_cluster(host, host, marker=marker, ours=args["lineage"], name=name)
    if answer.exit_code == NEWER:
        return refusals.older_than_host(host, host, marker=told["serial"], ours=int(args["serial"]))
    raise ValueError(f"no refusal: {answer}")
