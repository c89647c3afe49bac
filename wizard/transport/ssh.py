"""The hosts of a cluster over SSH: one pooled connection each, made at first use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import field, replace
from functools import partial
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import (
    RESUMES,
    AuthError,
    CancelledError,
    HostError,
    HostKeyChangedError,
    PrivilegeError,
    UnreachableError,
)
from wizard.core.events import HostState, Note, Sink
from wizard.core.host import READ_SECONDS, Args, Operation, ScriptResult
from wizard.core.prompt import Prompter
from wizard.core.secret import Secret
from wizard.core.spec.model import MachineSpec
from wizard.core.text import printable
from wizard.core.typed import TypedSecrets
from wizard.transport.ahead import Curtain
from wizard.transport.credentials import Credentials
from wizard.transport.operations import operation, run_operation
from wizard.transport.runlock import RunLock
from wizard.transport.session import Session
from wizard.transport.ssh_auth import KeyRing
from wizard.transport.ssh_config import HostConfig, default_files, resolve
from wizard.transport.ssh_link import Connector, Link, Target
from wizard.transport.ssh_trust import Trust
from wizard.transport.sudo import Sudo
from wizard.transport.upload import put

__all__ = ["SshHost", "SshHosts", "Target"]

HEAD_START_SECONDS = 0.5
"""How long `read_ahead` waits for the log-ins. On a LAN they take half of it, our own loading of paramiko included;
whatever the caller would do meanwhile takes the interpreter from them, and has time when the hosts are at work."""


GUEST_USER = "root"
"""Whom the machines we make let in."""


@dataclass(slots=True)
class SshHost:
    """One host over SSH (the protocol `wizard.core.host.Host`)."""

    session: Session
    tell: Callable[[str], None]
    """Told of what becomes of the run lock."""
    lock: RunLock | None = None
    _ahead: dict[str, Future[ScriptResult]] = field(default_factory=dict)
    """What was asked before anybody wanted it, by script; who reads the script first takes what came of it."""

    @property
    def name(self) -> str:
        """The host's name in the spec."""
        return self.session.host

    @property
    def address(self) -> str:
        """What we connect to."""
        return self.session.address

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        """As `Reader.read`."""
        ahead = None if args else self._ahead.pop(script, None)
        return ahead.result() if ahead else self.session.read((script,), args or {}, timeout)

    def read_ahead(self, script: str, pool: ThreadPoolExecutor, connected: Callable[[], None]) -> None:
        """Begin to read a script that will be wanted soon.

        Args:
            script: under `assets/remote`; it takes no arguments.
            pool: does it.
            connected: is called when the host is logged in to, or cannot be.
        """

        def read() -> ScriptResult:
            try:
                self.session.connect()
            finally:
                connected()
            return self.session.read((script,), {}, READ_SECONDS)

        self._ahead[script] = pool.submit(read)

    def operation(self, op: str) -> Operation:
        """As `Reader.operation`."""
        return operation(self.session, op)

    def do(
        self,
        script: str,
        args: Args | None = None,
        *,
        op: str,
        payload: bytes | Secret = b"",
        timeout: float,
        on_line: Callable[[str], None] | None = None,
    ) -> Operation:
        """As `Host.do`."""
        return run_operation(
            self.session,
            self._held,
            script,
            args or {},
            op=op,
            payload=payload,
            timeout=timeout,
            on_line=on_line,
        )

    def put(
        self,
        content: bytes | Secret | Path,
        path: str,
        *,
        mode: int = 0o644,
        owner: str = "root:root",
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> bool:
        """As `Host.put`."""
        return put(self.session, self._held, content, path, mode=mode, owner=owner, on_bytes=on_bytes)

    def run_lock(self, holder: str, serial: int, lineage: str) -> AbstractContextManager[None]:
        """As `Host.run_lock`."""
        self.lock = RunLock(self.session, holder, serial, lineage, self.tell)
        return self.lock

    def _held(self) -> Session:
        """What changes something goes over the connection that holds the lock of the run; reads need none."""
        link = self.lock.ensure() if self.lock else None
        return replace(self.session, connect=lambda: link) if link else self.session


class SshHosts:
    """The hosts by name (the protocol `wizard.core.host.Hosts`).

    Args:
        targets: the hosts of the spec.
        known_hosts: the wizard's own file of confirmed keys; the user's are read, never written.
        pinned: fingerprint by host name, from `--host-key NAME=SHA256:...`.
        prompter: asks a person, or declines.
        credentials: secrets given by file.
        events: told of connections and of configuration that is not obeyed.
        typed: what a person typed for earlier sessions; without it each session asks for itself.
        config_files: ssh_config files, in order.
        made: the fingerprint of the host key a machine of ours was given, see `Trust.made`; no host is asked about.
        made_key: lays out the key such a machine lets us in with, see `Target.made_key`.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        known_hosts: Path,
        pinned: Mapping[str, str],
        prompter: Prompter,
        credentials: Credentials,
        events: Sink,
        typed: TypedSecrets | None = None,
        config_files: Sequence[Path] | None = None,
        made: Callable[[str], str | None] = lambda _host: None,
        made_key: Callable[[], Path] | None = None,
    ) -> None:
        typed = typed or TypedSecrets()
        self._files = default_files() if config_files is None else tuple(config_files)
        self._curtain = Curtain(events, prompter)
        prompter, self._events = self._curtain.prompter, self._curtain.tell
        self._connector = Connector(
            Trust(known_hosts, pinned, prompter, typed.asking, self._events, self._given),
            KeyRing(prompter, credentials, typed),
        )
        self._links: dict[str, _Pooled] = {}
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._made, self._made_key = made, made_key
        self._guests = {target.name for target in targets if target.made_key}
        self._sudo = partial(Sudo, prompter=prompter, credentials=credentials, typed=typed)
        self._hosts = {target.name: self._host(target) for target in targets}

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Hosts.know`."""
        for one in machines:
            if one.name not in self._hosts or self._hosts[one.name].address != one.address:
                target = Target(one.name, one.address, GUEST_USER, made_key=self._made_key)
                self._hosts[one.name] = self._host(target)
                self._guests.add(one.name)

    def _given(self, name: str) -> str | None:
        return self._made(name) if name in self._guests else None

    def _host(self, target: Target) -> SshHost:
        def connect() -> Link:
            return self._link(target, ())

        def tell(text: str) -> None:
            self._events(Note(text=f"{target.name} {text}"))

        return SshHost(Session(target.name, target.address, connect, self._sudo(target.name)), tell)

    def __getitem__(self, name: str) -> SshHost:
        self._curtain.lift()
        return self._hosts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def read_ahead(self, names: Sequence[str], script: str) -> None:
        """Begin to read a script on hosts that will be asked for it soon; return once it is on its way.

        Until a host is asked for, no event tells of it and no question is put. Who reads the script first gets what
        came of it, a failure too, so that nothing is tried more often than without.

        Args:
            names: of the hosts.
            script: under `assets/remote`; it takes no arguments.
        """
        if not names:
            return
        connected = threading.Semaphore(0)
        pool = ThreadPoolExecutor(len(names), thread_name_prefix="ahead")
        for name in names:
            self._hosts[name].read_ahead(script, pool, connected.release)
        pool.shutdown(wait=False)
        until = time.monotonic() + HEAD_START_SECONDS
        while names and connected.acquire(timeout=max(0.0, until - time.monotonic())):
            names = names[1:]

    def close(self) -> None:
        """Drop every connection for good; what runs on the hosts goes on, and who waits for it is sent away."""
        self._closed.set()
        self._curtain.close()
        with self._guard:
            pooled = list(self._links.values())
        # Hosts behind a jump host were added before it.
        for one in pooled:
            one.close()

    def _link(self, target: Target, trail: tuple[str, ...], through: Link | None = None) -> Link:
        with self._guard:
            pooled = self._links.setdefault(target.name, _Pooled(threading.Lock()))
        return pooled.get(lambda: self._connect(target, trail, through))

    def _connect(self, target: Target, trail: tuple[str, ...], through: Link | None) -> Link:
        self._still_open(target)
        config = resolve(target.address, self._files, user=target.user or "", port=target.port or 0)
        for note in config.notes:
            self._events(Note(text=f"{target.name}: {printable(note)}"))
        self._events(HostState(host=target.name, status="connecting", detail=config.hostname))
        try:
            way = through or self._jump(target, config, (*trail, target.address))
            link = self._connector.connect(target, config, way)
        except HostError as error:
            self._events(HostState(host=target.name, status="failed", detail=printable(error.what)))
            raise
        if self._closed.is_set():
            link.close()
            self._still_open(target)
        self._events(
            HostState(host=target.name, status="connected", detail=f"{config.user}@{config.hostname}")
        )
        return link

    def _still_open(self, target: Target) -> None:
        """A connection that broke because we let go is not made anew."""
        if self._closed.is_set():
            raise CancelledError(
                f"Let go of {target.name} as you asked.",
                where=f"{target.name} ({target.address})",
                why="The wizard was stopped and dropped its connections; what runs on the host goes on there.",
                do="run the same command again",
                again=RESUMES,
            )

    def _jump(self, target: Target, config: HostConfig, trail: tuple[str, ...]) -> Link | None:
        if not config.proxy_jump:
            return None
        through: Link | None = None
        for number, text in enumerate(config.proxy_jump):
            hop = _hop(text, ",".join(config.proxy_jump[: number + 1]))
            if hop.address in trail:
                raise _circle(target, (*trail, hop.address))
            through = self._hop_link(target, hop, trail, through)
        return through

    def _hop_link(self, target: Target, hop: Target, trail: tuple[str, ...], through: Link | None) -> Link:
        try:
            return self._link(hop, trail, through)
        except UnreachableError as error:
            if "circle" in error.what:
                raise
            raise UnreachableError(
                f"{target.name} cannot be reached: its jump host {hop.address} is down.",
                where=error.where,
                why=error.why,
                do=error.do,
            ) from error


def _circle(target: Target, trail: tuple[str, ...]) -> UnreachableError:
    return UnreachableError(
        f"{target.name} cannot be reached: its jump hosts form a circle.",
        where=f"{target.name} ({target.address})",
        why=f"ProxyJump leads {printable(' to '.join(trail))}.",
        do=f"ssh -G {target.address} | grep -i proxyjump",
    )


def _hop(text: str, name: str) -> Target:
    login = text.strip().removeprefix("ssh://")
    user, _, rest = login.rpartition("@")
    host, _, port = rest.rpartition(":") if rest.count(":") == 1 else (rest, "", "")
    return Target(name, host, user or None, int(port) if port.isdigit() else None)


@dataclass(slots=True)
class _Pooled:
    """The connection of one host, and its refusal: a refused log-in is not tried twice in one run."""

    lock: threading.Lock
    link: Link | None = None
    refused: HostError | None = None

    def get(self, connect: Callable[[], Link]) -> Link:
        with self.lock:
            if self.refused:
                raise self.refused
            if self.link and self.link.alive:
                return self.link
            if self.link:
                self.link.close()
                self.link = None
            try:
                self.link = connect()
            except (AuthError, HostKeyChangedError, PrivilegeError) as error:
                self.refused = error
                raise
            return self.link

    def close(self) -> None:
        # Without the lock, which is held while a connection is made: that may wait for a person's answer.
        link, self.link = self.link, None
        if link:
            link.close()
