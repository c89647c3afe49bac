"""What the scripts about the witness do on a simulated host: its disks are as slow as it was told."""

from __future__ import annotations

from posixpath import dirname

from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.facts import mount_of, seen
from wizard.practice.guest_scripts import space_of
from wizard.practice.machine import Machine

ROOM_KIB = 65536
"""With less free nothing is measured, as in the script."""

CARD_MS = 46.0
"""The 99th percentile of a usual SD card (domain.md 2.2)."""

DISK_BYTES = 22 * 2**20 // 2300
"""Writes of one measurement by fio."""

PATIENCE = 20
"""Fewer syncs than that are no measurement."""


def witness(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/witness."""
    near = _nearest(machine, args["path"])
    mount, _ = mount_of(machine, near)
    rows = [line.split() for line in seen(machine).get("file /proc/mounts", ())]
    lines = ["== disk", f"|folder={near}", f"|mount={mount}"]
    for source, _, kind, options in [row[:4] for row in rows if row[1] == mount][-1:]:
        lines += [f"|source={source}", f"|filesystem={kind}", f"|options={options}"]
    lines += [f"|{line}" for line in machine.usb if mount != "/"]
    lines += ["== clock", *(f"|rtc={name}" for name in machine.clocks), "== round-trips"]
    for peer in filter(None, args["peers"].split(",")):
        there = peer == "127.0.0.1" or (machine.world is not None and machine.world.at(peer) is not None)
        lines.append(f"|{peer} {machine.round_trip_ms:.3f} ping" if there else f"|{peer} - connect")
    return Answer("\n".join(lines) + "\n")


def fsync(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/witness-fsync: leaves nothing behind, as the script."""
    near = _nearest(machine, args["path"])
    free = 0 if machine.is_full(f"{near}/x") else space_of(machine, near)[2]
    if free < ROOM_KIB:
        return Answer(f"{near} has only {free} KiB free; nothing is measured there\n", 4)
    method = "fio" if args["method"] == "auto" and machine.has_fio else "dd"
    most = disk_ms(machine, near)
    count = min(DISK_BYTES if method == "fio" else 3000, int(float(args["seconds"]) * 1000 / most * 2))
    told = f"folder={near}\n"
    if count < PATIENCE:
        return Answer(f"{told}the disk took fewer than {PATIENCE} syncs in {args['seconds']} seconds\n", 6)
    half, p99, longest = (round(most * 1000 * share) for share in (0.4, 1, 1.6))
    told += f"method={method}\nsamples={count}\np50_us={half}\np99_us={p99}\nmax_us={longest}\n"
    return Answer(told)


def disk_ms(machine: Machine, path: str) -> float:
    """The 99th percentile of a disk's syncs, milliseconds."""
    _, source = mount_of(machine, path)
    return CARD_MS if source.startswith("/dev/mmcblk") else machine.fsync_ms


def _nearest(machine: Machine, path: str) -> str:
    while not machine.has_folder(path):
        path = dirname(path)
    return path
