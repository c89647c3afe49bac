"""What a real host said of keepalived, as the parser reads it."""

from __future__ import annotations

from steps.parse.k3s import parse_k3s
from steps.parse.keepalived import KeepalivedSeen, parse_keepalived
from tests.recordings.keepalived_cases import SHARING, files
from tests.recordings.recording import FOLDER, load
from wizard.payload.keepalived import CONFIG, DROP_IN, READY


def keepalived(case: str) -> KeepalivedSeen:
    return parse_keepalived(load(FOLDER / "read-keepalived" / f"{case}.tower-a.json").said.stdout)


def test_a_host_without_keepalived_says_nothing_of_it() -> None:
    seen = keepalived("absent")
    assert (seen.installed, seen.runs, seen.unit.enabled, seen.state, seen.config) == (
        False,
        False,
        False,
        "",
        "",
    )
    assert (seen.ready, seen.answers, seen.group) == (None, None, None)
    assert keepalived("installed").installed


def test_the_owner_says_that_it_has_the_address_and_on_which_interface() -> None:
    seen = keepalived("owner")
    assert (seen.runs, seen.unit.enabled, seen.state, seen.group) == (True, True, "MASTER", SHARING.group)
    assert seen.held == seen.nic == SHARING.nic
    assert seen.ready is not None and seen.ready.yes
    assert seen.answers is not None and seen.answers.yes
    wanted = {file.path: (file.digest, file.mode, file.owner) for file in files()}
    assert set(wanted) == {CONFIG, DROP_IN, READY}
    assert {path: (one.digest, one.mode, one.owner) for path, one in seen.files.items()} == wanted


def test_the_one_look_at_a_server_says_the_same_of_its_address() -> None:
    node = parse_k3s(load(FOLDER / "read-k3s" / "owner.tower-a.json").said.stdout)
    seen, alone = node.address, keepalived("owner")
    for name in ("installed", "files", "config", "unit", "state", "nic", "held", "ready", "answers"):
        assert getattr(seen, name) == getattr(alone, name), name
    assert not set(node.files) & set(seen.files), "files of K3s and of keepalived are told apart"


def test_whoever_has_no_api_says_why_and_has_no_address() -> None:
    seen = keepalived("not-ready")
    assert (seen.runs, seen.state, seen.held, seen.at) == (True, "FAULT", "", "")
    assert seen.ready is not None
    assert (seen.ready.yes, seen.ready.said) == (False, "K3s has made no certificates here yet")


def test_nonsense_is_unknown_and_no_error() -> None:
    assert (
        parse_keepalived("== keepalived files\n|x y\n== keepalived\n|=\n== address\n|held\n")
        == KeepalivedSeen()
    )
