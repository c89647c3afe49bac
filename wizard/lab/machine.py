"""What this machine allows a lab to be: cgroup version, KVM, capabilities. Found by trying, never assumed."""

from __future__ import annotations

import fcntl
import os
import platform
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.lab.docker import LABEL, LabError, try_docker
from wizard.lab.store import Store

_KVM_CREATE_VM = 0xAE01
"""ioctl of linux/kvm.h; opening /dev/kvm alone proves nothing."""

OPTIONAL = ("SYS_RESOURCE",)
"""Capabilities the hosts use where they can be had; some CI machines' Docker cannot give them."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What was found out."""

    cgroup: int
    kvm: bool
    dropped: tuple[str, ...]
    """Capabilities that cannot be had."""

    @property
    def line(self) -> str:
        """One line for a person."""
        rights = (
            f"without {', '.join(self.dropped)}" if self.dropped else "with every capability but SYS_TIME"
        )
        guests = "KVM usable" if self.kvm else "no KVM: guests are LXC domains"
        return f"cgroup v{self.cgroup}, {guests}, hosts {rights}"


def arch() -> str:
    """This machine as Debian and the catalog name it: `amd64` or `arm64`; others as the kernel says."""
    name = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(name, name)


def cgroup_version() -> int:
    """The version a container will see."""
    return 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1


def kvm_works() -> bool:
    """Whether a virtual machine can be made, not just whether the device is there."""
    try:
        descriptor = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(fcntl.ioctl(descriptor, _KVM_CREATE_VM, 0))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


_QUIT = b'{"execute": "qmp_capabilities"}{"execute": "quit"}'
"""What QEMU's monitor is told: come up, then end."""


def qemu_accepts_kvm(image: str) -> bool:
    """Whether QEMU takes this machine's KVM with its own processor, which nested virtualisation may refuse.

    Args:
        image: of a hypervisor.
    """
    program = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}.get(arch(), "false")
    board = "q35" if arch() == "amd64" else "virt"
    tried = try_docker(
        "run", "--rm", "-i", "--label", f"{LABEL}=probe", "--network", "none", "--device", "/dev/kvm", image,
        program, "-machine", board, "-accel", "kvm", "-cpu", "host", "-m", "64", "-nodefaults", "-display", "none",
        "-S", "-qmp", "stdio", given=_QUIT, timeout=30,
    )  # fmt: skip
    return tried.code == 0


def detect(store: Store, image: str, hypervisor: str = "") -> Allowed:
    """Find out what the machine allows; what has to be tried is tried once and remembered.

    Args:
        store: remembers the answer.
        image: any image that has `/bin/true`.
        hypervisor: the image of a hypervisor; empty = KVM is of no interest.

    Raises:
        LabError: a container does not start with the least the lab needs.
    """
    if not store.probed:
        store.dropped = _capabilities(image)
        store.kvm = bool(hypervisor) and kvm_works() and qemu_accepts_kvm(hypervisor)
        store.probed = True
    found = Allowed(cgroup_version(), store.kvm, tuple(store.dropped))
    store.chose = found.line
    store.save()
    return found


def _capabilities(image: str) -> list[str]:
    said = ""
    for dropped in ((), OPTIONAL):
        options = [word for name in ("SYS_TIME", *dropped) for word in ("--cap-drop", name)]
        tried = try_docker(
            "run", "--rm", "--label", f"{LABEL}=probe", "--network", "none", "--cap-add", "ALL", *options,
            "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", image, "/bin/true",
        )  # fmt: skip
        if tried.code == 0:
            return list(dropped)
        said = tried.err
    raise LabError(
        "Docker cannot start the lab's hosts on this machine.",
        where="docker run --cap-add ALL",
        why=(said.strip().splitlines() or ["it said nothing"])[0],
        do="docker info   (a rootless Docker cannot run libvirt hosts; use the system's)",
    )
