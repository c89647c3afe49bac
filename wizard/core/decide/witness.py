"""Whether a Raspberry Pi, or whatever the witness is, will do: each of its parts judged from facts, with the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.decide.layout_disks import ETCD_DIR, disk_words
from wizard.core.decide.witness_data import Judgement, witness_data
from wizard.core.facts import GIB, HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec

LEAST_MEMORY = int(1.7 * GIB)
"""Bytes; the same as the check `discover.memory` asks of a witness."""

KIB = 1024
USUAL_PAGE = 4 * KIB
WORD = 64
SLOW_LINK = 480
"""Mbit/s of a USB 2 port."""


@dataclass(frozen=True, slots=True)
class DiskPath:
    """What the folder of etcd lies on, as the witness itself tells (`read/witness`)."""

    folder: str = ""
    """The nearest folder that is there."""
    mount: str = ""
    source: str = ""
    filesystem: str = ""
    device: str = ""
    """Kernel name of the whole disk."""
    usb: str = ""
    """`vendor:product` of the bridge or stick; empty = not on USB, or not to be told."""
    driver: str = ""
    """`uas` or `usb-storage`."""
    speed: int | None = None
    """Mbit/s that the USB link runs at."""
    product: str = ""
    quirks: str = ""
    """`usb-storage.quirks` of the kernel's command line."""
    clocks: tuple[str, ...] = ()
    """Clocks that run on while the power is off, by the kernel's name."""
    round_trips: Mapping[str, float | None] = field(default_factory=dict)
    """Milliseconds by address; None = no answer."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One part of the witness, judged."""

    id: str
    verdict: Judgement
    found: str
    """What it is."""
    why: str = ""
    """What that means; empty where it is simply right."""
    source: str = ""


def judge_witness(spec: ClusterSpec, host: HostSpec, facts: HostFacts, path: DiskPath) -> tuple[Trait, ...]:
    """Every part of a witness, from the model to its clock.

    Args:
        spec: whether it accepts a slow witness.
        host: the witness as the spec has it.
        facts: of it.
        path: what its folder of etcd lies on.
    """
    return (
        _model(facts),
        _bits(facts),
        _pages(facts),
        _memory(facts),
        _power(facts),
        _root(facts),
        _disk(spec, host, facts),
        _usb(path),
        _filesystem(facts, path),
        _clock(facts, path),
        _cgroups(facts),
    )


def _trait(id_: str, verdict: Judgement, found: str, why: str = "", source: str = "") -> Trait:
    return Trait(id_, verdict, found, why, source or witness_data().sources.get(id_, ""))


def _model(facts: HostFacts) -> Trait:
    if facts.pi:
        return _trait("model", "good", facts.pi.model)
    return _trait(
        "model", "good", facts.os.pretty or facts.platform, "not a Raspberry Pi: judged as any small machine"
    )


def _bits(facts: HostFacts) -> Trait:
    seen = f"{facts.arch or 'unknown architecture'}, {facts.bits or '?'} bit"
    if not facts.arch or facts.bits is None:
        return _trait("bits", "unknown", seen)
    sound = facts.arch in ("aarch64", "x86_64") and facts.bits == WORD
    return (
        _trait("bits", "good", seen)
        if sound
        else _trait("bits", "refused", seen, "etcd needs a 64-bit system")
    )


def _pages(facts: HostFacts) -> Trait:
    if facts.page_size is None:
        return _trait("pages", "unknown", "unknown")
    seen = f"{facts.page_size // KIB} KiB"
    if facts.page_size == USUAL_PAGE:
        return _trait("pages", "good", seen)
    return _trait("pages", "good", seen, "no matter to etcd; some other programs do not run with such pages")


def _memory(facts: HostFacts) -> Trait:
    total = facts.memory.total
    if total is None:
        return _trait("memory", "unknown", "unknown")
    seen = f"{total / GIB:.1f} GiB"
    return (
        _trait("memory", "good", seen)
        if total >= LEAST_MEMORY
        else _trait("memory", "warn", seen, "2 GB is the least we plan with")
    )


def _power(facts: HostFacts) -> Trait:
    if facts.pi is None:
        return _trait("power", "good", "no firmware to ask", "only a Raspberry Pi tells")
    if facts.pi.throttled is None:
        return _trait("power", "unknown", "the firmware could not be asked")
    if not facts.pi.flags:
        return _trait("power", "good", "enough, never throttled since boot")
    why = "the power supply or its cable is too weak" if facts.pi.under_voltage else "it gets too hot"
    return _trait("power", "warn", ", ".join(facts.pi.flags), why)


def _root(facts: HostFacts) -> Trait:
    disks = facts.disks_under("/") or tuple(one for one in facts.disks if one.name == facts.root_device)
    if not disks:
        return _trait("root", "unknown", "unknown")
    seen = ", ".join(map(disk_words, disks))
    why = (
        "an SD card: it may stay, as long as etcd's data is elsewhere"
        if any(one.is_sd for one in disks)
        else ""
    )
    return _trait("root", "good", seen, why)


def _disk(spec: ClusterSpec, host: HostSpec, facts: HostFacts) -> Trait:
    folder = host.etcd_dir or ETCD_DIR
    disks = facts.disks_under(folder)
    if not disks:
        return _trait("disk", "unknown", folder, "what it lies on could not be told")
    seen = f"{folder} on {', '.join(map(disk_words, disks))}"
    if not any(one.is_sd for one in disks):
        return _trait("disk", "good", seen, source=witness_data().sources["root"])
    accepted = spec.witness.accept_slow
    why = "an SD card is too slow for etcd and wears out from it" + (
        ", and witness.accept_slow takes it" if accepted else ""
    )
    return _trait("disk", "warn" if accepted else "refused", seen, why, witness_data().sources["root"])


def _usb(path: DiskPath) -> Trait:
    if not path.usb:
        known = bool(path.device)
        return _trait("usb", "good" if known else "unknown", "not on USB" if known else "could not be told")
    data = witness_data()
    bridge = data.bridges.get(path.usb)
    seen = " ".join(
        filter(None, [path.product, path.usb, f"by {path.driver}" if path.driver else "", _speed(path)])
    )
    quirk = path.usb in path.quirks
    if bridge and (path.driver == "uas" or not bridge.uas_only):
        help_ = (
            f"; `usb-storage.quirks={path.usb}:u` in cmdline.txt takes UAS away from it"
            if path.driver == "uas"
            else ""
        )
        return _trait("usb", "warn", seen, f"{bridge.name}: {bridge.why}{help_}", bridge.source)
    if path.driver == "usb-storage":
        reason = "as the kernel was told to" if quirk else "the slow fallback, one command at a time"
        return _trait("usb", "good" if quirk else "warn", seen, reason)
    if path.speed is not None and path.speed <= SLOW_LINK:
        return _trait("usb", "warn", seen, "in a USB 2 port, or behind a cable for one: use a blue one")
    return _trait("usb", "good", seen)


def _speed(path: DiskPath) -> str:
    return f"at {path.speed} Mbit/s" if path.speed else ""


def _filesystem(facts: HostFacts, path: DiskPath) -> Trait:
    found = facts.filesystem(path.folder) if path.folder else None
    kind = path.filesystem or (found.fstype if found else "")
    if not kind:
        return _trait("filesystem", "unknown", "unknown")
    known = witness_data().filesystems.get(kind)
    if known is None:
        return _trait("filesystem", "warn", kind, "nobody has tried etcd on it here", "[U]")
    return _trait(
        "filesystem", known.verdict, f"{kind} on {path.mount or path.folder}", known.why, known.source
    )


def _clock(facts: HostFacts, path: DiskPath) -> Trait:
    own = f"own clock: {', '.join(path.clocks)}" if path.clocks else "no clock of its own"
    kept = facts.clock.synchronised
    if kept:
        return _trait("clock", "good", f"{own}, kept by {facts.clock.by or 'the network'}")
    if kept is None:
        return _trait("clock", "unknown", f"{own}; whether anybody keeps it is unknown")
    why = (
        ""
        if path.clocks
        else "after a boot without a time server it lives in the past, and certificates are not valid yet"
    )
    return _trait("clock", "warn", f"{own}, kept by nobody", why or "it drifts")


def _cgroups(facts: HostFacts) -> Trait:
    on = {True: "memory on", False: "memory off", None: "unknown"}[facts.cgroups.memory]
    return _trait("cgroups", "good", on, "no matter: the witness runs etcd alone, no containers")
