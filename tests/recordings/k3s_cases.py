"""What a node of K3s is asked: on the witness, which is a server of its own here, beside a cluster of one of etcd."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from tests.recordings.case import HOSTS, Case, Play, do
from tests.recordings.etcd_cases import LOCAL, Member
from tests.recordings.etcd_cases import files as etcd_files
from tests.recordings.recording import Said
from tests.recordings.stage import LINEAGE, OP, OTHER_LINEAGE, Stage
from wizard.core.secret import Secret
from wizard.payload import k3s_config as k3s
from wizard.payload.etcd_config import PKI as ETCD_PKI
from wizard.payload.etcd_files import MemberFile, bundle
from wizard.payload.k3s_unit import (
    BINARY,
    LOGIND,
    NAMES,
    SHUTDOWN,
    logind_text,
    shutdown_text,
    unit_path,
    unit_text,
)
from wizard.practice.etcd_scripts import bundled

VERSION = "v1.36.4+k3s1"
IMAGES = "k3s-airgap-images-amd64.tar.gz"
PROGRAM_FILE, IMAGES_FILE = f"/opt/k3s-{VERSION}", f"/opt/{IMAGES}"
FOLDER = "/var/lib/rancher/k3s/agent/images"
CONTENT = b"images of the recordings\n"
PROGRAM = (Path(__file__).parent / "k3s-outside.sh").read_text().replace("@VERSION@", VERSION).encode()
"""What looks like K3s from outside; practice takes it for its own."""


def payload() -> bytes:
    """The files of a server that only this host itself can reach."""
    node = k3s.NodeConfig("pi", "127.0.0.1", "pi", "recordings")
    server = k3s.ServerConfig((LOCAL,), ("192.0.2.20", "api.home.arpa"), "10.42.0.0/16", "10.43.0.0/16")
    shown = dict(bundled(etcd_files().decode()))
    keys = {k3s.AUTHORITY: "ca.crt", k3s.CERTIFICATE: "root.crt", k3s.KEY: "root.key"}
    files = [
        MemberFile(k3s.CONFIG, Secret(k3s.server_text(node, server)), "600"),
        MemberFile(unit_path("server"), Secret(unit_text("recordings", "server"))),
        MemberFile(SHUTDOWN, Secret(shutdown_text())),
        MemberFile(LOGIND, Secret(logind_text())),
        MemberFile(k3s.TOKEN, Secret("a-token\n"), "600"),
        MemberFile(k3s.AGENT_TOKEN, Secret("another-token\n"), "600"),
        *(
            MemberFile(path, Secret(shown[f"{ETCD_PKI}/{name}"].content.decode()), "600")
            for path, name in keys.items()
        ),
    ]
    return bundle(files).reveal().encode()


@dataclass(slots=True)
class Node:
    """What is done to the one node, step by step; each is an operation of its own."""

    stage: Stage
    count: int = field(default=0)

    def run(self, script: str, args: dict[str, str], payload: bytes = b"") -> Said:
        """The next operation."""
        self.count += 1
        return do(self.stage, args, f"{OP}-k{self.count}", script, payload=payload, seconds=90.0)

    def install(self, program: str, *, version: str = VERSION) -> Said:
        """do/k3s-install.

        Args:
            program: digest of the program.
            version: that it shall be of.
        """
        digests = {"program_sha256": program, "images_sha256": hashlib.sha256(CONTENT).hexdigest()}
        args = {"version": version, "program": PROGRAM_FILE, "images": IMAGES_FILE, "name": IMAGES}
        return self.run("do/k3s-install", {**args, **digests})

    def brought(self) -> str:
        """Its files were sent; returns the program's digest."""
        self.stage.write(IMAGES_FILE, CONTENT)
        self.stage.write(PROGRAM_FILE, PROGRAM)
        return hashlib.sha256(PROGRAM).hexdigest()

    def installed(self) -> Node:
        """With its program."""
        assert self.install(self.brought()).exit_code == 0
        return self

    def configure(self, sent: bytes = b"") -> Said:
        """do/k3s-configure."""
        args = {"lineage": LINEAGE, "node": "pi", "unit": NAMES["server"]}
        return self.run("do/k3s-configure", args, sent or payload())

    def configured(self) -> Node:
        """With everything it needs to start."""
        self.installed()
        assert self.configure().exit_code == 0
        return self

    def start(self, action: str = "start") -> Said:
        """do/k3s-start."""
        return self.run("do/k3s-start", {"action": action, "unit": NAMES["server"]})

    def up(self) -> Node:
        """A server that runs."""
        Member(self.stage).up()
        self.configured()
        assert self.start().exit_code == 0
        self.stage.settle_k3s()
        return self

    def read(self) -> Said:
        """read/k3s."""
        return self.stage.run("read/k3s", {"wait": "0", "own": "", "address": ""})


# --- cases


def read_absent(stage: Stage) -> Said:
    return Node(stage).read()


def read_installed(stage: Stage) -> Said:
    return Node(stage).installed().read()


def read_configured(stage: Stage) -> Said:
    return Node(stage).configured().read()


def read_failing(stage: Stage) -> Said:
    node = Node(stage).configured()
    stage.remove(k3s.TOKEN)
    assert node.start().exit_code == 0
    stage.settle_k3s()
    return node.read()


def install_new(stage: Stage) -> Said:
    node = Node(stage)
    said = node.install(node.brought())
    assert stage.exists(BINARY) and stage.content(f"{FOLDER}/{IMAGES}") == CONTENT
    assert not stage.exists(PROGRAM_FILE) and not stage.exists(IMAGES_FILE)
    return said


def install_again(stage: Stage) -> Said:
    node = Node(stage).installed()
    found = stage.content(BINARY)
    assert found is not None
    return node.install(hashlib.sha256(found).hexdigest())


def install_replaces(stage: Stage) -> Said:
    """Images of another version go: K3s would import them too."""
    stage.write(f"{FOLDER}/k3s-airgap-images-amd64.tar.zst", b"of an earlier version")
    node = Node(stage)
    said = node.install(node.brought())
    assert not stage.exists(f"{FOLDER}/k3s-airgap-images-amd64.tar.zst")
    return said


def install_no_file(stage: Stage) -> Said:
    node = Node(stage)
    digest = node.brought()
    stage.remove(PROGRAM_FILE)
    return node.install(digest)


def install_other_bytes(stage: Stage) -> Said:
    node = Node(stage)
    node.brought()
    said = node.install("0" * 64)
    assert not stage.exists(BINARY)
    return said


def install_other_version(stage: Stage) -> Said:
    node = Node(stage)
    return node.install(node.brought(), version="v1.36.5+k3s1")


def configure_new(stage: Stage) -> Said:
    return Node(stage).installed().configure()


def configure_again(stage: Stage) -> Said:
    return Node(stage).configured().configure()


def configure_foreign(stage: Stage) -> Said:
    stage.write(k3s.MARK, f"lineage={OTHER_LINEAGE}\nnode=pi\n".encode())
    return _refused(stage)


def configure_unmarked(stage: Stage) -> Said:
    stage.write("/var/lib/rancher/k3s/server/tls/server-ca.crt", b"theirs")
    return _refused(stage)


def _refused(stage: Stage) -> Said:
    said = Node(stage).installed().configure()
    assert not stage.exists(k3s.CONFIG)
    return said


def configure_cut(stage: Stage) -> Said:
    said = Node(stage).installed().configure(payload()[:-40])
    assert not stage.exists(k3s.CONFIG) and not stage.exists(k3s.MARK)
    return said


def configure_other_role(stage: Stage) -> Said:
    """It was an agent; two units would fight for the ports."""
    stage.write(unit_path("agent"), unit_text("recordings", "agent").encode())
    said = Node(stage).installed().configure()
    assert not stage.exists(unit_path("agent"))
    return said


def start_new(stage: Stage) -> Said:
    Member(stage).up()
    return Node(stage).configured().start()


def start_running(stage: Stage) -> Said:
    return Node(stage).up().start()


def start_restart(stage: Stage) -> Said:
    return Node(stage).up().start("restart")


def read_running(stage: Stage) -> Said:
    return Node(stage).up().read()


def _on_pi(script: str, name: str, play: Play, hosts: tuple[str, ...] = ("pi",)) -> Case:
    return Case(script, name, play, hosts=hosts)


K3S_CASES = (
    _on_pi("read/k3s", "absent", read_absent, HOSTS),
    _on_pi("do/k3s-install", "no-file", install_no_file),
    _on_pi("do/k3s-install", "other-bytes", install_other_bytes),
    _on_pi("do/k3s-install", "other-version", install_other_version),
    _on_pi("do/k3s-install", "new", install_new),
    _on_pi("do/k3s-install", "again", install_again),
    _on_pi("do/k3s-install", "replaces", install_replaces),
    _on_pi("read/k3s", "installed", read_installed),
    _on_pi("do/k3s-configure", "new", configure_new),
    _on_pi("do/k3s-configure", "again", configure_again),
    _on_pi("do/k3s-configure", "foreign", configure_foreign),
    _on_pi("do/k3s-configure", "unmarked", configure_unmarked),
    _on_pi("do/k3s-configure", "cut", configure_cut),
    _on_pi("do/k3s-configure", "other-role", configure_other_role),
    _on_pi("read/k3s", "configured", read_configured),
    _on_pi("read/k3s", "failing", read_failing),
    _on_pi("do/k3s-start", "new", start_new),
    _on_pi("do/k3s-start", "running", start_running),
    _on_pi("do/k3s-start", "restart", start_restart),
    _on_pi("read/k3s", "running", read_running),
)
