"""Logging in: which keys are tried in which order, what is asked, and what a refusal means.

Few tries, because every refused one counts towards the server's limit (MaxAuthTries, 6 by default) and towards a ban:
the named key first, taken from the agent where it holds it, then other agent keys, then one password.
"""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.errors import AuthError
from wizard.core.prompt import Prompter, SecretKind, SecretQuestion, Silent
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.core.typed import About, TypedSecrets
from wizard.transport.credentials import Credentials
from wizard.transport.keyfile import KeyFile, KeyFileError, certificate_end, inspect, public_blob
from wizard.transport.ssh_config import HostConfig

if TYPE_CHECKING:
    from paramiko import PKey, Transport
    from paramiko.agent import AgentSSH

MAX_KEYS = 4
"""Public keys tried per connection: sshd's MaxAuthTries default of 6, less the question what it accepts and a password."""

MAX_PASSPHRASE_TRIES = 3
"""As ssh itself (NumberOfPasswordPrompts)."""

AGENT_SECONDS = 30.0
"""How long the agent may take: a person may have to touch a token."""

_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_EXPIRED = ("new password", "current password", "(current) unix password", "password expired")


@dataclass(slots=True)
class KeyRing:
    """Private keys unlocked in this run: each passphrase is asked once, however many hosts want the key."""

    prompter: Prompter
    credentials: Credentials
    typed: TypedSecrets
    _keys: dict[Path, PKey] = field(default_factory=dict)
    _declined: set[Path] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def load(self, file: KeyFile, host: str) -> PKey:
        """The usable key.

        Args:
            file: as inspected.
            host: that needs it, for the question.

        Raises:
            KeyFileError: damaged, or its passphrase is not to be had.
        """
        with self._lock:
            if file.path not in self._keys:
                self._keys[file.path] = self._unlock(file, host) if file.encrypted else _parse(file, None)
            return self._keys[file.path]

    def _unlock(self, file: KeyFile, host: str) -> PKey:
        given = self.credentials.get(host, "passphrase")
        if given:
            return _parse(file, given)
        with self.typed.asking():
            key = self._typed_before(file) or self._asked(file, host)
        if key is not None:
            return key
        self._declined.add(file.path)
        raise KeyFileError(
            f"{file.path} is encrypted, and its passphrase was not given or is wrong.", f"ssh-add {file.path}"
        )

    def _typed_before(self, file: KeyFile) -> PKey | None:
        about = _passphrase_of(file)
        known = self.typed.get(about)
        if known is None:
            return None
        try:
            return _parse(file, known)
        except KeyFileError:
            self.typed.forget(about)
            return None

    def _asked(self, file: KeyFile, host: str) -> PKey | None:
        prompt = f"Passphrase of {printable(str(file.path))}"
        for attempt in range(MAX_PASSPHRASE_TRIES if file.path not in self._declined else 0):
            text = f"That was not right. {prompt}" if attempt else prompt
            answer = self.prompter.secret(SecretQuestion(SecretKind.PASSPHRASE, host, text))
            if answer is None:
                break
            try:
                key = _parse(file, answer)
            except KeyFileError:
                continue
            self.typed.keep(_passphrase_of(file), answer)
            return key
        return None


def _passphrase_of(file: KeyFile) -> About:
    return (SecretKind.PASSPHRASE, str(file.path))


def _parse(file: KeyFile, passphrase: Secret | None) -> PKey:
    from paramiko import ECDSAKey, Ed25519Key, PasswordRequiredException, RSAKey, SSHException

    kinds: tuple[type[PKey], ...] = {"ssh-ed25519": (Ed25519Key,), "ssh-rsa": (RSAKey,)}.get(
        file.key_type, (ECDSAKey, RSAKey, Ed25519Key)
    )
    word = passphrase.reveal() if passphrase else None
    for kind in kinds:
        try:
            return kind.from_private_key(io.StringIO(file.text), word)
        except (PasswordRequiredException, SSHException, ValueError, TypeError):
            continue
    if passphrase:
        raise KeyFileError(f"The passphrase of {file.path} is wrong.", f"ssh-keygen -y -f {file.path}")
    raise KeyFileError(f"{file.path} cannot be read: it is damaged.", f"ssh-keygen -y -f {file.path}")


@dataclass(slots=True)
class Login:
    """Authenticates one connection; paramiko calls `authenticate` once the host key is trusted."""

    host: str
    config: HostConfig
    named: Path | None
    """The key the spec names."""
    ring: KeyRing
    _problems: list[KeyFileError] = field(default_factory=list)
    _tried: list[str] = field(default_factory=list)

    def authenticate(self, transport: Transport) -> None:
        """Log in or say why not.

        Args:
            transport: connected, its host key checked.

        Raises:
            AuthError: every way was refused.
            paramiko.SSHException: the link broke meanwhile.
        """
        agent = _agent(self.config.identity_agent)
        try:
            allowed = self._public_keys(transport, agent)
            if allowed is not None:
                self._secrets(transport, allowed)
        finally:
            if agent:
                agent._close()  # type: ignore[attr-defined]  # the only way to close an agent on a socket of our choice

    def _public_keys(self, transport: Transport, agent: AgentSSH | None) -> list[str] | None:
        """None where logged in, else what the server still wants (empty = not known)."""
        from paramiko import AuthenticationException, BadAuthenticationType

        for count, (label, key) in enumerate(self._candidates(agent)):
            if count >= MAX_KEYS:
                self._tried.append(f"no further key (of {MAX_KEYS} at most)")
                break
            try:
                missing = transport.auth_publickey(self.config.user, key)
            except BadAuthenticationType as error:
                return list(error.allowed_types)
            except AuthenticationException as error:
                self._lost(transport, error)
                self._tried.append(label)
                continue
            return missing or None
        return []

    def _candidates(self, agent: AgentSSH | None) -> Iterator[tuple[str, PKey]]:
        held = {bytes(key.asbytes()): key for key in agent.get_keys()} if agent else {}
        for path, must in self._files():
            blob = public_blob(path)
            if blob and blob in held:
                yield f"{path} (agent)", held.pop(blob)
                continue
            try:
                key = self.ring.load(inspect(path), self.host)
            except KeyFileError as problem:
                if must:
                    raise self._unusable(problem) from problem
                self._problems.append(problem)
                continue
            self._certify(path, key)
            yield str(path), key
        if not self.config.identities_only:
            yield from ((f"agent key {_comment(key)}", key) for key in held.values())

    def _files(self) -> Iterator[tuple[Path, bool]]:
        """Key files in the order they are tried, with whether failing to read one is an error at once."""
        if self.named:
            yield self.named, True
        configured = [path for path in self.config.identity_files if path != self.named]
        yield from ((path, False) for path in configured if path.exists() or public_blob(path))
        if not self.named and not self.config.identity_files:
            folder = Path.home() / ".ssh"
            yield from ((folder / name, False) for name in _DEFAULT_KEYS if (folder / name).is_file())

    def _certify(self, path: Path, key: PKey) -> None:
        beside = path.with_name(path.name + "-cert.pub")
        for certificate in (*self.config.certificate_files, beside):
            end = certificate_end(certificate)
            if end is None:
                continue
            if end < time.time():
                day = time.strftime("%Y-%m-%d", time.gmtime(end))
                do = f"ssh-keygen -L -f {certificate}"
                self._problems.append(KeyFileError(f"The certificate {certificate} expired on {day}.", do))
                continue
            try:
                key.load_certificate(str(certificate))
            except ValueError:
                continue
            return

    def _secrets(self, transport: Transport, allowed: list[str]) -> None:
        ways = allowed or self._ask_ways(transport)
        if "password" in ways and self._password(transport):
            return
        if "keyboard-interactive" in ways and self._interactive(transport):
            return
        raise self._refused(transport, ways)

    def _ask_ways(self, transport: Transport) -> list[str]:
        from paramiko import AuthenticationException, BadAuthenticationType

        try:
            # `auth_none` itself fails on this kind of transport (paramiko 5.1): it gives no finishing callback.
            transport.ensure_session()  # type: ignore[attr-defined]
            transport.auth_handler.send_auth_request(self.config.user, "none", _nothing_more)  # type: ignore[union-attr]
        except BadAuthenticationType as error:
            return list(error.allowed_types)
        except AuthenticationException as error:
            self._lost(transport, error)
        return []

    def _password(self, transport: Transport) -> bool:
        from paramiko import AuthenticationException, SSHException

        secret = self._known_or_asked()
        if secret is None:
            return False
        self._tried.append("password")
        try:
            missing = transport.auth_password(self.config.user, secret.reveal(), fallback=False)
        except AuthenticationException as error:
            self.ring.typed.forget(self._password_about)
            self._lost(transport, error)
            return False
        except SSHException as error:
            if "Illegal info request" in str(error):
                raise self._expired() from error
            raise
        return not missing

    @property
    def _password_about(self) -> About:
        return (SecretKind.PASSWORD, self.config.user, self.config.hostname, self.config.port)

    def _interactive(self, transport: Transport) -> bool:
        from paramiko import AuthenticationException

        known = self.ring.credentials.get(self.host, "password")
        if "password" in self._tried or (isinstance(self.ring.prompter, Silent) and not known):
            return False
        self._tried.append("keyboard-interactive")
        try:
            missing = transport.auth_interactive(self.config.user, self._answers)
        except AuthenticationException as error:
            self.ring.typed.forget(self._password_about)
            self._lost(transport, error)
            return False
        return not missing

    def _answers(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        """What the host asks: its first question of a kind that a password answers gets the known one."""
        texts = [printable(text).strip() for text, _ in prompts]
        if any(word in text.lower() for text in (*texts, title, instructions) for word in _EXPIRED):
            raise self._expired()
        return [self._answer(text, printable(instructions).strip()) for text in texts]

    def _answer(self, text: str, instructions: str) -> str:
        from paramiko import AuthenticationException

        if "password" in text.lower():
            secret = self._known_or_asked()
        else:
            prompt = f"{self.host} asks: {instructions} {text}".replace("  ", " ")
            with self.ring.typed.asking():
                secret = self.ring.prompter.secret(
                    SecretQuestion(SecretKind.KEYBOARD_INTERACTIVE, self.host, prompt)
                )
        if secret is None:
            raise AuthenticationException("nobody answered")
        return secret.reveal()

    def _known_or_asked(self) -> Secret | None:
        """The login password: from the file of credentials, typed before, or asked for."""
        given = self.ring.credentials.get(self.host, SecretKind.PASSWORD)
        if given:
            return given
        typed, about = self.ring.typed, self._password_about
        prompt = f"Password of {self.config.user} on {self.host}"
        with typed.asking():
            return typed.get(about) or typed.keep(
                about, self.ring.prompter.secret(SecretQuestion(SecretKind.PASSWORD, self.host, prompt))
            )

    def _lost(self, transport: Transport, error: Exception) -> None:
        """A server that hangs up during the log-in has had enough of us."""
        if not transport.is_active():
            tried = f" after refusing {', '.join(self._tried)}" if self._tried else ""
            raise self._error(
                printable(f"It closed the connection{tried}: {error}"),
                (f"ssh-add -l; then name one key in the spec (ssh.key) for {self.host}",),
            ) from error

    def _unusable(self, problem: KeyFileError) -> AuthError:
        return self._error(problem.why, (problem.do,))

    def _expired(self) -> AuthError:
        return self._error(
            f"The password of {self.config.user} has expired: the host wants a new one first.",
            (f"ssh -t {self._login()} passwd",),
        )

    def _refused(self, transport: Transport, ways: list[str]) -> AuthError:
        said = printable((transport.get_banner() or b"").decode("utf-8", "replace")).strip()
        tried = ", ".join(self._tried) or "nothing: there is no key and no password"
        why = (
            f"Tried: {printable(tried)}. It accepts: {printable(', '.join(ways)) or 'nothing it would name'}."
        )
        why += "".join(f" {printable(problem.why)}" for problem in self._problems)
        why += "".join(f" {printable(note)}." for note in self.config.notes)
        why += f" It says: {said[:200]}" if said else ""
        fixes = tuple(problem.do for problem in self._problems)
        return self._error(why, (*fixes, f"ssh-copy-id -p {self.config.port} {self._login()}"))

    def _error(self, why: str, do: tuple[str, ...]) -> AuthError:
        return AuthError(
            f"{self.host} does not let {self.config.user} in.",
            where=f"{self.host} ({self._login()} port {self.config.port})",
            why=why,
            do=(*do, "No more tries are made in this run, so that the host does not ban you."),
        )

    def _login(self) -> str:
        return f"{self.config.user}@{self.config.hostname}"


def _agent(configured: str) -> AgentSSH | None:
    path = os.environ.get("SSH_AUTH_SOCK", "") if configured in ("", "SSH_AUTH_SOCK") else configured
    if not path or path == "none":
        return None
    from paramiko import SSHException
    from paramiko.agent import AgentSSH

    conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    conn.settimeout(AGENT_SECONDS)
    agent = AgentSSH()
    try:
        conn.connect(path)
        agent._connect(conn)  # type: ignore[attr-defined]  # Agent() only knows SSH_AUTH_SOCK, and has no time-out
    except (OSError, SSHException):
        conn.close()
        return None
    return agent


def _nothing_more(_message: object) -> None:
    """The request `none` has no further fields."""


def _comment(key: PKey) -> str:
    return str(getattr(key, "comment", "") or key.get_name())
