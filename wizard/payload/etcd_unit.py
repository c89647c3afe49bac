"""The systemd unit etcd runs under."""

from __future__ import annotations

from wizard.payload.etcd_config import CONFIG

UNIT = "/etc/systemd/system/etcd.service"
RUNNING_CONFIG = "/run/etcd/etcd.yml"
"""The configuration the running process was started with; gone with it."""

MARK = "wizard"
"""Our mark beside the data directory: on the disk, so that it is not there while the disk is not mounted."""


def unit_text(cluster: str, base: str) -> str:
    """The unit of a member.

    It waits without a limit for a quorum, never starts without the disk its data lies on, and is started again
    whatever it ended with. Its priority is raised afterwards by a command that may fail: `Nice=` would keep it from
    starting in a container that lacks the right to.

    Args:
        cluster: its name, for those who look at the unit.
        base: folder its data directory lies in.
    """
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=etcd, a member of the cluster {cluster}
Documentation=https://etcd.io/docs/v3.6/
Wants=network-online.target
After=network-online.target time-sync.target
RequiresMountsFor={base}
StartLimitIntervalSec=0

[Service]
Type=notify
User=etcd
ExecStartPre=/usr/bin/test -f {base}/{MARK}
ExecStartPre=/usr/bin/cp {CONFIG} {RUNNING_CONFIG}
ExecStart=/usr/local/bin/etcd --config-file {CONFIG}
ExecStartPost=-+/usr/bin/renice -n -10 -p $MAINPID
RuntimeDirectory=etcd
Restart=always
RestartSec=5
TimeoutStartSec=infinity
TimeoutStopSec=60
IOSchedulingClass=best-effort
IOSchedulingPriority=0
LimitNOFILE=65536
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
"""
