"""Lengths of time as a person says them."""

from __future__ import annotations

TENTHS_BELOW = 10
"""Seconds below which tenths are told."""
MINUTES_FROM = 90
"""Seconds from which on minutes are told."""


def seconds_text(seconds: float) -> str:
    """A length of time: tenths below ten seconds, minutes from one and a half on.

    Args:
        seconds: measured.
    """
    if seconds < TENTHS_BELOW:
        return f"{seconds:.1f} s"
    if seconds < MINUTES_FROM:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def about(seconds: float) -> str:
    """An estimate, no finer than it can be known: `<10 s`, `40 s`, `6 min`.

    Args:
        seconds: estimated.
    """
    if seconds < TENTHS_BELOW:
        return f"<{TENTHS_BELOW} s"
    if seconds < MINUTES_FROM:
        return f"{round(seconds / 10) * 10:.0f} s"
    return f"{max(2, round(seconds / 60))} min"
