"""Errors a person can cause or meet, each told in five parts: what, where, why, what to do, is it safe to run again."""

from __future__ import annotations

from enum import IntEnum

NOTHING_CHANGED = "Running again is safe: nothing was changed."
"""The fifth part of an error raised before anything was touched."""

RESUMES = "Running again is safe: finished changes are not repeated, an unfinished one is looked at first."
"""The fifth part of an error raised in the middle of an apply."""


class ExitCode(IntEnum):
    """Exit codes of the command line (design section 7)."""

    OK = 0
    FAILED = 1
    BAD_SPEC = 2
    UNREACHABLE = 3
    STATE = 4
    PLAN_CHANGES = 10
    CANCELLED = 130


class WizardError(Exception):
    """Anything a person may have to act on. Front ends print it with `wizard.core.errors.render`, never a traceback.

    Args:
        what: one sentence: what went wrong.
        where: the host, file, line or key it happened at.
        why: the reason as far as it is known.
        do: what to do next, exact commands where there are any, one per item.
        again: whether running the same command again is safe.
    """

    exit_code = ExitCode.FAILED

    def __init__(
        self, what: str, *, where: str, why: str, do: str | tuple[str, ...], again: str = NOTHING_CHANGED
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.do = (do,) if isinstance(do, str) else tuple(do)
        self.again = again


class UsageError(WizardError):
    """The call itself is wrong."""

    exit_code = ExitCode.BAD_SPEC


class SpecError(WizardError):
    """The spec cannot be used; its problems are listed by `wizard check`."""

    exit_code = ExitCode.BAD_SPEC


class HostError(WizardError):
    """A host cannot be reached or trusted, or lets us in without the rights we need."""

    exit_code = ExitCode.UNREACHABLE


class UnreachableError(HostError):
    """No SSH connection: refused, timed out, no route, name not found, jump host down."""


class LinkLostError(HostError):
    """The connection broke after it was established; what was running on the host may have gone on."""


class HostKeyUnknownError(HostError):
    """The host offers a key nobody has confirmed yet."""


class HostKeyChangedError(HostError):
    """The host offers another key than the confirmed one."""


class AuthError(HostError):
    """The host refuses the user, the key or the password, or the login shell is unusable."""


class PrivilegeError(HostError):
    """Logged in, but root's rights are not to be had (sudo)."""


class RemoteError(WizardError):
    """A remote script failed, timed out, or answered with something that is not its protocol."""


class RefusedError(WizardError):
    """What is wanted would break something that is already there: it is not begun."""


class StateError(WizardError):
    """The wizard's own files are locked, corrupt, foreign, too new or cannot be written."""

    exit_code = ExitCode.STATE


class CancelledError(WizardError):
    """The person stopped it."""

    exit_code = ExitCode.CANCELLED


def render(error: WizardError, *, width: int = 0) -> str:
    """The error as plain text, all five parts, one labelled line each (`do` may take several).

    Args:
        error: the error to tell.
        width: columns to wrap sentences at; 0 = not at all. Commands stay whole, so that they can be copied.

    Returns:
        Text without a trailing newline and without terminal control characters.
    """
    rows = [("where", error.where), ("why", error.why)]
    rows += [("do" if index == 0 else "", item) for index, item in enumerate(error.do)]
    rows.append(("again", error.again))
    lines = [*_wrapped(error.what, width), ""]
    for label, text in rows:
        first, *rest = _wrapped(text, 0 if label in ("do", "") else width - LABEL) or [""]
        lines.append(f"  {label:<6} {first}")
        lines.extend(f"  {'':<6} {more}" for more in rest)
    return "\n".join(lines)


LABEL = 9
"""Columns the labels take."""


def _wrapped(text: str, width: int) -> list[str]:
    from wizard.core.text import printable

    lines = printable(text, keep_newlines=True).splitlines()
    if width <= 0:
        return lines
    from textwrap import wrap

    return [
        part
        for line in lines
        for part in wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]
