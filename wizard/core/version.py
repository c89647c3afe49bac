"""The version of this program."""

from __future__ import annotations

__version__ = "0.1.0"
"""The only place that says it; pyproject.toml reads it from here. Asking the installed package costs 20 ms a start."""


def version() -> str:
    """The version of the wizard."""
    return __version__
