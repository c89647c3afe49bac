"""A file of this machine is sent in pieces: it resumes within and between them, and little of it is held in memory."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd
from wizard.core.errors import ExitCode, LinkLostError, RemoteError
from wizard.transport import upload
from wizard.transport.ssh import SshHost

PIECE = 1024 * 1024
"""Bytes of a piece here: the way is the same with less to send."""

SIZE = 6 * PIECE + 12_345


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base image of six pieces and a bit."""
    monkeypatch.setattr(upload, "PIECE", PIECE)
    path = tmp_path / "image"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def relay(server: Sshd) -> Iterator[Relay]:
    """A link that can be cut."""
    one = Relay(server.port)
    yield one
    one.close()


def linked(client: Client, server: Sshd, relay: Relay, folder: Path) -> SshHost:
    """A host over the relay, logged in already: what is counted from now on are the bytes of the file."""
    host = client.host(server, port=relay.port)
    host.put(b"", str(folder / "warm"))
    return host


def told(seen: list[int]) -> Callable[[int, int], None]:
    def hear(sent: int, total: int) -> None:
        assert total == SIZE
        seen.append(sent)

    return hear


def test_it_arrives_whole_and_is_not_sent_again(
    client: Client, server: Sshd, tmp_path: Path, image: Path
) -> None:
    host, seen, target = client.host(server), list[int](), tmp_path / "there"
    assert host.put(image, str(target), mode=0o644, on_bytes=told(seen)) is True
    assert target.read_bytes() == image.read_bytes()
    assert (seen[-1], seen) == (SIZE, sorted(seen))
    assert host.put(image, str(target), on_bytes=told(seen)) is False
    assert list(tmp_path.glob(".there*")) == []


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_any_number_of_pieces(client: Client, server: Sshd, tmp_path: Path, image: Path, size: int) -> None:
    image.write_bytes(os.urandom(size))
    assert client.host(server).put(image, str(tmp_path / "there")) is True
    assert (tmp_path / "there").read_bytes() == image.read_bytes()


@pytest.mark.parametrize("at", [PIECE // 2, PIECE + PIECE // 3, 3 * PIECE + PIECE // 8])
def test_cut_within_a_piece_it_goes_on_with_that_piece(
    client: Client, server: Sshd, tmp_path: Path, image: Path, relay: Relay, at: int
) -> None:
    host, seen = linked(client, server, relay, tmp_path), list[int]()
    connections = relay.accepted
    relay.cut_after(at)
    assert host.put(image, str(tmp_path / "there"), on_bytes=told(seen)) is True
    assert (tmp_path / "there").read_bytes() == image.read_bytes()
    assert relay.accepted == connections + 1
    fell = [seen[index] for index in range(1, len(seen)) if seen[index] < seen[index - 1]]
    assert all(begun > at // PIECE * PIECE for begun in fell), f"sent again from {fell}, cut at {at}"
    assert list(tmp_path.glob(".there*")) == []


def test_cut_between_pieces_every_new_link_brings_it_further(
    client: Client, server: Sshd, tmp_path: Path, image: Path, relay: Relay
) -> None:
    """Each link of one transfer is cut where a piece ends; when they are used up the next command goes on."""
    host, seen = linked(client, server, relay, tmp_path), list[int]()
    ends = [number * PIECE for number in range(1, upload.TRIES + 1)]

    def cut_at_ends(sent: int, _total: int) -> None:
        seen.append(sent)
        if ends and sent > ends[0]:
            ends.pop(0)
            relay.reset()

    with pytest.raises(LinkLostError):
        host.put(image, str(tmp_path / "there"), on_bytes=cut_at_ends)
    assert ends == []
    assert not (tmp_path / "there").exists(), "a part became visible"
    again = list[int]()
    assert host.put(image, str(tmp_path / "there"), on_bytes=told(again)) is True
    assert again[0] > upload.TRIES * PIECE
    assert (tmp_path / "there").read_bytes() == image.read_bytes()


def test_the_wizard_was_killed_and_the_next_one_goes_on(
    client: Client, server: Sshd, tmp_path: Path, image: Path
) -> None:
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    (tmp_path / f".there.{digest}.part").write_bytes(image.read_bytes()[: 2 * PIECE + 77])
    seen = list[int]()
    assert client.host(server).put(image, str(tmp_path / "there"), on_bytes=told(seen)) is True
    assert seen[0] > 2 * PIECE + 77
    assert (tmp_path / "there").read_bytes() == image.read_bytes()


def test_a_part_that_was_damaged_is_found_out_and_sent_anew(
    client: Client, server: Sshd, tmp_path: Path, image: Path
) -> None:
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    (tmp_path / f".there.{digest}.part").write_bytes(b"x" * (2 * PIECE))
    assert client.host(server).put(image, str(tmp_path / "there")) is True
    assert (tmp_path / "there").read_bytes() == image.read_bytes()


def test_a_file_that_changes_while_it_is_sent_never_becomes_visible(
    client: Client, server: Sshd, tmp_path: Path, image: Path
) -> None:
    def scribble(_sent: int, _total: int) -> None:
        with image.open("r+b") as file:
            file.seek(3 * PIECE)
            file.write(os.urandom(64))

    with pytest.raises(RemoteError) as caught:
        client.host(server).put(image, str(tmp_path / "there"), on_bytes=scribble)
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["sha256 was wrong"])
    assert not (tmp_path / "there").exists()


def test_only_a_piece_of_it_is_in_memory(
    client: Client, server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PIECE", PIECE)
    image = tmp_path / "large"
    with image.open("wb") as file:
        file.truncate(48 * PIECE)
    host = client.host(server)
    host.put(b"", str(tmp_path / "warm"))
    tracemalloc.start()
    try:
        assert host.put(image, str(tmp_path / "there")) is True
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * PIECE, f"{peak} bytes at once for pieces of {PIECE}"
    assert (tmp_path / "there").stat().st_size == 48 * PIECE
