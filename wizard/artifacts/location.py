"""Where downloads lie on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_root(env: Mapping[str, str], home: Path | None = None) -> Path:
    """Where downloads are kept.

    Args:
        env: the environment: `XDG_CACHE_HOME` where it is absolute, else `~/.cache`.
        home: the folder given by `--dir` or `WIZARD_HOME`, which holds everything the wizard keeps.
    """
    if home is not None:
        return home / "cache" / "artifacts"
    given = Path(env.get("XDG_CACHE_HOME", ""))
    base = given if given.is_absolute() else Path(env.get("HOME") or Path.home()) / ".cache"
    return base / "homelab-wizard" / "artifacts"
