"""Where a case is played: the same few handles on a real host of the lab and on a simulated one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from tests.recordings.recording import Said
from wizard.core.host import Args, Host

WORK = "/root/wizard-recordings"
"""A folder of our own on the hosts."""

PLACE = "/var/tmp/wizard-recordings"
"""A folder of guests of our own; QEMU's account must reach it."""

OP = "rec"
"""What the ids of our operations begin with."""

LINEAGE = "5f0f1f9e-9b43-4df7-9a6c-1f4d4c9f2b10"
OTHER_LINEAGE = "0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21"

MARKER = {"name": "home", "lineage": LINEAGE, "serial": "4"}
"""Arguments of do/marker."""


class Stage(Protocol):
    """One host, and what a test may do to it behind the wizard's back."""

    @property
    def name(self) -> str:
        """`tower-a`, `tower-b` or `pi`."""

    @property
    def kind(self) -> str:
        """Its platform."""

    @property
    def host(self) -> Host:
        """As the wizard has it."""

    @property
    def other(self) -> Host:
        """The same host as another operator has it."""

    @property
    def marker_folder(self) -> str:
        """Where the wizard's marker lies on it."""

    def run(self, script: str, args: Args, payload: bytes = b"") -> Said:
        """Run one program and give its answer as it is, before anybody judges it."""

    def start(self, script: str, args: Args, op: str, *, wait: int) -> Said:
        """Begin a detached operation by lib/start, and give its answer as it is."""

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Put a file there, its folder too."""

    def content(self, path: str) -> bytes | None:
        """What a file holds; None where there is none."""

    def exists(self, path: str) -> bool:
        """Whether there is a file."""

    def remove(self, path: str) -> None:
        """Take a file or folder away."""

    def fill(self, folder: str) -> AbstractContextManager[None]:
        """Leave no byte free in a folder."""

    def occupied(self, name: str) -> AbstractContextManager[None]:
        """Something lives on it that is not ours: a fault's name."""

    def queue(self) -> AbstractContextManager[None]:
        """Hold back every operation that is begun: it runs at the end."""

    def kill(self, op: str) -> None:
        """Kill an operation that is under way."""

    def deaf(self) -> AbstractContextManager[None]:
        """Nothing answers on its SSH port, and no connection is left."""

    def break_link(self) -> None:
        """Break the connection `host` has to it, whatever hangs on it."""

    def restart(self) -> None:
        """Cut its power and switch it on again."""

    def reset(self) -> None:
        """As if no case had ever been played on it."""

    # --- the wire

    def lan(self, *, inhabited: bool) -> AbstractContextManager[None]:
        """A network of its own on `rec0`, 198.51.100.0/24; with a stranger at .20 that offers .200 to .209 and speaks
        VRRP (id 77), or empty."""

    def without(self, *tools: str) -> AbstractContextManager[None]:
        """These programs are not there."""

    # --- guests and etcd

    def base_image(self, path: str) -> None:
        """Put a root for container guests there, as a tar.gz."""

    def base_disk(self, path: str) -> None:
        """Put an empty system disk for virtual machines there."""

    def foreign_guest(self, name: str) -> None:
        """Somebody else has a container guest of this name; it does not run."""

    def power_off(self, name: str) -> None:
        """Take a container guest's power away."""

    def archive(self, path: str, version: str) -> None:
        """Put etcd's archive of this version there."""

    def package(self, version: str) -> None:
        """The distribution's etcd was installed in this version."""

    def settle_etcd(self) -> None:
        """Wait until etcd has a leader, or has given up."""

    def settle_guard(self) -> None:
        """Wait until the timer that takes the lead back has looked once."""

    def clear_guests(self) -> None:
        """No guest of ours, and nothing in their folder."""

    def clear_etcd(self, *, programs: bool) -> None:
        """No member; with `programs` not even those, nor their account."""

    # --- K3s

    def settle_k3s(self) -> None:
        """Wait until the server runs, or has ended once."""

    def clear_k3s(self) -> None:
        """Nothing of K3s."""

    # --- packages

    def packages(self, path: str, names: Sequence[str]) -> None:
        """Put an archive of these Debian packages there."""

    def unpack_only(self, name: str) -> None:
        """A package was unpacked, and then the power was cut."""

    def dpkg_held(self) -> AbstractContextManager[None]:
        """Meanwhile unattended-upgrades has dpkg."""

    def clear_packages(self) -> None:
        """None of those that cases install, and nothing of an installation."""

    # --- the address of the API

    def install_keepalived(self) -> None:
        """Debian's keepalived was installed, and does not run."""

    def settle_address(self) -> None:
        """Wait until keepalived has the address, or knows that it must not have it."""

    def clear_keepalived(self, *, programs: bool) -> None:
        """Nothing of it is set up; with `programs` it is not even installed."""
