"""pyinfra and ansible: a virtual environment of their own in the cache, and the commands that collect facts."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import run
from tests.bench.report import ROOT

LOCK = ROOT / "requirements-bench.lock"

PYINFRA_FACTS = (
    "server.Hostname",
    "server.Os",
    "server.OsRelease",
    "server.Arch",
    "server.LinuxDistribution",
    "server.Date",
    "server.Mounts",
    "hardware.Cpus",
    "hardware.Memory",
    "hardware.BlockDevices",
    "hardware.NetworkDevices",
    "hardware.Ipv4Addrs",
    "systemd.SystemdStatus",
)
"""What both tell: less than the wizard's facts, which also hold disks' serials, ports, guests and tools."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """Where the rivals' programs lie."""

    bin: Path

    def pyinfra(self, inventory: Path) -> list[str]:
        """The command that collects facts comparable to ours, all hosts side by side as is its default."""
        return [str(self.bin / "pyinfra"), "-y", str(inventory), "fact", *PYINFRA_FACTS]

    def ansible(self, inventory: Path) -> list[str]:
        """`ansible -m setup` with its default forks."""
        return [str(self.bin / "ansible"), "all", "-i", str(inventory), "-m", "setup", "--become"]

    def versions(self) -> str:
        """As `pip list` says."""
        listed = run([str(self.bin / "pip"), "list", "--format", "freeze"]).out.splitlines()
        return ", ".join(line for line in listed if line.startswith(("pyinfra=", "ansible-core=")))


def install() -> Rivals:
    """Make the environment, or take the one that was made from the same lock by the same Python."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homelab-wizard"
    venv = cache / "bench-venv"
    stamp = venv / ".made-from"
    recipe = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != recipe:
        shutil.rmtree(venv, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(venv)])
        run([str(venv / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", str(LOCK)])
        run([str(venv / "bin" / "python"), "-m", "compileall", "-q", str(venv / "lib")], ok=(0, 1))
        stamp.write_text(recipe)
    return Rivals(venv / "bin")


def write_inventories(folder: Path, logins: Sequence[str], key: Path, known_hosts: Path) -> tuple[Path, Path]:
    """The same hosts for pyinfra and for ansible, with the same key and known_hosts as ours.

    Args:
        folder: where the files go.
        logins: `user@address`.
        key: private key.
        known_hosts: holds the hosts' keys.
    """
    for_pyinfra, for_ansible = folder / "inventory.py", folder / "inventory.ini"
    pairs = [login.split("@") for login in logins]
    data = {"ssh_key": str(key), "ssh_known_hosts_file": str(known_hosts), "_sudo": True}
    hosts = [(address, {"ssh_user": user, **data}) for user, address in pairs]
    for_pyinfra.write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
    options = f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes"
    lines = [
        f"{address} ansible_user={user} ansible_ssh_private_key_file={key} "
        f"ansible_ssh_common_args='{options}' ansible_python_interpreter=/usr/bin/python3"
        for user, address in pairs
    ]
    for_ansible.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return for_pyinfra, for_ansible
