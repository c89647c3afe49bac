"""A real sshd on loopback for one test session, with helpers to bend it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wizard.core.events import Event
from wizard.core.prompt import HostKeyQuestion, Prompter, SecretQuestion, Silent
from wizard.core.secret import Secret
from wizard.core.typed import TypedSecrets
from wizard.transport.credentials import Credentials
from wizard.transport.ssh import SshHost, SshHosts, Target

SSHD = Path("/usr/sbin/sshd")


def run(*command: str | Path) -> str:
    """A command's output, failing loudly."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A fresh key pair."""
    run("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", path)
    return path


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_port(port: int) -> None:
    """Return when something listens."""
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


@dataclass
class Sshd:
    """One sshd, its keys, and a log of what it was told."""

    folder: Path
    options: Sequence[str] = ()
    own_run: bool = False
    """Give it a /run/wizard of its own, so that tests running at the same time do not queue behind each other."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.host_key = self.folder / "host_key"
        if not self.host_key.exists():
            keygen(self.host_key)
        self.client_key = self.folder / "client_key"
        if not self.client_key.exists():
            keygen(self.client_key)
        # Outside the test's folder, since sshd reads it as the user who logs in.
        self.open_folder = Path(tempfile.mkdtemp(prefix="wizard-sshd-"))
        self.open_folder.chmod(0o755)
        self.authorized = self.open_folder / "authorized_keys"
        self.authorize(self.client_key)
        self.log = self.folder / "log"

    def authorize(self, key: Path, options: str = "") -> None:
        """Let one key in, with authorized_keys options such as command="..."."""
        public = key.with_name(key.name + ".pub").read_text()
        self.authorized.write_text(f"{options} {public}" if options else public)

    def start(self) -> Sshd:
        """Listen."""
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        lines = [
            *self.options,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized}",
            f"PidFile {self.folder / 'pid'}",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "LogLevel DEBUG1",
            "Subsystem sftp /bin/false",
        ]
        config.write_text("\n".join(lines) + "\n")
        command = [str(SSHD), "-D", "-f", str(config), "-E", str(self.log)]
        if self.own_run:
            Path("/run/wizard").mkdir(mode=0o700, exist_ok=True)
            inside = 'mount -t tmpfs -o mode=700 tmpfs /run/wizard && exec "$@"'
            command = ["unshare", "-m", "--propagation", "private", "sh", "-c", inside, "sh", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_port(self.port)
        return self

    def stop(self) -> None:
        """Stop listening and end its connections."""
        shutil.rmtree(self.open_folder, ignore_errors=True)
        if self.process:
            own = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                capture_output=True,
                text=True,
                check=False,
            )
            self.process.terminate()
            self.process.wait(5)
            self.process = None
            for word in own.stdout.split():
                subprocess.run(["kill", word], check=False, stderr=subprocess.DEVNULL)

    def inside(self, path: str) -> Path:
        """A path as the server sees it, for us to look at."""
        if self.process is None:
            raise RuntimeError("not started")
        return Path(f"/proc/{self.process.pid}/root{path}")

    def known_line(self, name: str | None = None) -> str:
        """The known_hosts line of its key."""
        kind, blob = self.host_key.with_name("host_key.pub").read_text().split()[:2]
        return f"{name or f'[127.0.0.1]:{self.port}'} {kind} {blob}\n"

    def fingerprint(self) -> str:
        """As ssh-keygen prints it."""
        return run("ssh-keygen", "-lf", self.host_key).split()[1]


class Answers(Silent):
    """A person with ready answers, who remembers the questions, and thinks for a while first."""

    def __init__(
        self,
        *,
        trust: bool = False,
        secrets: Sequence[str | None] = (),
        think: Callable[[], object] = lambda: None,
    ) -> None:
        self.asked: list[HostKeyQuestion | SecretQuestion] = []
        self._trust = trust
        self._secrets = list(secrets)
        self._think = think

    def trust(self, question: HostKeyQuestion) -> bool:
        self.asked.append(question)
        self._think()
        return self._trust

    def secret(self, question: SecretQuestion) -> Secret | None:
        self.asked.append(question)
        self._think()
        answer = self._secrets.pop(0) if self._secrets else None
        return None if answer is None else Secret(answer)


@dataclass
class Client:
    """Our side: folders, a configuration, and the hosts made with them."""

    home: Path
    prompter: Prompter = field(default_factory=Silent)
    credentials: Credentials = field(default_factory=Credentials)
    typed: TypedSecrets | None = None
    """Shared by the sessions of one wizard."""
    pinned: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    opened: list[SshHosts] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / ".ssh").mkdir(parents=True, exist_ok=True)
        self.known = self.home / ".ssh" / "known_hosts"
        self.own = self.home / "own" / "known_hosts"
        self.config = self.home / ".ssh" / "config"

    def hosts(self, *targets: Target) -> SshHosts:
        """The hosts over real SSH."""
        hosts = SshHosts(
            targets,
            known_hosts=self.own,
            pinned=self.pinned,
            prompter=self.prompter,
            credentials=self.credentials,
            events=self.events.append,
            typed=self.typed,
            config_files=(self.config,),
        )
        self.opened.append(hosts)
        return hosts

    def host(
        self, server: Sshd, *, user: str = "root", key: Path | None = None, port: int | None = None
    ) -> SshHost:
        """The one host on a server, trusted by known_hosts unless that file is there already."""
        if not self.known.exists():
            self.known.write_text(server.known_line(f"[127.0.0.1]:{port or server.port}"))
        target = Target("tower", "127.0.0.1", user, port or server.port, key or server.client_key)
        return self.hosts(target)["tower"]

    def close(self) -> None:
        """Close every connection."""
        for hosts in self.opened:
            hosts.close()


def is_root() -> bool:
    """sshd with several users needs root."""
    return os.geteuid() == 0 and SSHD.exists()
