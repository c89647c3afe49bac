"""`wizard check` and `wizard example`: the spec's problems as text or as one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from wizard.core.errors import ExitCode, SpecError
from wizard.core.spec import Problem, example_text, parse_spec
from wizard.core.spec.loading import read_spec_file
from wizard.core.text import printable

CHECK_SCHEMA = 1
"""Version of the document that `check --json` prints."""
COLUMNS = ("path", "line", "level", "text", "hint")


def run_check(path: Path, as_json: bool) -> int:
    """Validate a spec and print every problem.

    Args:
        path: of the file.
        as_json: print one JSON document instead of text.

    Returns:
        The exit code: 2 where something is wrong; warnings alone are 0.

    Raises:
        SpecError: the file cannot be read (with `as_json` that is a problem in the document).
    """
    try:
        _, problems = parse_spec(read_spec_file(path), source=str(path))
    except SpecError as error:
        if not as_json:
            raise
        problems = (_file_problem(error),)
    sys.stdout.write(problems_json(problems) if as_json else problems_text(path, problems))
    broken = any(problem.level == "error" for problem in problems)
    return ExitCode.BAD_SPEC if broken else ExitCode.OK


def run_example() -> int:
    """Print the annotated example spec.

    Returns:
        The exit code.
    """
    sys.stdout.write(example_text())
    return ExitCode.OK


def problems_json(problems: Sequence[Problem]) -> str:
    """The document of `check --json`, with a newline at its end.

    Args:
        problems: in the order they are told.
    """
    rows = [{key: getattr(problem, key) for key in COLUMNS} for problem in problems]
    document = {"schema": CHECK_SCHEMA, "problems": rows}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def problems_text(path: Path, problems: Sequence[Problem]) -> str:
    """The problems for people: the file and line first, as compilers print it, then what to do.

    Args:
        path: of the file.
        problems: in the order they are told.
    """
    name = printable(str(path))
    lines = [line for problem in problems for line in _problem_lines(name, problem)]
    return "\n".join([*lines, _summary(name, problems)]) + "\n"


def _problem_lines(name: str, problem: Problem) -> list[str]:
    place = f"{name}:{problem.line}" if problem.line else name
    key = f" {problem.path}" if problem.path else ""
    return [
        f"{place}: {problem.level}:{printable(key)}",
        f"    {printable(problem.text)}",
        f"    {printable(problem.hint)}",
        "",
    ]


def _summary(name: str, problems: Sequence[Problem]) -> str:
    errors = sum(problem.level == "error" for problem in problems)
    warnings = len(problems) - errors
    if not problems:
        return f"{name} is sound."
    counts = [_count(errors, "problem"), _count(warnings, "warning")]
    told = " and ".join(count for count in counts if count)
    if not errors:
        return f"{name} can be used, with {told}."
    return f"{name} has {told}. Nothing was changed; correct the file and run this again."


def _count(number: int, noun: str) -> str:
    return "" if not number else f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _file_problem(error: SpecError) -> Problem:
    return Problem("", f"{error.what} {error.why}", "; ".join(error.do))
