"""The configuration file of one etcd member (domain.md 2.5), and what of it counts once the member has data."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.core.dataclass import dataclass

CONFIG = "/etc/etcd/etcd.yml"
PKI = "/etc/etcd/pki"
AUTHORITY = f"{PKI}/ca.crt"
CLIENT_PORT, PEER_PORT, METRICS_PORT = 2379, 2380, 2381

HEARTBEAT_MS, ELECTION_MS = 250, 2500
"""Safe for a slow disk on the Pi (domain.md 2.4); measuring is another step's business."""

QUOTA_BYTES = 2 * 1024**3
"""etcd's own default, said so that doctor and the config agree (domain.md 2.4)."""

BOOTSTRAP_KEYS = ("initial-cluster:", "initial-cluster-token:", "initial-cluster-state:")
"""What etcd reads only while it has no data."""


@dataclass(frozen=True, slots=True)
class EtcdConfig:
    """What one member is told."""

    name: str
    address: str
    base: str
    """Folder its data directory lies in."""
    members: Mapping[str, str]
    """Name to address of every member, itself included."""
    token: str
    """Unique for every cluster that is ever formed, so that members of two never mix."""
    joining: bool = False
    """The cluster is there already; otherwise it is formed by those who start now."""
    heartbeat_ms: int = HEARTBEAT_MS
    election_ms: int = ELECTION_MS
    unit: str = ""
    """Digest of the unit it runs under, so that the running process tells which one that is."""


def client_url(address: str) -> str:
    """Where clients reach a member."""
    return f"https://{address}:{CLIENT_PORT}"


def peer_url(address: str) -> str:
    """Where its peers reach a member."""
    return f"https://{address}:{PEER_PORT}"


def config_text(config: EtcdConfig) -> str:
    """The file as etcd reads it with --config-file, which makes it ignore every flag and environment variable."""
    peers = ",".join(f"{name}={peer_url(address)}" for name, address in config.members.items())
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply. Unit: {config.unit or "-"}
name: {config.name}
data-dir: {config.base}/data
listen-client-urls: {client_url(config.address)},{client_url("127.0.0.1")}
advertise-client-urls: {client_url(config.address)}
listen-peer-urls: {peer_url(config.address)}
initial-advertise-peer-urls: {peer_url(config.address)}
listen-metrics-urls: http://127.0.0.1:{METRICS_PORT}
initial-cluster: {peers}
initial-cluster-token: {config.token}
initial-cluster-state: {"existing" if config.joining else "new"}
heartbeat-interval: {config.heartbeat_ms}
election-timeout: {config.election_ms}
quota-backend-bytes: {QUOTA_BYTES}
auto-compaction-mode: periodic
auto-compaction-retention: "1h"
client-transport-security:
{_security()}peer-transport-security:
{_security()}log-level: info
"""


def _security() -> str:
    return f"""\
  cert-file: {PKI}/member.crt
  key-file: {PKI}/member.key
  trusted-ca-file: {AUTHORITY}
  client-cert-auth: true
"""


def in_force(text: str, *, bootstrapped: bool) -> str:
    """The part of a configuration that makes a difference.

    Args:
        text: of the file.
        bootstrapped: the member has data: what is only read without is left out.
    """
    lines = text.strip().splitlines()
    return "\n".join(line for line in lines if not (bootstrapped and line.startswith(BOOTSTRAP_KEYS)))
