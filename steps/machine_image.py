"""The base image on a hypervisor: fetched once here, sent once to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from steps.machine_plan import IMAGES, SHORT_SECONDS, Place
from wizard.core.artifact import ARCH, Need
from wizard.core.change import Change
from wizard.core.context import Work
from wizard.payload.guests import BASE_FOLDER

PARTS = 20
"""How often a transfer tells how far it is."""

UNKNOWN_PART = 64 * 1024**2
"""Bytes after which one of unknown length does."""


def image_change(place: Place, makes: bool) -> Iterator[Change]:
    """The base image, where something is to be made from it and it is not there.

    Args:
        place: the hypervisor.
        makes: whether a guest is to be made.
    """
    if makes and place.seen.base is None:
        yield Change(
            key=f"image:{place.host.name}",
            host=place.host.name,
            summary=f"Copy the base image {place.base} to {place.host.name}",
            preview=place.base_path,
            weight=30.0,
            do=partial(_image, place=place),
            needs=(Need(IMAGES.get(place.driver, IMAGES["kvm"])[0], ARCH.get(place.facts.arch, "amd64")),),
        )


def _image(work: Work, *, place: Place) -> str:
    name = place.host.name
    kind, _ = IMAGES.get(place.driver, IMAGES["kvm"])

    fetched = _told(work, f"{kind}: fetching")
    sent = _told(work, f"{place.base}: copying to {name}")
    artifact, path = work.artifacts.obtain(kind, ARCH.get(place.facts.arch, "amd64"), on_bytes=fetched)
    work.run("do/guest-folder", {"dir": place.vm_dir}, timeout=SHORT_SECONDS)
    work.host.put(path, place.base_path, mode=0o644, on_bytes=sent)
    return f"{artifact.label} lies in {place.vm_dir}/{BASE_FOLDER}, its digest was checked there"


def _told(work: Work, what: str) -> Callable[[int, int], None]:
    """Tells how far a transfer is whenever another twentieth is done; a line per piece would drown the rest."""
    last = -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        part = PARTS * done // total if total else done // UNKNOWN_PART
        if part != last:
            last = part
            of = f" of {_mib(total)}" if total else ""
            work.progress(f"{what}, {_mib(done)}{of}", done / total if total else None)

    return tell


def _mib(value: int) -> str:
    return f"{value / 1024**2:.0f} MiB"
