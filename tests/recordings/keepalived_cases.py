"""keepalived on a host of the lab, on a network of its own that nobody else is on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tests.recordings.case import Case, Play, do
from tests.recordings.recording import Said
from tests.recordings.stage import OP, Stage
from wizard.core.secret import Secret
from wizard.payload.etcd_files import MemberFile, bundle
from wizard.payload.keepalived import CONFIG, READY, Sharing, keepalived_files

OWN, SHARED = "198.51.100.1", "198.51.100.9"
SHARING = Sharing("tower-a", OWN, (), "rec0", SHARED, 51, 0)

ALWAYS = MemberFile(READY, Secret("#!/bin/sh\nexit 0\n"), "755")
"""In the place of the script that asks the API: there is none on this host."""

SECONDS = 60.0


def quick(file: MemberFile) -> MemberFile:
    """Its first verdict after a second instead of four."""
    text = file.content.reveal().replace("interval 2", "interval 1").replace("rise 2", "rise 1")
    return replace(file, content=Secret(text))


def files(*, ready: bool = True) -> list[MemberFile]:
    """Those of the wizard, with a script that always says yes or the one that asks the API."""
    script, drop_in, config = keepalived_files(SHARING)
    return [ALWAYS if ready else script, drop_in, quick(config)]


@contextmanager
def alone(stage: Stage) -> Iterator[None]:
    """A network nobody else is on; keepalived does not like it taken away below it."""
    with stage.lan(inhabited=False):
        yield
        stage.clear_keepalived(programs=False)


def configure(stage: Stage, payload: bytes, number: int = 1) -> Said:
    return do(stage, {}, f"{OP}-{number}", "do/keepalived-configure", payload=payload, seconds=SECONDS)


def packed(wanted: Sequence[MemberFile]) -> bytes:
    return bundle(wanted).reveal().encode()


def read(stage: Stage) -> Said:
    return stage.run("read/keepalived", {"own": OWN, "address": SHARED})


def read_absent(stage: Stage) -> Said:
    return read(stage)


def read_installed(stage: Stage) -> Said:
    stage.install_keepalived()
    with alone(stage):
        return read(stage)


def read_with_node(stage: Stage) -> Said:
    """The one look at a server; this one is no node."""
    return stage.run("read/k3s", {"wait": "0", "own": OWN, "address": SHARED})


def read_set_up(*, ready: bool, look: Play = read) -> Play:
    """It runs: with an API that is ready it has the address, without one it has not."""

    def play(stage: Stage) -> Said:
        stage.install_keepalived()
        with alone(stage):
            assert configure(stage, packed(files(ready=ready))).exit_code == 0
            stage.settle_address()
            said = look(stage)
        assert ("|held=rec0" in said.stdout) == ready
        return said

    return play


def set_up_new(stage: Stage) -> Said:
    stage.install_keepalived()
    with alone(stage):
        return configure(stage, packed(files()))


def set_up_again(stage: Stage) -> Said:
    stage.install_keepalived()
    with alone(stage):
        configure(stage, packed(files()))
        return configure(stage, packed(files()), 2)


def set_up_cut(stage: Stage) -> Said:
    stage.install_keepalived()
    said = configure(stage, packed(files())[:-30])
    assert stage.content(CONFIG) is None
    return said


def set_up_refused(stage: Stage) -> Said:
    stage.install_keepalived()
    wrong = MemberFile(CONFIG, Secret("vrrp_nothing {\n"))
    with alone(stage):
        said = configure(stage, packed([*files()[:2], wrong]))
        assert stage.content(CONFIG) is None
        return said


def set_up_not_installed(stage: Stage) -> Said:
    return configure(stage, packed(files()))


def _case(script: str, name: str, play: Play, *, tool: bool = False) -> Case:
    return Case(script, name, play, hosts=("tower-a",), tool=tool)


KEEPALIVED_CASES = (
    _case("read/keepalived", "absent", read_absent),
    _case("do/keepalived-configure", "not-installed", set_up_not_installed),
    _case("read/keepalived", "installed", read_installed),
    _case("read/keepalived", "owner", read_set_up(ready=True)),
    _case("read/keepalived", "not-ready", read_set_up(ready=False)),
    _case("read/k3s", "owner", read_set_up(ready=True, look=read_with_node)),
    _case("do/keepalived-configure", "new", set_up_new),
    _case("do/keepalived-configure", "again", set_up_again),
    _case("do/keepalived-configure", "cut", set_up_cut),
    _case("do/keepalived-configure", "refused", set_up_refused, tool=True),
)
