"""Private key files on this machine: what they are, without unlocking them, and what is wrong with them."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from pathlib import Path

from wizard.core.dataclass import dataclass

_MAGIC = b"openssh-key-v1\0"
_PEM_TYPES = {"RSA": "ssh-rsa", "EC": "ecdsa-sha2", "": "", "ENCRYPTED": ""}
MAX_BYTES = 128 * 1024
"""The largest real key file (RSA 16384) is 13 KB."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key as it lies on disk."""

    path: Path
    key_type: str
    """`ssh-ed25519` and the like; empty where the format does not say."""
    encrypted: bool
    text: str
    blob: bytes = b""
    """The public half, where it can be read without a passphrase."""


class KeyFileError(Exception):
    """A key file that cannot be used.

    Args:
        why: one sentence.
        do: the command that mends it.
    """

    def __init__(self, why: str, do: str) -> None:
        super().__init__(why)
        self.why = why
        self.do = do


def inspect(path: Path) -> KeyFile:
    """Read a key file and tell what it is.

    Args:
        path: absolute.

    Raises:
        KeyFileError: not there, readable by others, or in a format we cannot use.
    """
    text = _read(path)
    first = text.split("\n", 1)[0].strip()
    if first == "-----BEGIN OPENSSH PRIVATE KEY-----":
        return _openssh(path, text)
    if first.startswith("-----BEGIN ") and first.endswith("PRIVATE KEY-----"):
        kind = first.removeprefix("-----BEGIN ").removesuffix("PRIVATE KEY-----").strip()
        if kind not in _PEM_TYPES:
            raise KeyFileError(f"{path} holds a {kind} key, which SSH servers no longer accept.", _NEW_KEY)
        encrypted = kind == "ENCRYPTED" or "Proc-Type: 4,ENCRYPTED" in text
        return KeyFile(path, _PEM_TYPES[kind], encrypted, text, _public_half(path))
    raise _wrong_format(path, first)


_NEW_KEY = "ssh-keygen -t ed25519"


def _read(path: Path) -> str:
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise KeyFileError(f"{path} is not a file.", f"ls -l {path}")
        mode = stat.S_IMODE(info.st_mode)
        if info.st_uid == os.getuid() and mode & 0o077:
            raise KeyFileError(
                f"{path} has mode {mode:04o}: others on this machine may read the private key.",
                f"chmod 600 {path}",
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        raise KeyFileError(f"{path} is not there.", f"ls -l {path.parent}") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}.", f"ls -l {path}") from error


def _openssh(path: Path, text: str) -> KeyFile:
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        data = base64.b64decode(body)
        if not data.startswith(_MAGIC):
            raise ValueError
        cipher, at = _string(data, len(_MAGIC))
        _, at = _string(data, at)
        _, at = _string(data, at)
        blob, _ = _string(data, at + 4)
        key_type = _string(blob, 0)[0].decode("ascii")
    except (ValueError, binascii.Error):
        raise KeyFileError(
            f"{path} is damaged: it is no complete OpenSSH key.", f"ssh-keygen -y -f {path}"
        ) from None
    if key_type.startswith("sk-"):
        raise KeyFileError(
            f"{path} belongs to a security key (FIDO), which only ssh-agent can ask for a touch.",
            f"ssh-add {path}",
        )
    return KeyFile(path, key_type, cipher != b"none", text, blob)


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[at : at + 4])
    end = at + 4 + length
    if len(data) < at + 4 or end > len(data):
        raise ValueError("cut short")
    return data[at + 4 : end], end


def _public_half(path: Path) -> bytes:
    try:
        fields = path.with_name(path.name + ".pub").read_text(encoding="utf-8").split()
        return base64.b64decode(fields[1])
    except (OSError, IndexError, ValueError):
        return b""


def public_blob(path: Path) -> bytes:
    """The public half of a key from its `.pub` file or its own header; empty where neither says.

    Args:
        path: of the private key, which need not be usable.
    """
    beside = _public_half(path)
    if beside:
        return beside
    try:
        return inspect(path).blob
    except KeyFileError:
        return b""


def _wrong_format(path: Path, first: str) -> KeyFileError:
    if first.startswith("PuTTY-User-Key-File"):
        do = f"puttygen {path} -O private-openssh -o {path.with_suffix('')}"
        return KeyFileError(f"{path} is a PuTTY key, not an OpenSSH one.", do)
    if first.startswith(("ssh-", "ecdsa-", "sk-")):
        do = f"ssh-keygen -l -f {path}"
        return KeyFileError(f"{path} is the public half; the private half usually lacks the .pub.", do)
    if first.startswith("---- BEGIN SSH2"):
        return KeyFileError(f"{path} is in the format of ssh.com.", f"ssh-keygen -i -f {path}")
    return KeyFileError(f"{path} is not a private key.", f"ssh-keygen -y -f {path}")


def certificate_end(path: Path) -> int | None:
    """When the certificate beside a key expires, in seconds since the epoch; None where there is none.

    Args:
        path: of the certificate, `..-cert.pub`.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None
    from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

    try:
        identity = load_ssh_public_identity(content)
    except ValueError:
        return None
    return identity.valid_before if isinstance(identity, SSHCertificate) else None
