"""From a file to a spec, with everything that is wrong said at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from shlex import quote
from typing import TYPE_CHECKING

from wizard.core.errors import SpecError
from wizard.core.spec.model import ClusterSpec, Problem

if TYPE_CHECKING:
    from pathlib import Path

PROBLEM_LIMIT = 100
"""Problems told at once; a file with more of them is not a spec."""


def example_text() -> str:
    """The complete annotated spec that `wizard example` prints."""
    from wizard.core.resources import asset_text  # 20 ms that only this needs

    return asset_text("example/cluster.yaml")


def parse_spec(text: str | bytes, *, source: str) -> tuple[ClusterSpec | None, tuple[Problem, ...]]:
    """Read a spec and find everything that is wrong with it. Never raises for what is in the text.

    Args:
        text: the file's content.
        source: its name, for commands in hints.

    Returns:
        The spec and its problems in the order of their lines. The spec is None where a value is missing or
        unusable; problems of values that do not fit together leave it there, so look at the levels too.
    """
    from wizard.core.spec.schema import interpret

    spec, problems = interpret(text)
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.level, problem.path))
    if len(ordered) > PROBLEM_LIMIT:
        more = f"{len(ordered) - PROBLEM_LIMIT} further problems are not listed."
        ordered[PROBLEM_LIMIT:] = [Problem("", more, f"wizard check -f {quote(source)} lists what remains.")]
    return spec, tuple(ordered)


def read_spec_file(path: Path) -> bytes:
    """The content of a spec file.

    Args:
        path: of the file.

    Raises:
        SpecError: it is missing, unreadable, not a regular file, or larger than `SIZE_LIMIT`.
    """
    try:
        # O_NONBLOCK: opening a FIFO nobody writes to would wait for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _content(path, descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _content(path: Path, descriptor: int) -> bytes:
    from wizard.core.spec.reading import SIZE_LIMIT

    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_file(path)
    if status.st_size > SIZE_LIMIT:
        raise _too_large(path, status.st_size, SIZE_LIMIT)
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(SIZE_LIMIT + 1)


def load_spec(path: Path) -> ClusterSpec:
    """Read a spec that must be sound.

    Args:
        path: of the file.

    Raises:
        SpecError: the file cannot be read, or has problems; all of them are in its `why`.
    """
    spec, problems = parse_spec(read_spec_file(path), source=str(path))
    errors = [problem for problem in problems if problem.level == "error"]
    if spec is None or errors:
        raise _refused(path, errors)
    return spec


def describe(problem: Problem) -> str:
    """A problem in one line: where in the file, what, and what to write instead."""
    line = f"line {problem.line}" if problem.line else ""
    where = ", ".join(part for part in (line, problem.path) if part)
    return f"{where}: {problem.text} {problem.hint}" if where else f"{problem.text} {problem.hint}"


def _refused(path: Path, errors: Iterable[Problem]) -> SpecError:
    told = [describe(problem) for problem in errors]
    count = "one problem" if len(told) == 1 else f"{len(told)} problems"
    return SpecError(
        f"The spec has {count}.",
        where=str(path),
        why="\n".join(told),
        do=("Correct the file, then look again:", f"wizard check -f {quote(str(path))}"),
    )


def _unreadable(path: Path, error: OSError | ValueError) -> SpecError:
    name = quote(str(path))
    if isinstance(error, FileNotFoundError):
        do: tuple[str, ...] = (f"wizard example > {name}", f"wizard check -f {name}")
        return SpecError("There is no spec here.", where=str(path), why="The file does not exist.", do=do)
    reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    return SpecError("The spec cannot be read.", where=str(path), why=f"{reason}.", do=f"ls -l {name}")


def _not_a_file(path: Path) -> SpecError:
    why = "It is a folder, a pipe or a device."
    do = "Name a file: wizard check -f cluster.yaml"
    return SpecError("The spec is not a file.", where=str(path), why=why, do=do)


def _too_large(path: Path, size: int, limit: int) -> SpecError:
    why = f"It has {size:,} bytes; a spec of 60 machines has about 16,000, and more than {limit:,} are not read."
    do = f"Is it the right file? head -c 300 {quote(str(path))}"
    return SpecError("The file is too large for a spec.", where=str(path), why=why, do=do)
