"""Debian packages on a host of the lab: a small one that nothing else there needs."""

from __future__ import annotations

from tests.recordings.case import Case, Play, do
from tests.recordings.recording import Said
from tests.recordings.stage import OP, Stage
from wizard.core.packages import load_packages

NAME = "keyutils"
ARCHIVE = "/opt/wizard-packages.tar"
UNFINISHED = "/var/lib/wizard/packages.unfinished"
UNIT = "wizard-recordings.service"
"""Nobody has it: it is masked and freed again."""

VERSION = load_packages().debs[NAME, "amd64"].version
SECONDS = 120.0


def read(stage: Stage, wanted: str = f"{NAME}={VERSION}") -> Said:
    return stage.run("read/packages", {"names": wanted})


def install(stage: Stage, number: int = 1, *, need: int = 1000, unit: str = UNIT) -> Said:
    args = {"archive": ARCHIVE, "names": f"{NAME}={VERSION}", "units": unit, "need": str(need), "wait": "1"}
    return do(stage, args, f"{OP}-{number}", "do/packages", seconds=SECONDS)


def installed(stage: Stage) -> Stage:
    stage.packages(ARCHIVE, [NAME])
    assert install(stage).exit_code == 0
    return stage


def read_none(stage: Stage) -> Said:
    return read(stage)


def read_there(stage: Stage) -> Said:
    return read(installed(stage))


def read_older(stage: Stage) -> Said:
    return read(installed(stage), f"{NAME}=99:1")


def read_cut_off(stage: Stage) -> Said:
    stage.unpack_only(NAME)
    stage.write(UNFINISHED, f"{UNIT}\n".encode())
    return read(stage)


def install_new(stage: Stage) -> Said:
    stage.packages(ARCHIVE, [NAME])
    said = install(stage)
    assert stage.content(ARCHIVE) is None
    assert stage.content(UNFINISHED) is None
    return said


def install_again(stage: Stage) -> Said:
    return install(installed(stage), 2)


def install_after_cut(stage: Stage) -> Said:
    stage.unpack_only(NAME)
    stage.write(UNFINISHED, f"{UNIT}\n".encode())
    stage.packages(ARCHIVE, [NAME])
    said = install(stage)
    assert stage.content(UNFINISHED) is None
    return said


def install_no_archive(stage: Stage) -> Said:
    return install(stage)


def install_no_tar(stage: Stage) -> Said:
    stage.write(ARCHIVE, b"this is no archive\n")
    return install(stage)


def install_no_room(stage: Stage) -> Said:
    stage.packages(ARCHIVE, [NAME])
    return install(stage, need=10**9)


def install_held(stage: Stage) -> Said:
    stage.packages(ARCHIVE, [NAME])
    with stage.dpkg_held():
        return install(stage)


def _case(script: str, name: str, play: Play, host: str = "pi", *, tool: bool = False) -> Case:
    return Case(script, name, play, hosts=(host,), tool=tool)


PACKAGE_CASES = (
    _case("read/packages", "none", read_none),
    _case("read/packages", "there", read_there),
    _case("read/packages", "older", read_older),
    _case("read/packages", "cut-off", read_cut_off),
    _case("read/packages", "no-apt", read_none, "tower-b"),
    _case("do/packages", "new", install_new, tool=True),
    _case("do/packages", "again", install_again),
    _case("do/packages", "after-cut", install_after_cut, tool=True),
    _case("do/packages", "no-archive", install_no_archive),
    _case("do/packages", "no-tar", install_no_tar, tool=True),
    _case("do/packages", "no-room", install_no_room),
    _case("do/packages", "held", install_held),
    _case("do/packages", "no-apt", install_no_archive, "tower-b"),
)
