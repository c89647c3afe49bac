"""What a guest finds at its first boot: the seed of a virtual machine, or the files laid over a container's root."""

from __future__ import annotations

import io
import re
import tarfile
from dataclasses import field
from functools import lru_cache
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.practice.machine import File


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """What the first boot makes of a guest."""

    hostname: str = ""
    address: str = ""
    """Static; empty = it asks DHCP."""
    mount: str = ""
    """Where the data disk is mounted."""
    uuid: str = ""
    """Of the file system on the data disk."""
    files: dict[str, File] = field(default_factory=dict)
    """What it writes."""


@lru_cache(maxsize=64)
def from_seed(seed: bytes) -> FirstBoot:
    """What cloud-init reads from a seed image.

    Args:
        seed: the image; its files are stored as they are, so they are found by how they begin.
    """
    user, network = _document(seed, b"#cloud-config\n"), _document(seed, b"version: 2\n")
    keys = user.get("ssh_keys", {})
    mounts: list[list[str]] = user.get("mounts", [[]])
    files = {
        "/root/.ssh/authorized_keys": File("\n".join(user.get("ssh_authorized_keys", [])).encode(), 0o600),
        "/etc/ssh/ssh_host_ed25519_key": File(keys.get("ed25519_private", "").encode(), 0o600),
        "/etc/ssh/ssh_host_ed25519_key.pub": File(keys.get("ed25519_public", "").encode()),
    }
    cards = network.get("ethernets", {})
    addresses = [one for card in cards.values() for one in card.get("addresses", [])]
    source, mount = (mounts[0] + ["", ""])[:2] if mounts else ("", "")
    return FirstBoot(
        hostname=user.get("hostname", ""),
        address=addresses[0].split("/")[0] if addresses else "",
        mount=mount,
        uuid=source.removeprefix("UUID="),
        files=files,
    )


@lru_cache(maxsize=64)
def from_tar(content: bytes) -> FirstBoot:
    """What the files say that were laid over a container's root.

    Args:
        content: the tar.
    """
    files: dict[str, File] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar.getmembers():
            data = tar.extractfile(member)
            if data is not None:
                files[f"/{member.name.lstrip('/')}"] = File(data.read(), member.mode)
    table = _text(files, "/etc/fstab").split()
    network = _text(files, "/etc/systemd/network/10-lan.network")
    address = re.search(r"^Address=([0-9.]+)/", network, re.MULTILINE)
    return FirstBoot(
        hostname=_text(files, "/etc/hostname").strip(),
        address=address[1] if address else "",
        mount=table[1] if table else "",
        uuid=table[0].removeprefix("UUID=") if table else "",
        files=files,
    )


def _text(files: dict[str, File], path: str) -> str:
    return files[path].content.decode() if path in files else ""


def _document(seed: bytes, begin: bytes) -> dict[str, Any]:
    import yaml

    at = seed.find(begin)
    if at < 0:
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(seed[at:].split(b"\0", 1)[0], Loader=loader)  # noqa: S506 - a safe one
    return found
