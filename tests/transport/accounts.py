"""Throw-away accounts on this machine, for what cannot be had without: login shells, passwords, sudo."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Account:
    """One account with a password; removed by `remove`."""

    name: str

    @classmethod
    def make(cls, label: str, *, shell: str = "/bin/sh", root: bool = False) -> Account:
        """Add it; `root` gives it uid 0 under another name."""
        name = f"wz{os.getpid() % 100000}{label}"
        root_options = ["-o", "-u", "0", "-g", "0"] if root else []
        command = ["useradd", *root_options, "-M", "-d", "/tmp", "-s", shell, name]
        subprocess.run(command, check=True, capture_output=True)
        subprocess.run(["chpasswd"], input=f"{name}:{PASSWORD}\n", text=True, check=True)
        return cls(name)

    @property
    def sudoers(self) -> Path:
        return Path(f"/etc/sudoers.d/{self.name}")

    def may(self, rule: str) -> None:
        """Write its sudoers lines, `USER` standing for the name."""
        self.sudoers.write_text(rule.replace("USER", self.name) + "\n")
        self.sudoers.chmod(0o440)

    def remove(self) -> None:
        self.sudoers.unlink(missing_ok=True)
        subprocess.run(["userdel", "-f", self.name], check=False, capture_output=True)
