"""known_hosts: whose key is whose. Files and bytes only; the decision to trust is the caller's."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.transport.ssh_config import host_matches

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Known:
    """One line that speaks of a host."""

    key_type: str
    blob: bytes
    where: str
    """`file:line`."""
    marker: str = ""
    """`@revoked` or `@cert-authority`."""

    @property
    def fingerprint(self) -> str:
        """As ssh prints it."""
        return fingerprint(self.blob)


class Standing(StrEnum):
    """How an offered key stands to what is known."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The standing, and the line that decided it."""

    standing: Standing
    line: Known | None = None


def fingerprint(blob: bytes) -> str:
    """`SHA256:...` over a public key's bytes, without padding.

    Args:
        blob: the key in SSH wire format.
    """
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def entry_name(host: str, port: int) -> str:
    """How a host is written in known_hosts: bare on port 22, else `[host]:port`.

    Args:
        host: name or address.
        port: of the SSH server.
    """
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def lookup(name: str, files: Iterable[Path]) -> list[Known]:
    """Every line about a host, in file order.

    Args:
        name: from `entry_name`, or a HostKeyAlias.
        files: known_hosts files; missing or unreadable ones hold nothing.
    """
    return [known for path in files for known in _lines_about(name, path)]


def judge(blob: bytes, known: Sequence[Known]) -> Verdict:
    """What to think of an offered key.

    A key of a type not seen before counts as changed, not as unknown: we ask the server for the known types first, so
    it only offers another when it no longer has the confirmed one.

    Args:
        blob: the offered key.
        known: from `lookup`.
    """
    lines = [line for line in known if line.marker != "@cert-authority"]
    same = [line for line in lines if line.blob == blob]
    revoked = [line for line in same if line.marker == "@revoked"]
    if revoked:
        return Verdict(Standing.REVOKED, revoked[0])
    if same:
        return Verdict(Standing.TRUSTED, same[0])
    others = [line for line in lines if not line.marker]
    if others:
        return Verdict(Standing.CHANGED, others[0])
    return Verdict(Standing.UNKNOWN)


_WRITING = threading.Lock()
"""Hosts are reached side by side, and each keeps what it found in the file."""


def remember(path: Path, name: str, key_type: str, blob: bytes) -> None:
    """Write the key of a host into our own file, in place of what stood there for it.

    Args:
        path: the wizard's own known_hosts; its folder is made 0700 where it is missing.
        name: from `entry_name`.
        key_type: `ssh-ed25519` and the like.
        blob: the key.
    """
    with _WRITING:
        _replace_line(path, name, f"{name} {key_type} {base64.b64encode(blob).decode()}")


def _replace_line(path: Path, name: str, line: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [each for each in old if each.split(" ", 1)[0] != name]
    kept.append(line)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".known_hosts.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(kept) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _lines_about(name: str, path: Path) -> list[Known]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for number, raw in enumerate(text.splitlines(), start=1):
        known = _line_about(name, raw.split(), f"{path}:{number}")
        if known:
            found.append(known)
    return found


def _line_about(name: str, fields: list[str], where: str) -> Known | None:
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < 3 or fields[0].startswith("#") or not _names(fields[0], name):  # noqa: PLR2004
        return None
    try:
        return Known(fields[1], base64.b64decode(fields[2], validate=True), where, marker)
    except binascii.Error:
        return None


def _names(field: str, name: str) -> bool:
    if field.startswith("|1|"):
        return _hashed(field, name)
    return host_matches(name, field.split(","))


def _hashed(field: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in field.split("|")[2:4])
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
