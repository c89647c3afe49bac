"""What is said about the witness."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from screens.text import MUTED, STRONG, Sign, lines, signed, told
from wizard.core.decide.layout_disks import host_disks
from wizard.core.decide.storage_hosts import content_text, size_text
from wizard.core.facts import Disk, HostFacts
from wizard.core.spec.model import HostSpec


def disk_lines(found: tuple[int, HostSpec] | None, facts: HostFacts | None) -> Iterator[Content]:
    """The disks of the witness, the one etcd would write to marked."""
    if found is None or facts is None:
        return
    used = host_disks(found[1], facts).etcd
    yield told((f"Disks of {found[1].name}", STRONG))
    for disk in facts.disks:
        kind = "SD card" if disk.is_sd else "rotates" if disk.rotational else "SSD"
        here = "etcd writes here: " if disk in used else ""
        sign = (Sign.NEEDS if disk.is_sd else Sign.HERE) if disk in used else Sign.LATER
        content = "empty" if disk.empty else content_text(disk)
        about = " ".join(part for part in (disk.model, size_text(disk.size), kind) if part)
        yield signed(sign, here, f"{disk.name} {about}; {content}")


def outlook(found: tuple[int, HostSpec] | None, facts: HostFacts | None) -> Content:
    """Why a witness, and what its disk means."""
    rows: list[Content] = [
        told(("The third vote", STRONG)),
        told(""),
        told(
            "With it a majority remains when any one machine stops. It carries no guests and no data of yours."
        ),
        told(""),
    ]
    if found is None or facts is None:
        return lines([*rows, told(("Its disks are not known yet.", MUTED))])
    disks = host_disks(found[1], facts).etcd
    rows += _verdict(disks)
    rows += [told(""), told(("Its disk is measured before anything is built on it.", MUTED))]
    return lines(rows)


def _verdict(disks: tuple[Disk, ...]) -> Iterator[Content]:
    if not disks:
        yield signed(Sign.UNKNOWN, "On which disk the folder lies is not known.")
    elif any(disk.is_sd for disk in disks):
        yield signed(Sign.NEEDS, "The folder lies on the SD card: too slow for etcd, and worn out by it.")
    else:
        yield signed(Sign.DONE, "The folder lies on an SSD.")
