"""Access to the files of the `assets` package, from a checkout, an installed wheel or a zip alike."""

from __future__ import annotations

import pkgutil
from functools import cache


@cache
def asset_text(path: str) -> str:
    """The text of one asset.

    Args:
        path: relative to `assets/`, with forward slashes, e.g. `remote/read/facts.sh`.

    Raises:
        FileNotFoundError: there is no such asset.
    """
    data = pkgutil.get_data("assets", path)
    if data is None:
        raise FileNotFoundError(path)
    return data.decode("utf-8")


def asset_names(folder: str, suffix: str) -> list[str]:
    """The names of the files in one assets folder, sorted, without their suffix.

    Args:
        folder: relative to `assets/`, e.g. `remote/read`.
        suffix: e.g. `.sh`.
    """
    from importlib.resources import files

    names = (entry.name for entry in files("assets").joinpath(folder).iterdir())
    return sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix))
