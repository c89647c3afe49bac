"""A simulated host as a stage."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from posixpath import dirname

from tests.recordings.recording import Said
from tests.recordings.stage import OP, WORK
from wizard.core.errors import LinkLostError, RemoteError
from wizard.core.host import Args
from wizard.core.packages import load_packages
from wizard.core.spec.model import HostSpec, Role
from wizard.practice.boot import stop
from wizard.practice.etcd_process import settle
from wizard.practice.faults import Faults
from wizard.practice.host import PracticeHost
from wizard.practice.k3s_process import settle_k3s
from wizard.practice.lan import Lan, Leader
from wizard.practice.machine import Domain, File, Machine, Package
from wizard.practice.scripts import HANDLERS
from wizard.practice.world import RECORDED, World, machine

KINDS = {host: kind for kind, host in RECORDED.items()}
"""Platform of each of the lab's hosts."""


@dataclass(frozen=True, slots=True)
class PracticeStage:
    """One simulated host; what happens behind the wizard's back is done to the machine."""

    machine: Machine
    host: PracticeHost
    other: PracticeHost
    kind: str
    faults: Faults

    @classmethod
    def fresh(cls, name: str) -> PracticeStage:
        """A host nobody has touched."""
        kind = KINDS[name]
        role: Role = "witness" if kind == "pi" else "hypervisor"
        made = machine(HostSpec(name=name, role=role, address="192.168.10.9"), kind)
        made.world = World({name: made})
        faults = Faults()
        return cls(made, PracticeHost(made, faults), PracticeHost(made, faults), kind, faults)

    @property
    def name(self) -> str:
        """Its name."""
        return self.machine.name

    @property
    def marker_folder(self) -> str:
        """Where the marker lies."""
        return dirname(self.machine.marker_path)

    def run(self, script: str, args: Args, payload: bytes = b"") -> Said:
        """The script's handler, as it is."""
        answer = HANDLERS[script](self.machine, args, payload)
        return Said((script,), args, answer.exit_code, answer.output, answer.stderr, len(payload))

    def start(self, script: str, args: Args, op: str, *, wait: int) -> Said:
        """Begin it without waiting, and ask where it stands."""
        try:
            self.host.do(script, args, op=op, timeout=0)
        except RemoteError as error:
            assert op in error.where
        return self.run("read/operation", {"op": op, "offset": "0", "wait": str(wait), "max": "65536"})

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file."""
        self.machine.files[path] = File(content, mode)

    def content(self, path: str) -> bytes | None:
        """What a file holds."""
        found = self.machine.files.get(path)
        return found.content if found else None

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return path in self.machine.files

    def remove(self, path: str) -> None:
        """Take a file or folder away."""
        for file in list(self.machine.files):
            if file == path or file.startswith(f"{path}/"):
                del self.machine.files[file]
        gone = {one for one in self.machine.folders if one == path or one.startswith(f"{path}/")}
        self.machine.folders -= gone

    @contextmanager
    def fill(self, folder: str) -> Iterator[None]:
        """As the lab's fault: a file takes all the room."""
        self.write(f"{folder}/.filler", b"")
        self.machine.full.add(folder)
        try:
            yield
        finally:
            self.machine.full.discard(folder)
            self.remove(f"{folder}/.filler")

    @contextmanager
    def occupied(self, name: str) -> Iterator[None]:
        """Under the same name."""
        self.machine.occupants.add(name)
        try:
            yield
        finally:
            self.machine.occupants.discard(name)

    @contextmanager
    def queue(self) -> Iterator[None]:
        """Operations wait for the end."""
        self.machine.queue()
        try:
            yield
        finally:
            self.machine.go_on()

    def kill(self, op: str) -> None:
        """Kill it."""
        self.machine.kill(op)

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """It does not answer."""
        self.faults.dead.add(self.name)
        try:
            yield
        finally:
            self.faults.dead.discard(self.name)

    def break_link(self) -> None:
        """The next thing that is asked does not arrive."""
        self.faults.cut_before.append("read/operation")
        with suppress(LinkLostError):
            self.host.operation(OP)

    def restart(self) -> None:
        """/run is gone, disks are not."""
        self.machine.reboot()

    def reset(self) -> None:
        """Nothing of ours is left."""
        self.remove(WORK)
        self.remove(self.marker_folder)
        for op in [op for op in self.machine.operations if op.split("-")[0] == OP]:
            del self.machine.operations[op]

    # --- the wire

    @contextmanager
    def lan(self, *, inhabited: bool) -> Iterator[None]:
        """One more interface, and whoever answers there."""
        assert self.machine.world is not None
        nics, addresses = self.machine.sections["nics"], self.machine.sections["addresses"]
        self.machine.sections["nics"] = (*nics, "rec0 address=02:42:c6:33:64:01 operstate=up mtu=1500 type=1")
        self.machine.sections["addresses"] = (*addresses, "9: rec0    inet 198.51.100.1/24 scope global rec0")
        if inhabited:
            self.machine.world.lan = Lan(
                {"198.51.100.20": ("02:42:c6:33:64:14",)},
                [("198.51.100.200", "198.51.100.20")],
                [Leader(77, "198.51.100.20")],
            )
        try:
            yield
        finally:
            self.machine.sections |= {"nics": nics, "addresses": addresses}
            self.machine.world.lan = Lan()

    @contextmanager
    def without(self, *tools: str) -> Iterator[None]:
        """Taken away for a while."""
        self.machine.lacks |= set(tools)
        try:
            yield
        finally:
            self.machine.lacks -= set(tools)

    # --- guests and etcd

    def base_image(self, path: str) -> None:
        """A file."""
        self.write(path, b"a root")

    def base_disk(self, path: str) -> None:
        """A file."""
        self.write(path, b"a disk")

    def foreign_guest(self, name: str) -> None:
        """Without our mark."""
        self.machine.domains[name] = Domain(
            name, "lxc", f"<domain type='lxc'>\n<name>{name}</name>\n</domain>"
        )

    def power_off(self, name: str) -> None:
        """At once."""
        stop(self.machine, self.machine.domains[name], "destroyed")

    def archive(self, path: str, version: str) -> None:
        """As practice has artifacts: the first line says what it is."""
        self.write(path, f"practice artifact etcd {version} amd64\n".encode())

    def package(self, version: str) -> None:
        """Its programs are those of the package."""
        self.machine.packages["etcd-server"] = Package(version)

    def settle_etcd(self) -> None:
        """It is up as soon as it is looked at."""
        assert self.machine.world is not None
        settle(self.machine.world)

    def settle_guard(self) -> None:
        """It looks whenever etcd settles."""
        self.settle_etcd()

    def clear_guests(self) -> None:
        """There is none yet."""

    def clear_etcd(self, *, programs: bool) -> None:
        """There is none yet."""

    def settle_k3s(self) -> None:
        """It is up as soon as it is looked at."""
        assert self.machine.world is not None
        settle_k3s(self.machine.world)

    def clear_k3s(self) -> None:
        """There is none yet."""

    def packages(self, path: str, names: Sequence[str]) -> None:
        """As practice has artifacts: the first line of each says what it is."""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            for name in names:
                version = load_packages().debs[name, "amd64"].version
                content = f"practice artifact deb-{name} {version} amd64\n".encode()
                entry = tarfile.TarInfo(f"{name}.deb")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        self.write(path, made.getvalue())

    def unpack_only(self, name: str) -> None:
        """Its state says so."""
        version = load_packages().debs[name, "amd64"].version
        self.machine.packages[name] = Package(version, "unpacked")

    @contextmanager
    def dpkg_held(self) -> Iterator[None]:
        """The kernel would say so."""
        self.machine.dpkg_held = "process 4711 (unattended-upgr)"
        yield
        self.machine.dpkg_held = ""

    def clear_packages(self) -> None:
        """There is none yet."""

    # --- the address of the API

    def install_keepalived(self) -> None:
        """It counts as that."""
        self.machine.packages["keepalived"] = Package(load_packages().debs["keepalived", "amd64"].version)

    def settle_address(self) -> None:
        """It knows as soon as it is looked at."""
        assert self.machine.world is not None
        settle_k3s(self.machine.world)

    def clear_keepalived(self, *, programs: bool) -> None:
        """There is none yet."""
