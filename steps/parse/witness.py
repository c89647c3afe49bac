"""What `read/witness` and `do/witness-fsync` say: text in, frozen data out."""

from __future__ import annotations

from steps.parse.sections import split_sections
from steps.parse.values import decimal, number, pairs
from wizard.core.dataclass import dataclass
from wizard.core.decide.witness import DiskPath


@dataclass(frozen=True, slots=True)
class Fsync:
    """How long a disk took to sync, one write at a time."""

    method: str
    """`fio` or `dd`."""
    samples: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    folder: str = ""
    """Where it was measured."""


def parse_witness(text: str) -> DiskPath:
    """What a folder lies on and how far away the others are.

    Args:
        text: the answer of `read/witness`; anything that is not understood is unknown.
    """
    sections = split_sections(text)
    disk = pairs(sections.lines("disk"))
    clock = [line.removeprefix("rtc=") for line in sections.lines("clock") if line.startswith("rtc=")]
    trips = [words for line in sections.lines("round-trips") if len(words := line.split()) >= 2]  # noqa: PLR2004
    return DiskPath(
        folder=disk.get("folder", ""),
        mount=disk.get("mount", ""),
        source=disk.get("source", ""),
        filesystem=disk.get("filesystem", ""),
        device=disk.get("device", ""),
        usb=disk.get("usb", ""),
        driver=disk.get("driver", ""),
        speed=number(disk.get("speed")),
        product=disk.get("product", ""),
        quirks=disk.get("quirks", ""),
        clocks=tuple(clock),
        round_trips={words[0]: decimal(words[1]) for words in trips},
    )


def parse_fsync(text: str) -> Fsync | None:
    """A measurement.

    Args:
        text: what `do/witness-fsync` printed.

    Returns:
        None where it is not what the script prints when it ended well.
    """
    said = pairs(text.splitlines())
    numbers = {key: number(said.get(key)) for key in ("samples", "p50_us", "p99_us", "max_us")}
    if any(value is None for value in numbers.values()) or not said.get("method"):
        return None
    return Fsync(
        said["method"],
        numbers["samples"] or 0,
        _ms(numbers["p50_us"]),
        _ms(numbers["p99_us"]),
        _ms(numbers["max_us"]),
        said.get("folder", ""),
    )


def _ms(microseconds: int | None) -> float:
    return round((microseconds or 0) / 1000, 2)
