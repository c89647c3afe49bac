"""One shared lab for all tests that need real hosts: a running one is used and left, otherwise it is ours to end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wizard.lab import containers, daemon, faults, keys, lifecycle, spec
from wizard.lab.docker import try_docker
from wizard.lab.hosts import HOSTS, LabHost, host_named
from wizard.lab.store import Store, default_root, load


def talk(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@dataclass(frozen=True)
class Lab:
    """A lab that is up, as tests use it."""

    store: Store

    @property
    def names(self) -> list[str]:
        return [host.name for host in HOSTS]

    def host(self, name: str) -> LabHost:
        found = host_named(name)
        assert found is not None, name
        return found

    def address(self, name: str) -> str:
        return containers.address(self.store, self.host(name))

    def user(self, name: str) -> str:
        return self.host(name).user

    @property
    def key(self) -> Path:
        return self.store.path(keys.USER_KEY)

    @property
    def known_hosts(self) -> Path:
        return self.store.path(keys.KNOWN_HOSTS)

    @property
    def host_key_options(self) -> list[str]:
        """`--host-key NAME=SHA256:...` for every host, as separate words."""
        return [word for option in spec.options(self.store) for word in option.split()]

    def fingerprint(self, name: str) -> str:
        return keys.host_key(self.store, name).fingerprint

    def spec_text(self, *, kubernetes: bool = False) -> str:
        """The lab's spec; guests and etcd only unless a test is about Kubernetes, however the lab was brought up."""
        return spec.spec(self.store, kubernetes=kubernetes)

    def container(self, name: str) -> str:
        return containers.container(self.store, name)

    def inside(self, name: str, *command: str, given: bytes = b"") -> str:
        """Run a command in a host as root, past SSH; it must succeed."""
        return containers.execute(self.store, self.host(name), *command, given=given)

    def try_inside(self, name: str, *command: str) -> int:
        return try_docker("exec", self.container(name), *command).code

    def ssh(self, name: str, command: str, *, timeout: float = 20) -> subprocess.CompletedProcess[str]:
        """Run a command through OpenSSH, with the lab's key and known_hosts and nothing of ours."""
        options = ["-n", "-F", "none", "-i", str(self.key), "-o", f"UserKnownHostsFile={self.known_hosts}"]
        options += ["-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "-o", "StrictHostKeyChecking=yes"]
        where = f"{self.user(name)}@{self.address(name)}"
        words = ["ssh", *options, where, command]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)

    def fault(self, name: str, host: str, value: str = "") -> None:
        """Set a fault; it is cleared at the end of the test."""
        with self.store.locked():
            faults.add(self.store, name, host, value, talk)

    def mend(self, name: str, host: str) -> None:
        with self.store.locked():
            faults.clear(self.store, name, host, talk)

    def mend_all(self) -> None:
        with self.store.locked():
            faults.clear_all(self.store, talk)

    def reset(self, name: str) -> None:
        """Cut the host's power and start it again."""
        self.fault("host-killed", name)
        self.mend("host-killed", name)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The shared lab, up. `WIZARD_LAB_DIR` names another directory than the usual one."""
    store = load(Path(os.environ.get("WIZARD_LAB_DIR") or default_root()))
    was_up = bool(store.subnet) and daemon.answers()
    was_up = was_up and any(host.state == "running" for host in lifecycle.status(store))
    with store.locked():
        lifecycle.up(store, talk, kubernetes=store.kubernetes)
    shared = Lab(store)
    shared.mend_all()
    yield shared
    if not was_up:
        with store.locked():
            lifecycle.down(store, talk)


@pytest.fixture(autouse=True)
def mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every fault a test set is cleared after it, whatever became of the test."""
    yield
    if "lab" in request.fixturenames:
        request.getfixturevalue("lab").mend_all()
