"""How a command ends: its document on stdout, its errors on stderr, and the exit code of several errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wizard.core.errors import ExitCode, WizardError
from wizard.front.streams import tell_error


def print_json(document: object) -> None:
    """Print one document; characters the terminal cannot show are escaped."""
    import json

    lossless = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(document, indent=2, ensure_ascii=not lossless))


def told_after(errors: Sequence[WizardError]) -> int:
    """Tell on stderr what kept us from seeing everything; the exit code of it."""
    for error in errors:
        tell_error(error, before="\n")
    return worst(errors)


def worst(errors: Sequence[WizardError]) -> int:
    """The exit code of several errors: an unreachable host before everything but our own state."""
    codes = {error.exit_code for error in errors}
    for code in (ExitCode.STATE, ExitCode.UNREACHABLE, ExitCode.FAILED):
        if code in codes:
            return int(code)
    return int(max(codes, default=ExitCode.OK))
