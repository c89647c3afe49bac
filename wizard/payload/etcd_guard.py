"""The units of the timer that takes the lead of etcd back from a slow witness."""

from __future__ import annotations

from collections.abc import Sequence

NAME = "wizard-etcd-leader"
"""Of the script and its units."""

GUARD_SCRIPT = f"/usr/local/sbin/{NAME}"
GUARD_SERVICE = f"/etc/systemd/system/{NAME}.service"
GUARD_TIMER = f"/etc/systemd/system/{NAME}.timer"

EVERY_SECONDS = 60
"""How often it looks: a slow leader is bearable for so long."""

SPREAD_SECONDS = 20
"""By how much it looks later at most, so that two members do not move the lead at the same moment."""


def service_text(witnesses: Sequence[str]) -> str:
    """The service the timer starts.

    Args:
        witnesses: client URLs of the members that shall not lead.
    """
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=Take the lead of etcd back from a slow witness
After=etcd.service

[Service]
Type=oneshot
ExecStart={GUARD_SCRIPT} {" ".join(witnesses)}
TimeoutStartSec=90
"""


def timer_text() -> str:
    """The timer."""
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=Look once a minute who leads etcd

[Timer]
OnBootSec={2 * EVERY_SECONDS}
OnActiveSec={EVERY_SECONDS}
OnUnitInactiveSec={EVERY_SECONDS}
RandomizedDelaySec={SPREAD_SECONDS}
AccuracySec=1

[Install]
WantedBy=timers.target
"""
