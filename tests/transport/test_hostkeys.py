from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.transport.sshd import keygen, run
from wizard.transport.hostkeys import Standing, entry_name, fingerprint, judge, lookup, remember


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, tuple[str, bytes]]:
    made = {}
    for name, kind in (("one", "ed25519"), ("two", "ed25519"), ("ecdsa", "ecdsa")):
        keygen(tmp_path / name, kind)
        key_type, text = (tmp_path / f"{name}.pub").read_text().split()[:2]
        made[name] = (key_type, base64.b64decode(text))
    return made


def line(name: str, key: tuple[str, bytes], marker: str = "") -> str:
    return f"{marker}{name} {key[0]} {base64.b64encode(key[1]).decode()} comment\n"


def test_fingerprint_is_the_one_ssh_keygen_prints(tmp_path: Path, keys: dict[str, tuple[str, bytes]]) -> None:
    assert fingerprint(keys["one"][1]) == run("ssh-keygen", "-lf", tmp_path / "one").split()[1]


def test_row_c39_hashed_known_hosts(tmp_path: Path, keys: dict[str, tuple[str, bytes]]) -> None:
    file = tmp_path / "known"
    file.write_text(line("tower", keys["one"]) + line("[tower]:2222", keys["two"]))
    run("ssh-keygen", "-H", "-f", file)
    assert "tower" not in file.read_text()
    assert [known.blob for known in lookup("tower", [file])] == [keys["one"][1]]
    assert [known.blob for known in lookup(entry_name("Tower", 2222), [file])] == [keys["two"][1]]
    assert lookup("other", [file]) == []


def test_row_c39_two_keys_for_one_address(tmp_path: Path, keys: dict[str, tuple[str, bytes]]) -> None:
    file = tmp_path / "known"
    file.write_text(line("10.0.0.5,tower", keys["one"]) + line("10.0.0.5", keys["ecdsa"]))
    known = lookup("10.0.0.5", [file])
    assert judge(keys["one"][1], known).standing is Standing.TRUSTED
    assert judge(keys["ecdsa"][1], known).standing is Standing.TRUSTED
    changed = judge(keys["two"][1], known)
    assert changed.standing is Standing.CHANGED
    assert changed.line is not None
    assert changed.line.where == f"{file}:1"


def test_revoked_wins_over_trusted(tmp_path: Path, keys: dict[str, tuple[str, bytes]]) -> None:
    file = tmp_path / "known"
    file.write_text(line("tower", keys["one"]) + line("*", keys["one"], "@revoked "))
    assert judge(keys["one"][1], lookup("tower", [file])).standing is Standing.REVOKED
    assert judge(keys["two"][1], lookup("other", [file])).standing is Standing.UNKNOWN


def test_damaged_lines_and_missing_files_hold_nothing(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_bytes(
        b"tower ssh-ed25519 !!!\n|1|x|y ssh-ed25519 AAAA\n\xff\xfe\ntower\n# tower ssh-ed25519 AAAA\n"
    )
    assert lookup("tower", [file, tmp_path / "missing", tmp_path]) == []


def test_remembering_replaces_only_that_host(tmp_path: Path, keys: dict[str, tuple[str, bytes]]) -> None:
    file = tmp_path / "new" / "known"
    remember(file, "tower", *keys["one"])
    remember(file, "other", *keys["ecdsa"])
    remember(file, "tower", *keys["two"])
    assert [known.blob for known in lookup("tower", [file])] == [keys["two"][1]]
    assert len(lookup("other", [file])) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["known"]
