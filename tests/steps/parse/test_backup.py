"""What real hosts said of the backup of etcd, as the parsers read it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from steps.parse.backup import BackupSeen, StoreSeen, parse_backup, parse_store
from tests.recordings.recording import FOLDER, load
from wizard.payload.etcd_backup import KEY, SCRIPT, TIMER, made_at


def member(case: str) -> BackupSeen:
    return parse_backup(load(FOLDER / "read-backup" / f"{case}.pi.json").said.stdout)


def store(case: str, host: str) -> StoreSeen:
    return parse_store(load(FOLDER / "read-backup-store" / f"{case}.{host}.json").said.stdout)


def test_a_member_without_backups_has_nothing_of_them_and_no_trouble() -> None:
    seen = member("nothing")
    assert (seen.present, seen.timer.enabled, seen.last, seen.trouble) == (False, False, "", "")


def test_a_member_that_made_one_knows_its_name() -> None:
    seen = member("made")
    assert seen.files[KEY].mode == "600" and {SCRIPT, TIMER} <= set(seen.files)
    assert (seen.timer.active, seen.timer.enabled, seen.trouble) == ("active", True, "")
    assert made_at(seen.last, "recordings", "pi") is not None


def test_why_the_last_one_failed_is_known_in_its_own_words_or_by_how_it_ended() -> None:
    seen = member("failed")
    assert "did not take it" in seen.trouble and "Permission denied" in seen.trouble
    killed = parse_backup("== service\n|ActiveState=failed\n|Result=timeout\n== notes\n|last=1 x 2\n")
    assert killed.trouble == "its service ended by timeout"


@pytest.mark.parametrize("host", ["tower-a", "tower-b"])
def test_a_store_tells_who_is_admitted_and_what_lies_there(host: str) -> None:
    bare, seen = store("nothing", host), store("admitted", host)
    assert (bare.target, bare.folder, bare.present, bare.kept) == (False, False, False, ())
    assert bare.host_key.startswith("AAAAC3NzaC1lZDI1NTE5")
    assert (seen.target, seen.folder, seen.present, seen.in_memory) == (True, True, True, False)
    assert set(seen.admitted) == {"pi"}
    assert [(one.name, one.size) for one in seen.kept] == [("etcd-recordings-pi-20261128T033000Z.tar.cms", 9)]
    assert seen.free is not None and seen.size is not None and 0 < seen.free <= seen.size
    assert seen.now is not None and seen.now.year >= 2026


def test_what_cannot_be_told_stays_unknown() -> None:
    seen = parse_store("== store\n|now=99999999999999\n|free=lots\n== keys\n|one-word\n== backups\n|a b c\n")
    assert seen == StoreSeen()


def test_a_name_is_that_of_one_member_alone() -> None:
    name = "etcd-home-etcd-a-20261128T033000Z.tar.cms"
    assert made_at(name, "home", "etcd-a") == datetime(2026, 11, 28, 3, 30, tzinfo=UTC)
    assert made_at(name, "home", "a") is None
    assert made_at(name.replace("1128", "1399"), "home", "etcd-a") is None
