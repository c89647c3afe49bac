"""The systemd units K3s runs under, and what lets a node that is shut down say goodbye to its pods."""

from __future__ import annotations

from typing import Literal

from wizard.payload.k3s_config import CONFIG

Role = Literal["server", "agent"]

BINARY = "/usr/local/bin/k3s"
NAMES: dict[Role, str] = {"server": "k3s.service", "agent": "k3s-agent.service"}
"""As K3s' own installer calls them."""

RUNNING_CONFIG = "/run/homelab-k3s/config.yaml"
"""The configuration the running process was started with; gone with it."""

SHUTDOWN = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/10-shutdown.conf"
LOGIND = "/etc/systemd/logind.conf.d/50-homelab-k3s.conf"

GRACE_SECONDS, CRITICAL_SECONDS = 60, 20
"""That a node gives its pods when it is shut down, and of these to the ones the node needs itself (domain.md 1.9)."""


def unit_path(role: Role) -> str:
    """Where a unit lies."""
    return f"/etc/systemd/system/{NAMES[role]}"


def unit_text(cluster: str, role: Role) -> str:
    """The unit of a server or an agent: that of K3s' installer (domain.md 1.6), with what is not needed left out.

    It is started again whatever it ended with and however often, and pods outlive it: only its own process is ended.
    Core dumps are left out: they would fill the disk of a guest.

    Args:
        cluster: its name, for those who look at the unit.
        role: `server` or `agent`.
    """
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=K3s, {"a server" if role == "server" else "an agent"} of the cluster {cluster}
Documentation=https://docs.k3s.io
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
EnvironmentFile=-/etc/default/%N
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStartPre=/usr/bin/cp {CONFIG} {RUNNING_CONFIG}
ExecStart={BINARY} {role}
RuntimeDirectory=homelab-k3s
KillMode=process
Delegate=yes
Restart=always
RestartSec=5s
TimeoutStartSec=0
LimitNOFILE=1048576
LimitNPROC=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""


def shutdown_text() -> str:
    """The kubelet's drop-in: without it a node that is shut down in order takes its pods along unasked."""
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
shutdownGracePeriod: {GRACE_SECONDS}s
shutdownGracePeriodCriticalPods: {CRITICAL_SECONDS}s
"""


def logind_text() -> str:
    """The drop-in of logind, which grants whoever delays a shutdown five seconds unless told otherwise."""
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Login]
InhibitDelayMaxSec={GRACE_SECONDS}
"""
