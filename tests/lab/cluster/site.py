"""The lab with guests on it: every machine, host or guest, is looked at past SSH, with nothing of the wizard's between."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.conftest import Lab
from tests.lab.story.operators import Done, Operator
from tests.lab.story.world import World, until
from wizard.core.spec import ClusterSpec, parse_spec
from wizard.lab.docker import client

SCRIPTS = Path(__file__).parent / "scripts"

MEMBERS = ("etcd-a", "etcd-b", "pi")
GUESTS = ("etcd-a", "etcd-b", "server-a", "server-b", "storage-a", "storage-b")
LISTENER = Path(__file__).parent / "listener"
"""What Python loads into the wizard before anything of its own."""

WORKERS = ("worker-a", "worker-b")
"""Guests that only the tests of Kubernetes ask for."""

TOWERS = ("tower-a", "tower-b")
SETTLE_SECONDS = 90.0
"""For a libvirtd that was just started, on a busy machine."""

INSTALL_SECONDS = 400.0
"""Deadline of an apply from nothing on a machine that is busy with other things."""

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ENTER = """
name=$1
shift
carrier=$(pgrep -fo -- "libvirt_lxc --name $name ")
exec nsenter -t "$(pgrep -P "$carrier" | head -n 1)" -m -u -i -n -p -- /usr/bin/env -i "$@"
"""
"""Into a guest from its hypervisor. `virsh lxc-enter-namespace` at times knows no first process of a guest made anew."""


def tower_of(machine: str) -> str:
    """The hypervisor a guest is on; a host is its own."""
    return f"tower-{machine[-1]}" if is_guest(machine) else machine


def is_guest(machine: str) -> bool:
    """Whether it is one; else it is a host."""
    return machine in GUESTS or machine in WORKERS


@dataclass(frozen=True, slots=True)
class Site:
    """The lab's hosts and the guests an operator makes on them."""

    lab: Lab
    operator: Operator

    @property
    def spec(self) -> ClusterSpec:
        """What the operator wants."""
        text = (self.operator.home / "cluster.yaml").read_text()
        spec, problems = parse_spec(text, source="cluster.yaml")
        assert spec is not None, problems
        return spec

    def vm_dir(self, tower: str) -> str:
        """Where the guests of a hypervisor lie."""
        found = self.spec.host(tower).vm_dir
        assert found
        return found

    @property
    def etcd_dir(self) -> str:
        """Where the witness keeps its member."""
        found = self.spec.host("pi").etcd_dir
        assert found
        return found

    def base(self, member: str) -> str:
        """The folder a member's data lies in."""
        return self.etcd_dir if member == "pi" else "/var/lib/etcd"

    def command(self, machine: str, *words: str) -> list[str]:
        """The words that run a command as root in a machine."""
        into = ["/bin/sh", "-c", ENTER, "enter", machine, PATH] if is_guest(machine) else []
        return [client(), "exec", "-i", self.lab.container(tower_of(machine)), *into, *words]

    def inside(self, machine: str, *words: str, given: bytes = b"", ok: bool = True) -> str:
        """Run a command in a host or guest as root; it must succeed unless told otherwise."""
        command = self.command(machine, *words)
        done = subprocess.run(command, input=given, capture_output=True, timeout=90, check=False)
        assert not ok or done.returncode == 0, (machine, words, done.stdout, done.stderr)
        return done.stdout.decode()

    def shell(self, machine: str, text: str, *, ok: bool = True) -> str:
        """Run a line of shell in a host or guest."""
        return self.inside(machine, "/bin/sh", "-c", text, ok=ok)

    def run(self, machine: str, script: str, *args: str) -> str:
        """Run one of our scripts in a host or guest."""
        given = (SCRIPTS / f"{script}.sh").read_bytes()
        return self.inside(machine, "/bin/sh", "-s", *args, given=given)

    def virsh(self, tower: str, *words: str) -> str:
        """Ask libvirt on a hypervisor."""
        return self.lab.inside(tower, "virsh", "-q", "-c", "lxc:///", *words)

    def settle(self) -> None:
        """Wait until libvirt answers on both hypervisors: a host that was just started has sshd first."""
        for tower in TOWERS:
            until(
                partial(self._libvirt, tower),
                f"libvirt on {tower} answers",
                seconds=SETTLE_SECONDS,
                pause=0.5,
            )

    def _libvirt(self, tower: str) -> bool:
        asks = ("timeout", "3", "virsh", "-r", "-c", "lxc:///", "version")
        return self.lab.try_inside(tower, *asks) == 0

    def wipe(self) -> None:
        """No guest, no etcd, no trace of the wizard on any host."""
        places = {
            "tower-a": ("/mnt/vm", ""),
            "tower-b": ("/mnt/cache/domains", ""),
            "pi": ("", "/mnt/usb/etcd"),
        }
        with ThreadPoolExecutor(len(places)) as pool:
            list(pool.map(lambda host: self.run(host, "wipe", *places[host]), places))
        World(self.lab).clear()
        self._forget_neighbours()

    def _forget_neighbours(self) -> None:
        """Guests made anew have other cards at the same addresses: this machine would ask the old ones for half a minute.

        Without the right to, the next install only takes longer.
        """
        words = ["ip", "neigh", "flush", "to", self.spec.network.cidr]
        if shutil.which(words[0]):
            subprocess.run(words, capture_output=True, timeout=10, check=False)

    def install(self) -> Done:
        """Apply from nothing, every file out of the lab's folder; whom the wizard connects to is written down."""
        words = ("apply", "--plain", "--yes", "--artifacts", self.lab.store.artifacts)
        listening = {"PYTHONPATH": str(LISTENER), "CLUSTER_CONNECTIONS": str(self.connections)}
        done = self.operator.start(*words, env=listening).wait(INSTALL_SECONDS)
        assert done.exit_code == 0, f"{done.stdout}\n{done.stderr}"
        return done

    @property
    def connections(self) -> Path:
        """The list of calls that `listener/sitecustomize.py` writes."""
        return self.operator.home / "connections"

    # --- what came of it

    def etcdctl(self, machine: str, *words: str, through: tuple[str, ...] = ()) -> str:
        """Ask etcd, on a member, through its own endpoint unless told otherwise."""
        pki = "/etc/etcd/pki"
        endpoints = ",".join(self.client(one) for one in through or (machine,))
        keys = (f"--cacert={pki}/ca.crt", f"--cert={pki}/root.crt", f"--key={pki}/root.key")
        return self.inside(machine, "/usr/local/bin/etcdctl", f"--endpoints={endpoints}", *keys, *words)

    def client(self, member: str) -> str:
        """Where a member answers."""
        return f"https://{self.address(member)}:2379"

    def address(self, machine: str) -> str:
        """Of a host or guest."""
        spec = self.spec
        return spec.machine(machine).address if is_guest(machine) else spec.host(machine).address

    def members(self) -> list[dict[str, Any]]:
        """The list of members, as etcdctl on the first one prints it."""
        found: list[dict[str, Any]] = json.loads(self.etcdctl("etcd-a", "member", "list", "-w", "json"))[
            "members"
        ]
        return found

    def doctor(self) -> tuple[int, dict[str, Any]]:
        """Its exit code, and what it found."""
        done = self.operator.run("doctor", "--json")
        return done.exit_code, done.document

    def record(self, machine: str) -> Record:
        """What became of the wizard's work on a machine."""
        rows = [line.partition(" ")[::2] for line in self.run(machine, "record").splitlines()]
        operations = Counter(value.rpartition(".")[0] for word, value in rows if word == "operation")
        rest = Counter(" ".join(row) for row in rows if row[0] != "operation")
        return Record(operations, rest)


@dataclass(frozen=True, slots=True)
class Record:
    """What was done to one machine."""

    operations: Counter[str]
    """How many operations bear the id of a change, whatever attempt: one for each that a change began."""
    effects: Counter[str]
    """How often guests were defined and started, and etcd; which files etcd has, and whose they are."""


def failing(document: dict[str, Any]) -> list[tuple[str, str]]:
    """The checks of doctor that failed, and the machine of each."""
    return [(item["id"], item["host"]) for item in document["findings"] if item["status"] == "fail"]


def newcomer(lab: Lab, home: Path, *, without: tuple[str, ...] = ()) -> Operator:
    """A person with the lab's whole spec, or all but some roles of guests, who trusts its hosts."""
    home.mkdir(parents=True, exist_ok=True)
    operator = Operator(home)
    operator.folder.mkdir(mode=0o700)
    lines = lab.spec_text().splitlines(keepends=True)
    kept = [line for line in lines if not any(f"role: {role}, address" in line for role in without)]
    (home / "cluster.yaml").write_text("".join(kept))
    shutil.copy(lab.known_hosts, operator.folder / "known_hosts")
    return operator
