"""`secrets.yaml`: ours alone, whole after every crash, never shown, never guessed at where it is damaged."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state.faulty import KILLED, FailAt, KillAt, Recorder, ShortWrites
from tests.state.samples import fresh, home_in, needs_root, told
from tests.state.test_crash import in_child
from wizard.core.errors import StateError, render
from wizard.core.files import SYSTEM, SystemCalls
from wizard.core.secret import Secret
from wizard.core.store.secrets import FileSecrets

KEY = "-----BEGIN PRIVATE KEY-----\ncanary-7d1e\n-----END PRIVATE KEY-----\n"
OLD = {"etcd/ca.key": Secret(KEY), "etcd/ca.crt": Secret("an old certificate")}
NEW = {"etcd/etcd-a.key": Secret("a new key")}

Words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def kept(path: Path, system: SystemCalls = SYSTEM) -> FileSecrets:
    """As a newly started wizard has them."""
    return FileSecrets(path, system)


def plain(path: Path) -> dict[str, str]:
    names = (*OLD, *NEW)
    found = {name: kept(path).get(name) for name in names}
    return {name: secret.reveal() for name, secret in found.items() if secret is not None}


def revealed(values: Mapping[str, Secret]) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in values.items()}


def never() -> dict[str, Secret]:
    raise AssertionError("made although it was there")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.yaml"


# --- what is kept


def test_what_was_put_is_there_for_the_next_wizard(path: Path) -> None:
    kept(path).put(OLD)
    assert plain(path) == revealed(OLD)
    assert kept(path).get("etcd/nobody.key") is None


def test_only_its_owner_may_read_it_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        kept(path).put(OLD)
        kept(path).put(NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_asking_makes_no_file(path: Path) -> None:
    assert kept(path).get("etcd/ca.key") is None
    assert not path.exists()


def test_what_is_there_is_not_made_again(path: Path) -> None:
    kept(path).put(OLD)
    key, certificate = kept(path).ensure(never, "etcd/ca.key", "etcd/ca.crt")
    assert (key, certificate) == (OLD["etcd/ca.key"], OLD["etcd/ca.crt"])


def test_what_belongs_together_is_made_together(path: Path) -> None:
    kept(path).put({"etcd/ca.key": Secret("half a pair")})
    made = kept(path).ensure(lambda: OLD, "etcd/ca.crt", "etcd/ca.key")
    assert made == (OLD["etcd/ca.crt"], OLD["etcd/ca.key"])
    assert plain(path) == revealed(OLD)


def test_it_is_on_the_disk_before_it_is_handed_out(path: Path) -> None:
    system = FailAt(number=errno.ENOSPC, for_ever=True)
    keeper = kept(path, system)
    assert keeper.get("etcd/ca.key") is None
    system.armed = True
    with pytest.raises(StateError) as caught:
        keeper.ensure(lambda: OLD, *OLD)
    told(caught.value, "the disk is full", "bytes free")
    assert not path.exists()


def test_a_value_that_could_not_be_saved_is_not_remembered(path: Path) -> None:
    system = FailAt(number=errno.EIO, armed=False)
    keeper = kept(path, system)
    keeper.put(OLD)
    system.armed = True
    with pytest.raises(StateError):
        keeper.put(NEW)
    system.armed = False
    assert keeper.get("etcd/etcd-a.key") is None


def test_many_threads_that_want_one_key_get_one_key(path: Path) -> None:
    keeper, made = kept(path), list[int]()
    together = threading.Barrier(8)
    got: list[Secret] = []

    def make() -> dict[str, Secret]:
        made.append(1)
        return {"ssh/key": Secret(f"key {len(made)}")}

    def want() -> None:
        together.wait(10)
        got.extend(keeper.ensure(make, "ssh/key"))

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
    assert {secret.reveal() for secret in got} == {"key 1"}


@settings(max_examples=60, deadline=None)
@given(
    values=st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}(/[a-z0-9]{1,5})?", fullmatch=True), Words)
)
def test_every_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "secrets.yaml"
    kept(path).put({name: Secret(value) for name, value in values.items()})
    again = kept(path)
    for name, value in values.items():
        found = again.get(name)
        assert found is not None
        assert found.reveal() == value


@pytest.mark.parametrize("name", ["", "A", "a//b", "/a", "a/", "a b", "-a", "../a", "a\nb"])
def test_a_name_that_cannot_be_is_our_own_mistake(path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        kept(path).put({name: Secret("x")})
    assert not path.exists()


# --- crashes


def scene(folder: Path) -> Path:
    path = folder / "secrets.yaml"
    folder.mkdir()
    kept(path).put(OLD)
    return path


def put_new(path: Path, system: Recorder) -> None:
    keeper = kept(path, system)
    keeper.get("etcd/ca.key")
    system.armed = True
    keeper.put(NEW)


def calls(folder: Path) -> list[str]:
    recorder = Recorder()
    put_new(scene(folder / "count"), recorder)
    return recorder.names


@pytest.mark.parametrize("power", [False, True], ids=["kill", "power-cut"])
def test_killed_at_every_call_it_holds_the_old_or_the_new_ones(tmp_path: Path, power: bool) -> None:
    outcomes = set()
    for index, name in enumerate(calls(tmp_path)):
        path = scene(tmp_path / str(index))
        assert in_child(partial(put_new, path, KillAt(index=index, power=power))) == KILLED
        found = plain(path)
        assert found in (revealed(OLD), revealed(OLD | NEW)), f"call {index}, {name}"
        outcomes.add(len(found))
        for left in path.parent.iterdir():
            assert stat.S_IMODE(left.stat().st_mode) == 0o600, f"call {index}, {name}: {left}"
        kept(path).put(NEW)
        assert plain(path) == revealed(OLD | NEW)
    assert outcomes == {2, 3}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("after", [False, True], ids=["refused", "done-but-refused"])
def test_every_call_fails_once(tmp_path: Path, number: int, after: bool) -> None:
    names, failed = calls(tmp_path), []
    for index, name in enumerate(names):
        path = scene(tmp_path / str(index))
        try:
            put_new(path, FailAt(index=index, number=number, after=after))
        except StateError as error:
            told(error, "bytes free", errno.errorcode[number])
            failed.append(name)
        else:
            assert plain(path) == revealed(OLD | NEW), f"call {index}, {name}: saved, they said"
        assert plain(path) in (revealed(OLD), revealed(OLD | NEW)), f"call {index}, {name}"
        assert [item.name for item in path.parent.iterdir()] == [path.name], f"call {index}, {name}"
    for call in ("fsync", "write", "replace"):
        assert failed.count(call) == names.count(call), f"a failed {call} was called a success"


def test_short_writes_are_carried_on(tmp_path: Path) -> None:
    path = scene(tmp_path / "short")
    system = ShortWrites()
    put_new(path, system)
    assert system.names.count("write") > 10
    assert plain(path) == revealed(OLD | NEW)


# --- a file that is not as we wrote it


def refused(path: Path, *says: str) -> str:
    """Nothing is handed out, nothing is replaced, nothing of the file is quoted."""
    before = path.read_bytes() if path.is_file() else b""
    uses: tuple[Callable[[], object], ...] = (
        partial(kept(path).get, "ssh/key"),
        partial(kept(path).put, NEW),
    )
    for use in uses:
        with pytest.raises(StateError) as caught:
            use()
        text = told(caught.value, *says)
        assert "canary" not in text
        assert "canary" not in repr(caught.value.__context__)
    assert (path.read_bytes() if path.is_file() else b"") == before
    return text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no list of secrets"),
        (b"schema: 1\nsecrets:\n  a: |\n   canary\n  : :\n b", "not YAML"),
        (b"schema: 1\nsecrets: [canary]\n", "has no list of secrets"),
        (b"\xff\xfe\x00canary", "not YAML"),
        (b"[" * 5000 + b"canary", "not YAML"),
        (b"schema: 2\nsecrets: {ssh/key: canary}\n", "a newer wizard may have written it"),
        (b"secrets: {ssh/key: canary}\n", "not of schema 1"),
        (b"schema: 1\nsecrets: {ssh/key: [canary]}\n", "not a name and a text"),
        (b"schema: 1\nsecrets: {ssh/key: canary}\n", "checksum does not fit"),
        (b"schema: 1\nchecksum: canary\nsecrets: {}\n", "checksum does not fit"),
        (b"schema: 1\nsecrets: {ssh/key: {canary: canary}}\n", "not a name and a text"),
        (b"!!python/object/apply:os.system ['echo canary']\n", "has no list of secrets"),
    ],
)
def test_a_damaged_file_is_never_taken_for_an_empty_one(path: Path, content: bytes, says: str) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    refused(path, says, "put back a good copy")


def test_cut_off_anywhere_it_is_refused(path: Path) -> None:
    kept(path).put(OLD | NEW)
    whole = path.read_bytes()
    torn = [length for length in range(len(whole)) if _hands_out_anything(path, whole[:length])]
    assert torn in ([], [len(whole) - 1]), "only the last line's end may be missing"


def _hands_out_anything(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    try:
        assert plain(path) == revealed(OLD | NEW), f"cut at byte {len(content)}: a torn value was handed out"
    except StateError as error:
        assert "canary" not in render(error)
        return False
    return True


def test_a_file_that_others_may_read_is_refused(path: Path) -> None:
    kept(path).put(OLD)
    path.chmod(0o644)
    refused(path, "open to other users", f"chmod 0600 {path}")


@needs_root
def test_somebody_elses_file_is_refused(path: Path) -> None:
    kept(path).put(OLD)
    os.chown(path, 65534, 65534)
    refused(path, "belongs to", "sudo chown")


@pytest.mark.parametrize("put_there", [os.mkdir, os.mkfifo, partial(os.symlink, "/etc/passwd")])
def test_what_is_no_plain_file_is_refused(path: Path, put_there: Callable[[Path], None]) -> None:
    put_there(path)
    refused(path, "not a plain file")


# --- never seen


def test_it_is_never_seen_in_a_picture_of_the_object(path: Path) -> None:
    keeper = kept(path)
    keeper.put(OLD)
    for picture in (repr(keeper), str(keeper), repr(vars(keeper)), repr(keeper.get("etcd/ca.key"))):
        assert "canary" not in picture
    assert "canary" in path.read_text(), "the control: it is in the file"


def test_what_a_killed_writer_left_is_gone_with_the_next_lock(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    home.folder.mkdir(mode=0o700)
    kept(home.secrets).put(OLD)
    names = calls(tmp_path)
    for index in range(len(names)):
        in_child(partial(put_new, home.secrets, KillAt(index=index)))
    assert any("canary" in left.read_text() for left in home.folder.glob("*.tmp")), "the control"
    with fresh(home).lock():
        assert list(home.folder.glob("*.tmp")) == []
