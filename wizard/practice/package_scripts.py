"""Debian packages on a simulated host: what dpkg tells of them, and what installing an archive of them does."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator

from wizard.core.host import Args
from wizard.core.packages import load_packages
from wizard.practice.answer import Answer
from wizard.practice.machine import FREE, File, Machine, Package

UNFINISHED = "/var/lib/wizard/packages.unfinished"
"""Is there while packages are installed, and names the units that are masked meanwhile."""

WHOLE = "installed"


def packages(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/packages: hosts of the recordings are Debian, but for the Unraid-like one."""
    if machine.unraid:
        return Answer("== packages\n|apt=no\n== end\n")
    rows = ["apt=yes", f"arch={_arch(machine)}"]
    for wanted in args["names"].split():
        name, _, least = wanted.partition("=")
        there = machine.packages.get(name)
        if there is not None:
            enough = "yes" if _at_least(there.version, least) else "no"
            rows.append(f"package={name} {there.state} {there.version} {enough}")
    rows += [f"broken={name} {one.state}" for name, one in machine.packages.items() if one.state != WHOLE]
    units = machine.files.get(UNFINISHED)
    if units is not None:
        rows.append(f"unfinished={units.content.decode().replace(chr(10), ' ')}")
    return Answer("".join(["== packages\n", *(f"|{row}\n" for row in rows), "== end\n"]))


def install(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/packages: everything in the archive, then what was wanted is looked for."""
    if machine.unraid:
        return Answer("there is no apt-get here: this is no Debian\n", 3)
    if machine.dpkg_held:
        held = f"dpkg is held by {machine.dpkg_held}"
        return Answer(f"waiting: {held}\n{held} and was not free for {args['wait']} seconds\n", 75)
    said = ""
    if any(one.state != WHOLE for one in machine.packages.values()):
        said = "dpkg was cut off before; it goes on\n"
        for one in machine.packages.values():
            one.state = WHOLE
    if UNFINISHED in machine.files or _missing(machine, args):
        free = 0 if machine.is_full("/usr/bin/x") else FREE[0]
        if free < int(args["need"]):
            return Answer(f"{said}not enough room: free {free} KiB on /, needed {args['need']} KiB\n", 4)
        archive = machine.files.get(args["archive"])
        if archive is None:
            return Answer(f"{said}there is no {args['archive']}\n", 4)
        try:
            machine.packages.update(_unpacked(archive.content))
        except tarfile.TarError:
            return Answer(
                f"{said}tar: This does not look like a tar archive\ncannot unpack {args['archive']}\n", 4
            )
    machine.files.pop(args["archive"], None)
    machine.files.pop(UNFINISHED, None)
    if left := _missing(machine, args):
        return Answer(f"{said}still not installed: {' '.join(left)} \n", 3)
    names = [wanted.partition("=")[0] for wanted in args["names"].split()]
    there = ", ".join(f"{name} {machine.packages[name].version}" for name in names)
    return Answer(f"{said}installed {there}\n")


def cut_off(machine: Machine, name: str) -> None:
    """Leave a package as a power cut in the middle of its installation does."""
    machine.packages[name].state = "half-configured"
    machine.files[UNFINISHED] = File(half_done(name))


def half_done(name: str) -> bytes:
    """What stands in the note of an installation that is in the middle of a package."""
    return "".join(f"{unit}\n" for unit in load_packages().units_of([name])).encode()


def _missing(machine: Machine, args: Args) -> list[str]:
    wanted = [one.partition("=")[::2] for one in args["names"].split()]
    return [
        name
        for name, least in wanted
        if (there := machine.packages.get(name)) is None
        or there.state != WHOLE
        or not _at_least(there.version, least)
    ]


def _unpacked(content: bytes) -> Iterator[tuple[str, Package]]:
    """The archive's files by what they say on their first line, as practice's artifacts do."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for entry in tar:
            file = tar.extractfile(entry)
            words = re.match(rb"practice artifact deb-(\S+) (\S+) (\S+)\n", file.read() if file else b"")
            if words:
                yield words[1].decode(), Package(words[2].decode())


def _at_least(version: str, least: str) -> bool:
    """As far as practice goes: its versions differ in numbers, not in Debian's finer points."""
    return _numbers(version) >= _numbers(least)


def _numbers(version: str) -> list[int]:
    epoch, colon, rest = version.partition(":")
    return [int(epoch) if colon else 0, *map(int, re.findall(r"\d+", rest if colon else version))]


def _arch(machine: Machine) -> str:
    kernel = next(
        (line for line in machine.sections.get("host", ()) if line.startswith("arch=")), "arch=x86_64"
    )
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(kernel.partition("=")[2], "amd64")
