"""The files of one node as they shall be, and whether those on it, and its process, are so."""

from __future__ import annotations

import hashlib
import secrets as chance
from collections.abc import Iterator, Mapping
from functools import partial

from steps.etcd_certificates import kept, trusted
from steps.etcd_seen import places
from steps.installed_files import as_wanted
from steps.k3s_seen import Node
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.secrets import SecretKeeper, Secrets
from wizard.core.spec import ClusterSpec
from wizard.core.spec.model import MachineSpec
from wizard.payload import k3s_config as config
from wizard.payload.etcd_files import MemberFile
from wizard.payload.k3s_unit import (
    LOGIND,
    RUNNING_CONFIG,
    SHUTDOWN,
    Role,
    logind_text,
    shutdown_text,
    unit_path,
    unit_text,
)

TOKEN, AGENT_TOKEN = "k3s/token", "k3s/agent-token"
CLIENT = "etcd/k3s"
"""The certificate that the servers show to etcd; the stage of etcd makes it."""

TOKEN_BYTES = 16


def tokens_missing(secrets: Secrets) -> bool:
    """Whether one is still to be made."""
    return any(secrets.get(name) is None for name in (TOKEN, AGENT_TOKEN))


def ensure_tokens(secrets: SecretKeeper) -> None:
    """Make those that are missing; one that is there is never made anew, for a cluster may live by it."""
    for name in (TOKEN, AGENT_TOKEN):
        secrets.ensure(partial(_new_token, name), name)


def _new_token(name: str) -> Mapping[str, Secret]:
    """In the short form, which the first server must be given, and without a dot (k3s#7313)."""
    return {name: Secret(chance.token_hex(TOKEN_BYTES))}


def endpoints(spec: ClusterSpec, server: MachineSpec) -> tuple[str, ...]:
    """Client URLs of etcd, the member on the server's own hypervisor first and the witness last."""
    ordered = sorted(places(spec), key=lambda one: (one.host != server.host, one.witness))
    return tuple(one.client for one in ordered)


def server_names(spec: ClusterSpec) -> tuple[str, ...]:
    """What every server is reached by besides its own: the address that moves, and its name."""
    return (spec.network.api_vip, config.api_name(spec.network.domain))


def disabled(spec: ClusterSpec) -> tuple[str, ...]:
    """Parts of K3s that are left out; its Traefik is only there where the spec has it among the apps."""
    return config.NOT_WANTED if spec.app("traefik") else (*config.NOT_WANTED, "traefik")


def config_of(spec: ClusterSpec, machine: MachineSpec, role: Role, inputs: str) -> str:
    """The configuration of a node.

    Args:
        spec: what is wanted.
        machine: the guest.
        role: what it is in K3s.
        inputs: digest of everything else its process reads.
    """
    node = config.NodeConfig(machine.name, machine.address, machine.host, inputs)
    if role == "agent":
        return config.agent_text(node, spec.network.api_vip)
    server = config.ServerConfig(
        endpoints(spec, machine),
        server_names(spec),
        spec.network.pod_cidr,
        spec.network.service_cidr,
        disabled(spec),
    )
    return config.server_text(node, server)


def plain_files(spec: ClusterSpec, role: Role) -> list[MemberFile]:
    """What holds no secret and needs none, configuration aside."""
    return [
        MemberFile(unit_path(role), Secret(unit_text(spec.name, role))),
        MemberFile(SHUTDOWN, Secret(shutdown_text())),
        MemberFile(LOGIND, Secret(logind_text())),
    ]


def secret_files(secrets: Secrets, role: Role) -> list[MemberFile] | None:
    """Tokens, and a server's keys to etcd; None where one was not made yet."""
    token, agents = secrets.get(TOKEN), secrets.get(AGENT_TOKEN)
    if token is None or agents is None:
        return None
    files = [MemberFile(config.AGENT_TOKEN, _line(agents), "600")]
    if role == "agent":
        return files
    client = kept(secrets, CLIENT)
    if client is None or not trusted(secrets):
        return None
    return [
        MemberFile(config.TOKEN, _line(token), "600"),
        *files,
        MemberFile(config.AUTHORITY, Secret(trusted(secrets))),
        MemberFile(config.CERTIFICATE, Secret(client.certificate), "600"),
        MemberFile(config.KEY, client.key, "600"),
    ]


def _line(secret: Secret) -> Secret:
    return Secret(f"{secret.reveal()}\n")


def wanted_files(spec: ClusterSpec, machine: MachineSpec, role: Role, secrets: Secrets) -> list[MemberFile]:
    """Every file of a node but those with secrets that are not made yet; its configuration first."""
    others = [*plain_files(spec, role), *(secret_files(secrets, role) or ())]
    told = "\0".join([spec.k3s.version, *(f"{file.path} {file.content.reveal()}" for file in others)])
    inputs = hashlib.sha256(told.encode()).hexdigest()[:16]
    text = config_of(spec, machine, role, inputs)
    return [MemberFile(config.CONFIG, Secret(text), "600"), *others]


def all_files(spec: ClusterSpec, machine: MachineSpec, role: Role, secrets: Secrets) -> list[MemberFile]:
    """Everything `do/k3s-configure` brings to a node.

    Raises:
        WizardError: its tokens or keys are gone from our secrets since the plan was made.
    """
    if secret_files(secrets, role) is None:
        raise WizardError(
            f"The tokens and keys of {machine.name} are not among the secrets.",
            where=f"{TOKEN}, {AGENT_TOKEN}, {CLIENT}.crt",
            why="They were made a moment ago; somebody took the file of secrets away meanwhile.",
            do="wizard apply",
        )
    return wanted_files(spec, machine, role, secrets)


def differing(node: Node, spec: ClusterSpec, lineage: str, secrets: Secrets) -> list[str]:
    """The paths on a node that are not as they shall be, our mark among them."""
    return list(_differing(node, spec, lineage, secrets))


def _differing(node: Node, spec: ClusterSpec, lineage: str, secrets: Secrets) -> Iterator[str]:
    seen = node.seen
    if not lineage or seen.node.lineage != lineage or seen.node.name != node.name:
        yield config.MARK
    for file in wanted_files(spec, node.machine, node.role, secrets):
        if not as_wanted(seen.files.get(file.path), file):
            yield file.path
    if secret_files(secrets, node.role) is None:
        yield config.AGENT_TOKEN
    other: Role = "agent" if node.role == "server" else "server"
    if unit_path(other) in seen.files:
        yield unit_path(other)


def outdated(node: Node, spec: ClusterSpec, secrets: Secrets) -> bool:
    """Whether the process was started with anything else than what is wanted: program, files or tokens."""
    wanted = wanted_files(spec, node.machine, node.role, secrets)[0].content.reveal()
    return node.seen.texts.get(RUNNING_CONFIG, "") != wanted
