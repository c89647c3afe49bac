"""Real hosts and their cluster for a session: how each is reached, who answers the questions, which keys are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.errors import UsageError

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.events import Sink
    from wizard.core.home import ClusterHome
    from wizard.core.host import Hosts
    from wizard.core.kubeconfig import AdminSource
    from wizard.core.kubernetes import Api
    from wizard.core.prompt import Prompter
    from wizard.core.secrets import SecretKeeper, Secrets
    from wizard.core.spec import ClusterSpec
    from wizard.core.typed import TypedSecrets
    from wizard.transport.ssh import SshHosts


def ssh_hosts(
    options: Options,
    spec: ClusterSpec,
    home: ClusterHome,
    secrets: Secrets,
    emit: Sink,
    prompter: Prompter | None,
    typed: TypedSecrets | None,
) -> SshHosts:
    """The hosts of a spec, to be logged in to when they are first asked for.

    Args:
        options: of the command: host keys and passwords given ahead.
        spec: names the hosts.
        home: keeps the host keys that were confirmed, and lays out the cluster's own key.
        secrets: of the cluster.
        emit: told of connections.
        prompter: answers questions; without it, whoever sits at the terminal.
        typed: what a person typed for earlier sessions.

    Raises:
        UsageError: what was given ahead is not understood.
    """
    from wizard.core.prompt import Silent
    from wizard.front.terminal import TerminalPrompter, at_terminal
    from wizard.transport.credentials import Credentials, load_credentials
    from wizard.transport.ssh import SshHosts, Target

    asks = prompter or (TerminalPrompter() if at_terminal() else Silent())
    targets = [
        Target(
            host.name,
            host.address,
            host.user or spec.ssh.user,
            host.port,
            _key_path(host.key or spec.ssh.key),
        )
        for host in spec.hosts
    ]
    return SshHosts(
        targets,
        known_hosts=home.known_hosts,
        pinned=_pinned(options.host_key, {host.name for host in spec.hosts}),
        prompter=asks,
        credentials=load_credentials(options.credentials) if options.credentials else Credentials(),
        events=emit,
        typed=typed,
        made=partial(_given_key, secrets),
        made_key=partial(_lay_out_key, home, secrets),
    )


def cluster_admin(
    command: str, hosts: Hosts, secrets: SecretKeeper, emit: Sink, *, keep: bool
) -> AdminSource | None:
    """Where the administrator's kubeconfig comes from; None for facts, which are of no cluster.

    Args:
        command: that is run.
        hosts: of the cluster.
        secrets: of the cluster.
        emit: told of another authority than the one we knew.
        keep: what is fetched may be kept: the run state is locked.
    """
    if command == "facts":
        return None
    from steps.kube_admin import KeptAdmin
    from wizard.core.events import Note

    return KeptAdmin(hosts, secrets, keep=keep, say=lambda text: emit(Note(text=text)))


def cluster_api(spec: ClusterSpec, admin: AdminSource | None) -> Api:
    """The way to the Kubernetes API; the library behind it is loaded when it is first asked.

    Args:
        spec: names its address.
        admin: in whose name it is asked; without one it is not asked.
    """
    if admin is None:
        from wizard.core.kubernetes import NoApi

        return NoApi()
    from wizard.transport.kubernetes import KubernetesApi

    return KubernetesApi(spec.network.api_vip, admin)


def _lay_out_key(home: ClusterHome, secrets: Secrets) -> Path:
    """Where the cluster's own key lies; it is written from the secrets where it is not there, or is another one."""
    from wizard.core.files import read_private, write_private

    key = secrets.get("ssh/key")
    if key is not None and read_private(home.ssh_key) != key.reveal().encode():
        write_private(home.ssh_key, key.reveal().encode())
    return home.ssh_key


def _given_key(secrets: Secrets, machine: str) -> str:
    """The fingerprint of the host key a machine was given when it was made; empty where it is not known."""
    from base64 import b64decode

    from wizard.transport.hostkeys import fingerprint

    public = secrets.get(f"host/{machine}.pub")
    return fingerprint(b64decode(public.reveal().split()[1])) if public else ""


def _key_path(name: str) -> Path | None:
    return Path(name).expanduser() if name else None


def _pinned(words: Sequence[str], names: set[str]) -> dict[str, str]:
    """`NAME=SHA256:...` as given on the command line."""
    pinned: dict[str, str] = {}
    for word in words:
        name, _, fingerprint = word.partition("=")
        if name not in names or not fingerprint.startswith("SHA256:"):
            why = f"There is no host {name!r}." if name not in names else "A fingerprint begins with SHA256:"
            raise UsageError(
                "--host-key is not understood.",
                where=f"--host-key {word}",
                why=f"{why} The hosts are {', '.join(sorted(names))}.",
                do="wizard apply --host-key NAME=SHA256:...",
            )
        pinned[name] = fingerprint
    return pinned
