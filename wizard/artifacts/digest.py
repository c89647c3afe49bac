"""Digests of files: what they look like, how a publisher lists them, how they are computed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from wizard.core.dataclass import dataclass

HEX_DIGITS = {"sha256": 64, "sha512": 128}
"""The algorithms we accept, with the length of their hex form."""

_CHUNK = 1024 * 1024
_GNU_LINE = re.compile(r"([0-9A-Fa-f]+) [ *](.+)")
_BSD_LINE = re.compile(r"(SHA256|SHA512) \((.+)\) = ([0-9A-Fa-f]+)")


@dataclass(frozen=True, slots=True)
class Digest:
    """An algorithm and what it gave, in lower-case hex."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"

    @property
    def short(self) -> str:
        """Enough of it to recognise it in a table."""
        return f"{self.algorithm}:{self.value[:12]}..."


def parse_digest(text: str) -> Digest:
    """A digest from `algorithm:hex`.

    Raises:
        ValueError: another algorithm than sha256 and sha512, or not its length of hex digits.
    """
    algorithm, _, value = text.partition(":")
    digits = HEX_DIGITS.get(algorithm)
    if digits is None:
        raise ValueError(f"{text!r} does not begin with sha256: or sha512:")
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", value):
        raise ValueError(f"{algorithm} needs {digits} hex digits")
    return Digest(algorithm, value.lower())


def sha256(value: str) -> Digest:
    """A sha256 digest from its hex form.

    Raises:
        ValueError: not 64 hex digits.
    """
    return parse_digest(f"sha256:{value}")


def hash_file(path: Path, algorithms: Iterable[str]) -> dict[str, Digest]:
    """The digests of a file's content by algorithm, read once.

    Args:
        path: the file.
        algorithms: of `HEX_DIGITS`.

    Raises:
        OSError: it cannot be read.
    """
    hashes = {name: hashlib.new(name) for name in set(algorithms)}
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for each in hashes.values():
                each.update(chunk)
    return {name: Digest(name, each.hexdigest()) for name, each in hashes.items()}


def published_digest(text: str, file: str, algorithm: str) -> Digest | None:
    """What a publisher's checksum file says of one file.

    Args:
        text: the checksum file: lines of `HEX  NAME`, `HEX *NAME` or `SHA256 (NAME) = HEX`.
        file: the name to look for, without a folder.
        algorithm: that the checksum file uses.

    Returns:
        The digest, or None where the file is not listed.

    Raises:
        ValueError: it is listed with two different digests, or with something that is no such digest.
    """
    found = {value.lower() for name, value in map(_fields, text.splitlines()) if name == file}
    if len(found) > 1:
        raise ValueError(f"{file} is listed with {len(found)} different digests")
    return parse_digest(f"{algorithm}:{found.pop()}") if found else None


def _fields(line: str) -> tuple[str, str]:
    if match := _BSD_LINE.fullmatch(line.strip()):
        return match[2].removeprefix("./"), match[3]
    if match := _GNU_LINE.fullmatch(line.rstrip("\r\n")):
        return match[2].removeprefix("./"), match[1]
    return "", ""
