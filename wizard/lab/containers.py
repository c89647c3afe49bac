"""Making and starting the containers that play the hosts."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import time

from wizard.core.resources import asset_names, asset_text
from wizard.lab import images, keys, network
from wizard.lab.docker import LABEL, LabError, docker, states, try_docker
from wizard.lab.hosts import LabHost
from wizard.lab.machine import Allowed
from wizard.lab.store import Store

HOME = "/usr/lib/homelab-lab"
"""Where a host keeps the lab's equipment."""

SHARED = "/var/lib/lab-shared"
"""Of hypervisors and their guests: one directory for all of them, which volumes are folders of."""

READY_SECONDS = 90.0
"""How long a host may take until its sshd greets; 5 s is usual."""

EQUIPMENT = {
    "libvirt": ("lsblk", "timedatectl", "chronyc", "systemd-detect-virt"),
    "unraid": ("lsblk", "ntpq", "mdcmd"),
    "pi": ("lsblk", "timedatectl", "chronyc", "systemd-detect-virt", "vcgencmd", "cat"),
}
"""Which stand-ins a platform needs."""

_MODEL = "Raspberry Pi 5 Model B Rev 1.0\0"


def container(store: Store, host: str) -> str:
    """The container's name."""
    return f"wlab-{store.id}-{host}"


def volume(store: Store, host: LabHost, path: str) -> str:
    """The name of the volume behind one directory of a host."""
    return f"{container(store, host.name)}{path.replace('/', '-')}"


def shared_volume(store: Store) -> str:
    """The name of the volume behind the directory that all guests share."""
    return f"wlab-{store.id}-shared"


def address(store: Store, host: LabHost) -> str:
    """The host's IPv4 address."""
    return str(network.Net(store.subnet)[host.last])


def create(store: Store, host: LabHost, allowed: Allowed) -> None:
    """Make the container and lay its equipment in; it is not started yet."""
    options = [
        "--name", container(store, host.name), "--hostname", host.name,
        "--label", f"{LABEL}={store.id}", "--label", f"{LABEL}.host={host.name}",
        "--network", network.network_name(store.id), "--ip", address(store, host),
        "--cap-add", "ALL", "--cap-drop", "SYS_TIME",
        "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
        "--cgroupns", "private", "--device-cgroup-rule", "a *:* rwm",
        "--tmpfs", "/run:exec,mode=755", "--stop-signal", "TERM" if host.platform == "unraid" else "RTMIN+3",
        "--stop-timeout", "20",
    ]  # fmt: skip
    for name in allowed.dropped:
        options += ["--cap-drop", name]
    for path in host.volumes:
        name = volume(store, host, path)
        docker("volume", "create", "--label", f"{LABEL}={store.id}", name)
        options += ["--volume", f"{name}:{path}"]
    if host.role == "hypervisor":
        docker("volume", "create", "--label", f"{LABEL}={store.id}", shared_volume(store))
        options += ["--volume", f"{shared_volume(store)}:{SHARED}"]
    docker("create", *options, images.tag(host.image), "/bin/sh", f"{HOME}/init")
    docker("cp", "-", f"{container(store, host.name)}:/", given=_equipment(store, host, allowed))


def _equipment(store: Store, host: LabHost, allowed: Allowed) -> bytes:
    """A tar of everything the lab lays into a host."""
    machine = "unraid" if host.platform == "unraid" else "systemd"
    files = {
        "init": (asset_text("lab/host/init.sh"), 0o755),
        "disks.sh": (asset_text("lab/host/disks.sh"), 0o755),
        "machine.sh": (asset_text(f"lab/host/{machine}.sh"), 0o755),
        "disks": (asset_text(f"lab/host/disks/{host.disks or host.name}.txt"), 0o644),
        "host.env": (_environment(store, host, kvm=allowed.kvm), 0o644),
        "authorized_keys": (keys.key_pair(store, keys.USER_KEY).public + " homelab-wizard lab\n", 0o600),
        "ssh_host_ed25519_key": (keys.host_key(store, host.name).private, 0o600),
    }
    for tool in EQUIPMENT[host.platform]:
        files[f"bin/{tool}"] = (asset_text(f"lab/host/equipment/{tool}.sh"), 0o755)
    if host.platform == "unraid":
        for service in asset_names("lab/host/rc.d", ""):
            files[f"rc.d/{service}"] = (asset_text(f"lab/host/rc.d/{service}"), 0o755)
    if host.role == "hypervisor":
        files["hooks/lxc"] = (asset_text("lab/host/hooks/lxc.sh"), 0o755)
    if host.platform == "pi":
        files["device-tree/model"] = (_MODEL, 0o644)
    return _tar(files)


def _environment(store: Store, host: LabHost, *, kvm: bool) -> str:
    machine_id = hashlib.sha256(f"{store.id} {host.name}".encode()).hexdigest()[:32]
    volumes = " ".join(
        (
            *(path for path in host.volumes if path != "/var/lib/lab-disks"),
            *([SHARED] if host.role == "hypervisor" else []),
        )
    )
    return (
        f"HOST={host.name}\nADDRESS={address(store, host)}\nGATEWAY={network.Net(store.subnet)[1]}\n"
        f"PLATFORM={host.platform}\nLOGIN={host.user}\nMACHINE_ID={machine_id}\nVOLUMES='{volumes}'\n"
        f"KVM={'1' if kvm and host.role == 'hypervisor' else ''}\n"
    )


def _tar(files: dict[str, tuple[str, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, (text, mode) in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"{HOME.lstrip('/')}/{name}")
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def start(store: Store, host: LabHost) -> None:
    """Start a host that is there, whatever state it is in; a running one is left alone."""
    name = container(store, host.name)
    state = states(store.id).get(name, "")
    if state == "paused":
        docker("unpause", name)
    elif state != "running":
        docker("start", name)


def wait_ready(store: Store, host: LabHost, seconds: float = READY_SECONDS) -> None:
    """Wait until the host's sshd greets.

    Raises:
        LabError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if greets(address(store, host)):
            return
        time.sleep(0.1)
    name = container(store, host.name)
    last = try_docker("logs", "--tail", "5", name)
    raise LabError(
        f"{host.name} was started and its sshd does not answer.",
        where=f"{address(store, host)} port 22, container {name}",
        why=" / ".join((last.out + last.err).strip().splitlines()[-3:])
        or f"no greeting within {seconds:.0f} s",
        do=(f"docker logs {name}", "wizard lab down", "wizard lab up"),
        again="Running again is safe: the lab first clears what a broken run left.",
    )


def greets(where: str, port: int = 22) -> bool:
    """Whether an SSH server greets at an address of the lab."""
    try:
        with socket.create_connection((where, port), timeout=1.0) as link:
            return link.recv(4) == b"SSH-"
    except OSError:
        return False


def execute(store: Store, host: LabHost, *command: str, given: bytes = b"", timeout: float = 60.0) -> str:
    """Run a command inside a host as root, past SSH, and return its stdout.

    Raises:
        LabError: it failed.
    """
    return docker("exec", "-i", container(store, host.name), *command, given=given, timeout=timeout)
