"""The version of this program."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version() -> str:
    """The installed version of the wizard."""
    try:
        return installed("homelab-wizard")
    except PackageNotFoundError:
        return "0 (not installed)"
