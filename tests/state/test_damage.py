"""Whatever became of the bytes of the state file: it is named with its place and mended by one command."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.state.samples import WRITER, fresh, home_in, load_error, sample_state, saved, told
from wizard.core.errors import StateError
from wizard.core.home import ClusterHome
from wizard.core.state import STATE_SCHEMA
from wizard.core.store import StateStore
from wizard.core.store.document import checksum

OLD = sample_state(serial=2)
NEW = sample_state(serial=3)

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    home = home_in(tmp_path)
    saved(home, OLD, NEW)
    return home


def rewrite(home: ClusterHome, edit: Edit, *, sign: bool) -> None:
    """Edit the JSON; with `sign` the checksum is made to fit, as a defect of ours would."""
    document = json.loads(home.state.read_text())
    edit(document)
    if sign:
        document["checksum"] = checksum(document)
    home.state.write_text(json.dumps(document))


def run_line(text: str, verb: str) -> None:
    """Run the line of the message that begins with this verb, as a person would paste it."""
    line = next(line for line in text.splitlines() if f" {verb} " in line)
    command = shlex.split(line[line.index(f" {verb} ") :], comments=True)
    subprocess.run(command, check=True)


def test_round_trip(home: ClusterHome) -> None:
    assert fresh(home).load() == NEW
    backup = fresh(home).newest_good_backup()
    assert backup is not None
    assert backup.path == home.state_backup
    assert backup.decoded.state == OLD


def test_never_begun_is_none(tmp_path: Path) -> None:
    assert fresh(home_in(tmp_path)).load() is None
    assert not home_in(tmp_path).folder.exists(), "loading writes nothing"


def test_row_a01_truncated_at_every_byte(home: ClusterHome) -> None:
    whole = home.state.read_bytes()
    for length in range(len(whole) - 1):
        home.state.write_bytes(whole[:length])
        load_error(home, f"of {length}", f"cp -p {home.state_backup} {home.state}")
    home.state.write_bytes(whole[:-1])
    assert fresh(home).load() == NEW, "only the last line feed is missing"


def test_row_a01_the_command_in_the_message_mends_it(home: ClusterHome) -> None:
    home.state.write_bytes(home.state.read_bytes()[:100])
    run_line(load_error(home, "is damaged"), "cp")
    assert fresh(home).load() == OLD


@pytest.mark.parametrize("backup", [None, b"", b"torn"])
def test_row_a01_without_a_good_backup_a_fresh_start_takes_a_command(
    home: ClusterHome, backup: bytes | None
) -> None:
    home.state_backup.unlink()
    if backup is not None:
        home.state_backup.write_bytes(backup)
        home.state_backup.chmod(0o600)
    home.state.write_bytes(b'{"schema"')
    text = load_error(home, "no valid backup")
    line = next(line for line in text.splitlines() if "start afresh" in line).partition(": ")[2]
    subprocess.run(["sh", "-c", line], check=True)
    assert fresh(home).load() is None
    assert (home.folder / "damaged" / "state.json").read_bytes() == b'{"schema"'


def test_row_a02_empty(home: ClusterHome) -> None:
    home.state.write_bytes(b"")
    run_line(load_error(home, "byte 0 of 0", "The file is empty"), "cp")
    assert fresh(home).load() == OLD


def test_row_a02_zeros_as_a_power_cut_leaves_them(home: ClusterHome) -> None:
    home.state.write_bytes(bytes(4096))
    load_error(home, "byte 0 of 4096")


def test_gone_with_a_backup_is_not_a_first_run(home: ClusterHome) -> None:
    home.state.unlink()
    run_line(load_error(home, "is gone", "serial 2"), "cp")
    assert fresh(home).load() == OLD


def test_every_byte_flipped(home: ClusterHome) -> None:
    whole = home.state.read_bytes()
    refused = 0
    for index in range(len(whole)):
        home.state.write_bytes(whole[:index] + bytes([whole[index] ^ 1 << index % 8]) + whole[index + 1 :])
        try:
            assert fresh(home).load() == NEW, f"byte {index} changed the state unseen"
        except StateError:
            refused += 1
    assert refused > 0.9 * len(whole), "only a blank or the case of a hex digit may change unseen"


@pytest.mark.parametrize("schema", [2, 7, 10**9])
def test_row_a03_newer_schema(home: ClusterHome, schema: int) -> None:
    before = home.state.read_bytes()
    rewrite(home, lambda document: document.update(schema=schema, writer="9.4.1"), sign=False)
    newer = home.state.read_bytes()
    load_error(home, "wizard 9.4.1", f"format {schema}", f"up to {STATE_SCHEMA}", "'homelab-wizard>=9.4.1'")
    store = fresh(home)
    with store.lock(), pytest.raises(StateError):
        store.save(NEW)
    assert home.state.read_bytes() == newer != before


def test_row_a03_a_hostile_writer_is_defused(home: ClusterHome) -> None:
    rewrite(
        home, lambda document: document.update(schema=9, writer="\x1b[2J';rm -rf ~\u202e" * 50), sign=False
    )
    assert len(load_error(home)) < 1000


WRONG: list[tuple[str, Edit]] = [
    ("name should be text, and is a number", lambda d: d.update(name=5)),
    ("lineage is missing", lambda d: d.pop("lineage")),
    ("serial should be a whole number, and is text", lambda d: d.update(serial="3")),
    ("serial should be a whole number, and is true or false", lambda d: d.update(serial=True)),
    ("serial is out of range", lambda d: d.update(serial=-1)),
    ("serial is out of range", lambda d: d.update(serial=10**30)),
    ("created is not a finite number", lambda d: d.update(created=float("nan"))),
    ("created is not a finite number", lambda d: d.update(created=float("inf"))),
    ("created is not a finite number", lambda d: d.update(created=10**400)),
    ("answers should be an object, and is a list", lambda d: d.update(answers=[])),
    ("steps should be an object, and is null", lambda d: d.update(steps=None)),
    ('answers["hosts[0].address"] should be text', lambda d: d.update(answers={"hosts[0].address": 1})),
    ("colour is a key that this version does not know", lambda d: d.update(colour="red")),
    ("schema is 0, and this version reads 1", lambda d: d.update(schema=0)),
    ("schema should be a whole number", lambda d: d.update(schema=1.0)),
    ("steps.hosts.status is 'almost'", lambda d: d["steps"]["hosts"].update(status="almost")),
    (
        'steps.hosts.changes["marker:pi"].at should be a number',
        lambda d: d["steps"]["hosts"]["changes"]["marker:pi"].update(at="now"),
    ),
    (
        'steps.hosts.changes["marker:pi"].op is missing',
        lambda d: d["steps"]["hosts"]["changes"]["marker:pi"].pop("op"),
    ),
]


@pytest.mark.parametrize(("words", "edit"), WRONG, ids=[f"{n}-{words}" for n, (words, _) in enumerate(WRONG)])
def test_row_a05_wrong_values_are_named_with_their_path(home: ClusterHome, words: str, edit: Edit) -> None:
    rewrite(home, edit, sign=True)
    run_line(load_error(home, words), "cp")
    assert fresh(home).load() == OLD


def test_row_a05_1e400_in_the_text(home: ClusterHome) -> None:
    home.state.write_text(home.state.read_text().replace("1763834999.0", "1e400"))
    load_error(home, "created is not a finite number")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"[]", "the document should be an object, and is a list"),
        (b"null", "the document should be an object, and is null"),
        (b"{}", "schema is missing"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "huge number"),
        (b'{"schema": 1, "schema": 1}', "schema stands there twice"),
        (b"\xef\xbb\xbf{}", "byte 0 of 5"),
        (b'{"schema": "\xff"}', "byte 12 of 15"),
        ('{"name": "ü" x}'.encode(), "byte 14 of 16"),
    ],
)
def test_row_a05_not_a_state_at_all(home: ClusterHome, raw: bytes, words: str) -> None:
    home.state.write_bytes(raw)
    load_error(home, words, "cp -p ")


def rename_host(document: dict[str, object]) -> None:
    document["answers"] = {"hosts[0].address": "192.0.2.99", "name": "home"}


def test_row_a06_a_hand_edit_needs_the_flag(home: ClusterHome) -> None:
    rewrite(home, rename_host, sign=False)
    load_error(
        home, "--accept-edited", "changed outside", '-  "hosts[0].address": "192.0.2.10"', '.99"', "cp -p "
    )
    accepted = fresh(home).load(accept_edited=True)
    assert accepted is not None
    assert accepted.answers["hosts[0].address"] == "192.0.2.99"


def test_row_a06_the_diff_stays_short(home: ClusterHome) -> None:
    rewrite(home, lambda d: d.update(answers={f"a{n}": "x" * 500 for n in range(100)}), sign=False)
    assert len(load_error(home, "more lines").splitlines()) < 30


def test_row_a06_an_accepted_edit_is_kept_beside_and_signed_by_the_next_save(home: ClusterHome) -> None:
    rewrite(home, rename_host, sign=False)
    edited = home.state.read_bytes()
    store = fresh(home)
    state = store.load(accept_edited=True)
    assert state is not None
    with store.lock():
        store.save(state)
    assert fresh(home).load() == state
    assert [path.read_bytes() for path in home.backups.iterdir()] == [edited]
    backup = fresh(home).newest_good_backup()
    assert backup is not None
    assert backup.decoded.state == OLD, "the edited file never counts as a good backup"


@pytest.mark.parametrize("raw", [b"", b"{", b'{"schema": 1}'])
def test_a_save_that_never_loaded_does_not_replace_what_is_damaged(home: ClusterHome, raw: bytes) -> None:
    home.state.write_bytes(raw)
    store = fresh(home)
    with store.lock(), pytest.raises(StateError):
        store.save(NEW)
    assert home.state.read_bytes() == raw


def test_row_a06_a_save_that_never_loaded_does_not_replace_an_edited_file(home: ClusterHome) -> None:
    rewrite(home, rename_host, sign=False)
    edited = home.state.read_bytes()
    store = fresh(home)
    with store.lock(), pytest.raises(StateError) as caught:
        store.save(NEW)
    told(caught.value, "--accept-edited")
    assert home.state.read_bytes() == edited


def test_a_save_that_never_loaded_does_not_begin_anew_beside_a_backup(home: ClusterHome) -> None:
    home.state.unlink()
    store = fresh(home)
    with store.lock(), pytest.raises(StateError) as caught:
        store.save(NEW)
    assert "is gone" in caught.value.what
    assert not home.state.exists()


def test_a_file_spoilt_during_the_run_is_replaced_and_kept_beside(home: ClusterHome) -> None:
    store = fresh(home)
    store.load()
    home.state.write_bytes(b"scribble")
    with store.lock():
        store.save(NEW)
    assert fresh(home).load() == NEW
    assert [path.read_bytes() for path in home.backups.iterdir()] == [b"scribble"]


def test_row_a07_another_clusters_file_is_not_replaced(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    saved(home, NEW)
    before = home.state.read_bytes()
    other = StateStore(home, writer=WRITER)
    with other.lock(), pytest.raises(StateError) as caught:
        other.save(replace(NEW, lineage="other"))
    assert "another cluster" in caught.value.what
    assert home.state.read_bytes() == before


def test_the_highest_serial_is_the_newest_backup(home: ClusterHome) -> None:
    home.backups.mkdir(mode=0o700)
    kept = home.backups / "state.kept.json"
    kept.write_bytes(home.state.read_bytes())
    kept.chmod(0o600)
    (home.backups / "state.torn.json").write_bytes(b"{")
    os.utime(kept, (1, 1))
    backup = fresh(home).newest_good_backup()
    assert backup is not None
    assert backup.path == kept
    home.state.unlink()
    load_error(home, f"cp -p {kept} {home.state}", "serial 3")
