"""A download that nobody depends on: one try, and where it fails one line that says so."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from wizard.artifacts.catalog import Catalog
from wizard.artifacts.download import Tries
from wizard.artifacts.folder import fetch_folder
from wizard.artifacts.progress import Lines
from wizard.core.errors import WizardError
from wizard.transport.http import HttpClient


def attempt(
    folder: Path,
    names: tuple[str, ...],
    arch: str,
    say: Callable[[str], None],
    *,
    cache_root: Path,
    catalog: Catalog | None = None,
    client: HttpClient | None = None,
) -> bool:
    """Try to fill a folder with artifacts; the caller has another way.

    Args:
        folder: is made if need be.
        names: of the artifacts.
        arch: `amd64` or `arm64`.
        say: is told what came, or why it did not.
        cache_root: where downloads are kept.
        catalog: of what there is; the wizard's own when not given.
        client: asks for files.

    Returns:
        Whether all of them lie in the folder.
    """
    for name in names:  # one by one: a line that is dead is not tried for each
        try:
            failed = fetch_folder(
                folder,
                cache_root=cache_root,
                arches=(arch,),
                only=(name,),
                lines=Lines(io.StringIO(), redraw=False),
                catalog=catalog,
                client=client,
                tries=Tries(fruitless=1),
            )
        except WizardError as error:
            failed = [error]
        if failed:
            say(f"{name} cannot be downloaded here: {failed[0].what}")
            return False
        say(f"{name}: fetched")
    return True
