"""Access to the files of the `assets` package, from a checkout, an installed wheel or a zip alike."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def asset_text(path: str) -> str:
    """The text of one asset.

    Args:
        path: relative to `assets/`, with forward slashes, e.g. `remote/read/facts.sh`.

    Raises:
        FileNotFoundError: there is no such asset.
    """
    return files("assets").joinpath(path).read_text(encoding="utf-8")


def asset_names(folder: str, suffix: str) -> list[str]:
    """The names of the files in one assets folder, sorted, without their suffix.

    Args:
        folder: relative to `assets/`, e.g. `remote/read`.
        suffix: e.g. `.sh`.
    """
    names = (entry.name for entry in files("assets").joinpath(folder).iterdir())
    return sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix))
