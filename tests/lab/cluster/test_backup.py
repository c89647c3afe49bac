"""Backups made by the timer on real members, handed to the other hypervisor, and one of them restored elsewhere.

K3s is not on these guests: the step is told that it is, and the token is one that we make up.
"""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from steps.backup import Backup
from steps.k3s_files import TOKEN
from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import TOWERS
from tests.lab.story.world import tell, until
from wizard.compose import open_session
from wizard.core.check import Status
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets, SecretKeeper
from wizard.core.session import Session
from wizard.core.spec.model import BackupSpec
from wizard.front.arguments import build_parser
from wizard.lab.spec import ETCD_VERSION
from wizard.payload.etcd_backup import NAME, TIMER

pytestmark = pytest.mark.lab

TARGET = "/mnt/user/backups"
OTHER = {"etcd-a": "tower-b", "etcd-b": "tower-a"}
ETCD_KEYS = tuple(f"etcd/{name}" for name in ("ca.crt", "etcd-a.crt", "etcd-a.key", "root.crt", "root.key"))
"""What one needs to ask an etcd that was restored."""

OBJECT = "/registry/namespaces/story"
SECONDS = 60.0
"""Deadline of a backup by the timer, on a busy machine."""

AT_ONCE = f"""
mkdir -p {TIMER}.d
printf '[Timer]\\nRandomizedDelaySec=0\\n' >{TIMER}.d/at-once.conf
touch -d '3 days ago' /var/lib/systemd/timers/stamp-{NAME}.timer
systemctl daemon-reload
systemctl restart {NAME}.timer
"""
"""The guest was off for three days: the timer makes up for what was missed, and does not wait some minutes first."""


class Alone(Backup):
    """The step by itself: K3s is not there."""

    needs = ()


@contextmanager
def operating(cluster: Cluster, backup: BackupSpec | None) -> Iterator[Session]:
    """The wizard's own session on the lab's hosts: without backups by the spec that all tests here share.

    What it makes of secrets is forgotten afterwards: the others look for every key that the cluster has.
    """
    home = cluster.operator.home
    words = [
        "apply",
        "--plain",
        "--yes",
        "-f",
        str(home / "cluster.yaml"),
        "--dir",
        str(cluster.operator.folder),
    ]
    with open_session(build_parser("apply").parse_args(words), write=True) as session:
        spec = session.spec
        if backup:
            spec = replace(spec, k3s=replace(spec.k3s, enabled=True), backup=backup)
        known = {name: found for name in ETCD_KEYS if (found := session.secrets.get(name))}
        secrets = MemorySecrets({**known, TOKEN: Secret("a token of the lab")})
        yield replace(session, spec=spec, steps=(Alone(),), secrets=secrets)


def kept(cluster: Cluster, tower: str) -> list[str]:
    return cluster.shell(tower, f"ls {TARGET}/etcd-lab").split()


def bad(session: Session) -> list[str]:
    found = session.doctor().findings
    return [f"{one.check}: {one.detail}" for one in found if one.status in (Status.FAIL, Status.WARN)]


@dataclass(frozen=True)
class Scratch:
    """An etcd on this machine that holds what was in a snapshot, and asks for certificates as the members do."""

    folder: Path
    programs: Path
    port: int

    @property
    def client(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def peer(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    def keys(self, secrets: SecretKeeper) -> None:
        """Lay out the wizard's keys to etcd."""
        for name in ETCD_KEYS:
            found = secrets.get(name)
            assert found is not None, name
            (self.folder / name.removeprefix("etcd/")).write_text(found.reveal())

    def restore(self, snapshot: Path) -> None:
        """As the guide says, with another name and address."""
        words = ("snapshot", "restore", str(snapshot), "--data-dir", "data", "--name", "scratch")
        peers = ("--initial-cluster", f"scratch={self.peer}", "--initial-advertise-peer-urls", self.peer)
        self._run("etcdutl", *words, *peers, "--bump-revision", "1000000000", "--mark-compacted")

    @contextmanager
    def running(self) -> Iterator[None]:
        """On loopback alone."""
        words = ["--name", "scratch", "--data-dir", "data", "--initial-cluster", f"scratch={self.peer}"]
        words += [f"--{kind}-urls={self.client}" for kind in ("listen-client", "advertise-client")]
        words += [f"--{kind}-urls={self.peer}" for kind in ("listen-peer", "initial-advertise-peer")]
        words += ["--client-cert-auth", "--trusted-ca-file", "ca.crt"]
        words += ["--cert-file", "etcd-a.crt", "--key-file", "etcd-a.key"]
        command = [str(self.programs / "etcd"), *words]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=self.folder, stdout=quiet, stderr=quiet) as process:
            try:
                yield
            finally:
                process.kill()

    def answers(self) -> bool:
        """Whether it takes connections."""
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, key: str) -> str:
        """The value of a key."""
        keys = ("--cacert", "ca.crt", "--cert", "root.crt", "--key", "root.key")
        return self._run("etcdctl", f"--endpoints={self.client}", *keys, "get", key, "--print-value-only")

    def _run(self, program: str, *words: str) -> str:
        command = [str(self.programs / program), *words]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def scratch(cluster: Cluster, tmp_path: Path) -> Scratch:
    """Nothing in it yet; its programs are those of the members."""
    (archive,) = Path(cluster.lab.store.artifacts).glob(f"etcd-v{ETCD_VERSION}-linux-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    return Scratch(tmp_path, next(tmp_path.glob("**/etcdutl")).parent, port if port < 65_535 else port - 1)


@pytest.fixture
def shares(cluster: Cluster) -> Iterator[None]:
    """A folder for backups on each hypervisor; nothing of a backup is left afterwards."""
    for tower in TOWERS:
        cluster.shell(tower, f"mkdir -p {TARGET}")
    yield
    for tower in TOWERS:
        # Where the test failed: a folder that is gone under lines that name it is a share that is not mounted.
        cluster.shell(tower, f"rm -rf {TARGET}; sed -i '/ {NAME} lab /d' /root/.ssh/authorized_keys")
    for member in OTHER:
        cluster.shell(member, f"rm -rf {TIMER}.d; systemctl daemon-reload")


def opened(content: bytes, key: Secret, folder: Path) -> Path:
    """A backup decrypted and unpacked, as the guide says."""
    paths = [folder / name for name in ("key.pem", "backup.cms", "backup.tar")]
    paths[0].write_text(key.reveal())
    paths[1].write_bytes(content)
    words = ("cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", str(paths[0]))
    subprocess.run(["openssl", *words, "-in", str(paths[1]), "-out", str(paths[2])], check=True, timeout=30)
    with tarfile.open(fileobj=io.BytesIO(paths[2].read_bytes())) as tar:
        tar.extractall(folder / "opened", filter="data")
    return folder / "opened"


@pytest.mark.usefixtures("shares")
def test_a_backup_of_the_timer_is_restored_with_its_object_and_its_token(
    cluster: Cluster, scratch: Scratch, tmp_path: Path
) -> None:
    assert shutil.which("openssl"), "openssl decrypts backups"
    cluster.etcdctl("etcd-a", "put", OBJECT, "a known object")
    with operating(cluster, BackupSpec(TARGET, "@daily", 2)) as session:
        result = session.apply(lambda *_: True)
        assert result.status == "done", result.errors
        cluster.shell("etcd-a", AT_ONCE)
        until(
            lambda: len(kept(cluster, "tower-b")) == 2,
            "the timer made another one",
            seconds=SECONDS,
            pause=0.5,
        )
        until(
            lambda: cluster.shell("etcd-a", f"systemctl is-active {NAME}.service", ok=False) == "inactive\n",
            "it has ended",
            seconds=SECONDS,
            pause=0.5,
        )
        assert [name.startswith("etcd-lab-etcd-b-") for name in kept(cluster, "tower-a")] == [True]
        assert bad(session) == []
        tell("\n".join(one.detail for one in session.doctor().findings if one.check == "backup.age"))
        newest = kept(cluster, "tower-b")[-1]
        content = cluster.lab.inside("tower-b", "base64", f"{TARGET}/etcd-lab/{newest}")
        key = session.secrets.get("backup")
        assert key is not None
        found = opened(_plain(content), key, tmp_path)
        assert (found / "token").read_text() == "a token of the lab\n"
        cluster.etcdctl("etcd-a", "del", OBJECT)
        scratch.keys(session.secrets)
        scratch.restore(found / "etcd.db")
        with scratch.running():
            until(scratch.answers, "the restored etcd answers", seconds=SECONDS, pause=0.5)
            assert scratch.get(OBJECT) == "a known object\n"
    _taken_away(cluster)


def _plain(text: str) -> bytes:
    from base64 import b64decode

    return b64decode(text)


def _taken_away(cluster: Cluster) -> None:
    """Out of the spec again: keys and timers are gone, and the backups are there."""
    with operating(cluster, None) as session:
        assert session.apply(lambda *_: True).status == "done"
    for member, tower in OTHER.items():
        assert cluster.shell(member, f"ls /etc/homelab/backup {TIMER} 2>/dev/null", ok=False) == ""
        assert cluster.shell(tower, f"grep -c {NAME} /root/.ssh/authorized_keys", ok=False) == "0\n"
        assert kept(cluster, tower)
