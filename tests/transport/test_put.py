from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd, is_root
from wizard.core.errors import ExitCode, RemoteError
from wizard.core.secret import Secret
from wizard.transport import upload


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that sees the disks mounted here."""
    if not is_root():
        pytest.skip("a real sshd with log-ins needs root and /usr/sbin/sshd")
    sshd = Sshd(tmp_path_factory.mktemp("sshd")).start()
    yield sshd
    sshd.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB with twenty inodes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_small_file_is_put_once_and_then_left_alone(client: Client, server: Sshd, tmp_path: Path) -> None:
    host, path = client.host(server), tmp_path / "file with space"
    assert host.put(b"content\0\xff", str(path), mode=0o640, owner="root:daemon") is True
    info = path.stat()
    assert path.read_bytes() == b"content\0\xff"
    assert (info.st_mode & 0o777, info.st_uid, path.group()) == (0o640, 0, "daemon")
    assert host.put(b"content\0\xff", str(path), mode=0o640, owner="root:daemon") is False
    assert path.stat().st_mtime_ns == info.st_mtime_ns
    assert host.put(b"content\0\xff", str(path), mode=0o600, owner="0:0") is True
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".file*")) == []


def test_empty_file(client: Client, server: Sshd, tmp_path: Path) -> None:
    assert client.host(server).put(b"", str(tmp_path / "empty")) is True
    assert (tmp_path / "empty").read_bytes() == b""


def test_symlink_is_replaced_not_followed(client: Client, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep me")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    client.host(server).put(b"new", str(tmp_path / "link"))
    assert (tmp_path / "precious").read_text() == "keep me"
    assert not (tmp_path / "link").is_symlink()


def test_large_file_reports_progress(client: Client, server: Sshd, tmp_path: Path) -> None:
    data, seen = os.urandom(3_000_000), list[tuple[int, int]]()
    assert client.host(server).put(data, str(tmp_path / "large"), on_bytes=lambda a, b: seen.append((a, b)))
    assert (tmp_path / "large").read_bytes() == data
    assert seen[-1] == (3_000_000, 3_000_000)
    assert seen == sorted(seen)
    assert client.host(server).put(data, str(tmp_path / "large")) is False


def test_broken_transfer_is_resumed_where_it_broke(client: Client, server: Sshd, tmp_path: Path) -> None:
    relay = Relay(server.port)
    host, data, seen = client.host(server, port=relay.port), os.urandom(4_000_000), list[int]()
    host.put(b"", str(tmp_path / "warm"))
    relay.cut_after(2_500_000)
    assert host.put(data, str(tmp_path / "large"), on_bytes=lambda sent, _total: seen.append(sent)) is True
    relay.close()
    assert (tmp_path / "large").read_bytes() == data
    fell = next(at for at in range(1, len(seen)) if seen[at] < seen[at - 1])
    assert seen[fell] > 1_000_000, "the second connection did not begin at zero"
    assert list(tmp_path.glob(".large*")) == []


def test_corrupt_partial_is_noticed_by_digest_and_sent_anew(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    import hashlib

    data = os.urandom(200_000)
    part = tmp_path / f".file.{hashlib.sha256(data).hexdigest()}.part"
    part.write_bytes(b"x" * 50_000)
    assert client.host(server).put(data, str(tmp_path / "file")) is True
    assert (tmp_path / "file").read_bytes() == data


def test_row_c49_disk_full_names_the_bytes_free_and_keeps_the_old_file(
    client: Client, server: Sshd, small_disk: Path
) -> None:
    target = small_disk / "file"
    target.write_text("old")
    with pytest.raises(RemoteError) as caught:
        client.host(server).put(os.urandom(3_000_000), str(target))
    says = ["is full", "bytes free", "3000000 bytes are wanted"]
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=says, do="df")
    assert target.read_text() == "old"


def test_row_c49_inodes_exhausted(client: Client, server: Sshd, small_disk: Path) -> None:
    for number in range(30):
        try:
            (small_disk / f"f{number}").touch()
        except OSError:
            break
    with pytest.raises(RemoteError) as caught:
        client.host(server).put(b"x", str(small_disk / "more"))
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["is full", "0 inodes free"], do="df")


def test_row_c49_read_only(client: Client, server: Sshd, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RemoteError) as caught:
        client.host(server).put(b"x", str(small_disk / "more"))
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["read-only"], do="remount,rw")


def test_row_c49_noexec_target_needs_no_execution(client: Client, server: Sshd, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,noexec", str(small_disk)], check=True)
    assert client.host(server).put(b"#!/bin/sh\n", str(small_disk / "script"), mode=0o755) is True


@pytest.mark.parametrize("path", ["/nonexistent/folder/file", "/proc/file"])
def test_folder_that_is_not_there_or_takes_no_files(client: Client, server: Sshd, path: str) -> None:
    with pytest.raises(RemoteError) as caught:
        client.host(server).put(b"x", path)
    assert path in caught.value.what


def test_unknown_owner_leaves_nothing_visible(client: Client, server: Sshd, tmp_path: Path) -> None:
    with pytest.raises(RemoteError) as caught:
        client.host(server).put(b"x", str(tmp_path / "file"), owner="nobodyknows:root")
    assert "nobodyknows" in caught.value.why
    assert not (tmp_path / "file").exists()


def test_secret_content_is_in_no_argv_and_never_readable_by_others(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    canary = f"canary-{uuid.uuid4().hex}"
    seen: list[bool] = []

    def look(_sent: int, _total: int) -> None:
        for name in ("cmdline", "environ"):
            for file in Path("/proc").glob(f"[0-9]*/{name}"):
                try:
                    seen.append(canary.encode() in file.read_bytes())
                except OSError:
                    continue

    client.host(server).put(Secret(canary * 4000), str(tmp_path / "secret"), mode=0o600, on_bytes=look)
    assert seen
    assert not any(seen)


@pytest.mark.parametrize("path", ["relative", "/a/../etc/passwd"])
def test_paths_that_a_step_must_not_use(client: Client, server: Sshd, path: str) -> None:
    with pytest.raises(ValueError, match="cannot put"):
        client.host(server).put(b"x", path)


def test_threshold_between_one_call_and_two(client: Client, server: Sshd, tmp_path: Path) -> None:
    for size in (upload.ONE_CALL, upload.ONE_CALL + 1):
        data = os.urandom(size)
        assert client.host(server).put(data, str(tmp_path / f"{size}")) is True
        assert (tmp_path / f"{size}").read_bytes() == data
