"""Rows 1 to 11: the state file and its folder, met by the command line."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.site import APPLY, Site, under
from tests.rows import CliRun, assert_explained, assert_tolerated
from wizard.core.errors import ExitCode
from wizard.core.store.document import checksum
from wizard.core.store.migrate import Document

COMMANDS = (APPLY, ("plan",), ("doctor",), ("facts",), ("state", "show"))
"""Everything that reads the state."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs mounts or files of other users")


def refused(site: Site, *says: str, do: str = "", commands: tuple[tuple[str, ...], ...] = COMMANDS) -> str:
    """Assert that each command refuses the state, changes nothing and asks no host; what the first one advised."""
    before, asked = kept(site), len(site.world.happened)
    advice = []
    for command in commands:
        run = site.run(*command)
        parts = assert_explained(
            run, exit_code=ExitCode.STATE, says=says, do=do, unchanged=lambda: kept(site), before=before
        )
        assert run.stdout == ""
        advice.append(parts["do"])
    assert len(site.world.happened) == asked
    return advice[0]


def kept(site: Site) -> dict[str, bytes]:
    """Every file of ours but the log and the name in the lock, which an apply that is refused may touch."""
    aside = {site.cluster.lock, site.cluster.events}
    files = (path for path in site.cluster.folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): path.read_bytes() for path in files if path not in aside}


def edited(site: Site, edit: Callable[[dict[str, Any]], object], *, sign: bool) -> None:
    """Change the state file; with `sign` its checksum is made to fit."""
    document = json.loads(site.cluster.state.read_text())
    edit(document)
    if sign:
        document["checksum"] = checksum(document)
    site.cluster.state.write_text(json.dumps(document))


def obeyed(site: Site, advice: str, verb: str) -> CliRun:
    """Run the line of the advice that begins with a verb, as a person would paste it; then plan."""
    line = next(line for line in advice.splitlines() if line.strip().startswith(verb))
    subprocess.run(shlex.split(line, comments=True), check=True)
    return site.run("plan")


@pytest.mark.row("A", 1)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_row_a01_truncated_state(site: Site, share: float) -> None:
    site.applied()
    whole = site.cluster.state.read_bytes()
    site.cluster.state.write_bytes(whole[: int(len(whole) * share)])
    advice = refused(site, "is damaged", f"of {int(len(whole) * share)}", do="cp -p")
    assert_tolerated(obeyed(site, advice, "cp"), shows=["Nothing to do."])


@pytest.mark.row("A", 2)
def test_row_a02_empty_state_is_not_a_fresh_start(site: Site) -> None:
    site.applied()
    site.cluster.state.write_bytes(b"")
    advice = refused(site, "The file is empty", "byte 0 of 0", do="cp -p")
    assert_tolerated(obeyed(site, advice, "cp"), shows=["Nothing to do."])


@pytest.mark.row("A", 3)
def test_row_a03_state_of_a_newer_wizard(site: Site) -> None:
    site.applied()
    edited(site, lambda document: document.update(schema=9, writer="7.1.0"), sign=True)
    refused(site, "wizard 7.1.0", "format 9", do="pip install --upgrade 'homelab-wizard>=7.1.0'")


@pytest.mark.row("A", 4)
def test_row_a04_state_of_an_older_wizard(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no older format yet: one is made up, in which the serial was called `run`."""

    def from_zero(document: Document) -> Document:
        return {("serial" if key == "run" else key): value for key, value in document.items()}

    def to_zero(document: Document) -> None:
        document |= {"schema": 0, "run": document.pop("serial")}

    site.applied()
    edited(site, to_zero, sign=True)
    refused(site, "schema", "is 0", do="cp -p")
    old = site.cluster.state.read_bytes()
    monkeypatch.setitem(dict_of_migrations(), 0, from_zero)
    assert_tolerated(site.run("plan"), shows=["Nothing to do.", "done and still true:  3 changes"])
    assert site.cluster.state.read_bytes() == old, "a plan brings nothing up on the disk"
    pi = site.world.machine("pi")
    with site.world.turn(pi):
        pi.files.pop(pi.marker_path)
    assert_tolerated(site.run(*APPLY), shows=["leave our marker on pi"])
    assert json.loads(site.cluster.state.read_text())["schema"] == 1
    assert (site.cluster.backups / "state.schema-0.json").read_bytes() == old


def dict_of_migrations() -> dict[int, Callable[[Document], Document]]:
    from wizard.core.store.migrate import MIGRATIONS

    assert isinstance(MIGRATIONS, dict)
    return MIGRATIONS


@pytest.mark.row("A", 5)
@pytest.mark.parametrize(
    ("path", "edit"),
    [
        ("serial", lambda document: document.update(serial="3")),
        ("lineage", lambda document: document.pop("lineage")),
        ("created", lambda document: document.update(created=float("nan"))),
        ("steps.hosts.changes", lambda document: document["steps"]["hosts"].update(changes=[])),
    ],
    ids=["text for a number", "missing", "NaN", "list for an object"],
)
def test_row_a05_wrong_value_in_the_state(
    site: Site, path: str, edit: Callable[[dict[str, Any]], object]
) -> None:
    site.applied()
    edited(site, edit, sign=True)
    refused(site, path, do="cp -p", commands=(("plan",), ("state", "show")))


@pytest.mark.row("A", 5)
def test_row_a05_number_beyond_all_bounds(site: Site) -> None:
    site.applied()
    text = site.cluster.state.read_text()
    created = json.loads(text)["created"]
    site.cluster.state.write_text(text.replace(f'"created": {created}', '"created": 1e400'))
    refused(site, "created", do="cp -p", commands=(("plan",), ("state", "show")))


@pytest.mark.row("A", 6)
def test_row_a06_edited_state(site: Site) -> None:
    site.applied()
    edited(
        site, lambda document: document["answers"].update({"network.gateway": "10.213.99.254"}), sign=False
    )
    refused(site, "was changed outside the wizard", "+", "10.213.99.254", do="--accept-edited")
    assert_tolerated(site.run("plan", "--accept-edited"), shows=["10.213.99.254", "Nothing to do."])
    assert_tolerated(site.run("state", "show", "--accept-edited"), shows=["3 done"])


@pytest.mark.row("A", 7)
def test_row_a07_state_of_another_cluster(site: Site) -> None:
    site.applied()
    markers = {name: site.world.machine(name).files for name in ("tower-a", "tower-b", "pi")}
    other = site.home / "other"
    for command in (("plan", "--dir", str(other)), (*APPLY, "--dir", str(other))):
        run = site.run(*command)
        assert_explained(
            run,
            exit_code=ExitCode.STATE,
            says=["tower-a belongs to another cluster", "lineage"],
            do="--dir DIR",
            unchanged=lambda: {name: site.world.machine(name).files for name in markers},
            before=markers,
        )
    assert not (other / "state.json").exists()


@pytest.mark.row("A", 8)
def test_row_a08_state_older_than_the_hosts_know(site: Site) -> None:
    site.applied()
    old = site.cluster.state.read_bytes()
    pi = site.world.machine("pi")
    with site.world.turn(pi):
        pi.files.pop(pi.marker_path)
    site.applied()
    site.cluster.state.write_bytes(old)
    markers = site.world.machine("tower-b").marker()
    assert markers["serial"] == "2"
    for command in (("plan",), APPLY):
        assert_explained(
            site.run(*command),
            exit_code=ExitCode.STATE,
            says=["older than what tower-a knows", "serial 2", "the state here 1"],
            do="wizard state show",
            unchanged=lambda: (kept(site)[str(site.cluster.state)], site.world.machine("tower-b").marker()),
            before=(old, markers),
        )


def linked(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.symlink_to("kept")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def foldered(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.row("A", 9)
@pytest.mark.parametrize(
    ("spoil", "says", "do"),
    [
        pytest.param(lambda path: path.chmod(0o644), "0644", "chmod 0600", id="mode"),
        pytest.param(
            lambda path: os.chown(path, 65534, -1), "belongs to nobody", "chown", id="owner", marks=needs_root
        ),
        pytest.param(linked, "a symbolic link", "rm ", id="link"),
        pytest.param(piped, "FIFO", "rm ", id="fifo"),
        pytest.param(foldered, "a folder", "rmdir ", id="folder"),
        pytest.param(lambda path: path.parent.chmod(0o755), "0755", "chmod 0700", id="open folder"),
    ],
)
def test_row_a09_state_file_of_a_wrong_kind(
    site: Site, spoil: Callable[[Path], object], says: str, do: str
) -> None:
    site.applied()
    spoil(site.cluster.state)
    advice = refused(site, says, do=do, commands=(("plan",), APPLY, ("state", "show")))
    if do.startswith("ch"):
        assert_tolerated(obeyed(site, advice, advice.split()[0]), shows=["Nothing to do."])


@pytest.mark.row("A", 10)
@pytest.mark.parametrize(
    ("way", "says", "do"),
    [("full", "the disk is full", "df -h"), ("read-only", "the file system is read-only", "findmnt -T")],
)
@needs_root
def test_row_a10_the_states_disk_is_full_or_read_only(site: Site, way: str, says: str, do: str) -> None:
    """In a mount namespace of its own, on a small disk; the old state is copied there, and out again afterwards."""
    site.applied()
    pi = site.world.machine("pi")
    with site.world.turn(pi):
        pi.files.pop(pi.marker_path)
    disk, saved = site.home / "disk", site.home / "saved"
    disk.mkdir()
    before = site.cluster.state.read_bytes()
    spoil = (
        f"mount -o remount,ro {disk}"
        if way == "read-only"
        else f"head -c 1000000 /dev/zero > {disk}/filler 2>/dev/null"
    )
    prepare = f"mount -t tmpfs -o size=128k none {disk} && cp -a {site.cluster.folder} {disk}/loop && {{ {spoil}; true; }}"
    script = f'"$@"; code=$?; cp -a {disk}/loop {saved}; exit $code'
    for command in ((*APPLY, "--dir", f"{disk}/loop"), ("plan", "--dir", f"{disk}/loop")):
        shutil.rmtree(saved, ignore_errors=True)
        done = subprocess.run(
            under([prepare], ["sh", "-c", script, "sh", *site.command(*command)]),
            capture_output=True, text=True, env=site.env(), timeout=60, check=False,
        )  # fmt: skip
        run = CliRun(done.returncode, done.stdout, done.stderr)
        assert (saved / "state.json").read_bytes() == before
        if command[0] == "plan":
            assert_tolerated(run, shows=["Leave our marker on pi"], exit_code=ExitCode.PLAN_CHANGES)
        else:
            assert_explained(run, exit_code=ExitCode.STATE, says=[says, "bytes free"], do=do)
    assert site.world.machine("pi").marker() == {}, "nothing is begun that cannot be written down first"


@pytest.mark.row("A", 10)
def test_row_a10_quota(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def over_quota(handle: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{handle}").readlink().name.startswith(".state.json"):
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        return write(handle, data)

    monkeypatch.setattr(os, "write", over_quota)
    assert_explained(site.run(*APPLY), exit_code=ExitCode.STATE, says=["quota", "EDQUOT"], do="quota -s")
    assert not any(site.world.ran().values())


@pytest.mark.row("A", 10)
def test_row_a10_the_folder_cannot_be_made(site: Site) -> None:
    (site.home / "file").write_text("")
    run = site.run(*APPLY, "--dir", str(site.home / "file" / "below"))
    assert_explained(run, exit_code=ExitCode.STATE, says=["could not be saved"], do="--dir DIR")
    assert not site.world.happened


@pytest.mark.row("A", 11)
@pytest.mark.parametrize("number", [1, 2, 4, 6, 9])
def test_row_a11_fsync_reports_an_error(site: Site, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    fsync, calls = os.fsync, [0]

    def dying(handle: int) -> None:
        calls[0] += 1
        if calls[0] == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dying)
        run = site.run(*APPLY)
        assert calls[0] >= number
    assert_explained(run, exit_code=ExitCode.STATE, says=["the disk reported an error", "EIO"], do="dmesg")
    assert "done: 3 changes" not in run.stdout
    shown = site.run("state", "show")
    assert_tolerated(shown)
    assert "hosts: done" not in shown.stdout
    site.nothing_left()
