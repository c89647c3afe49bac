"""The scheduled backup of etcd: what lies on a member, where backups are kept, and who may hand one in."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from urllib.parse import urlsplit

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.core.secret import Secret
from wizard.payload.etcd_files import MemberFile
from wizard.payload.schedule import calendar

NAME = "wizard-etcd-backup"
"""Of the script, its units, and in the line of a key that may hand backups in."""

SCRIPT = f"/usr/local/sbin/{NAME}"
SERVICE = f"/etc/systemd/system/{NAME}.service"
TIMER = f"/etc/systemd/system/{NAME}.timer"
SETTINGS = "backup"
"""The folder below `/etc/homelab` that the script reads; root's alone."""

RECIPIENT, TOKEN, KEY, KNOWN_HOSTS = (
    f"/etc/homelab/{SETTINGS}/{name}" for name in ("recipient.pem", "token", "id_ed25519", "known_hosts")
)

RECEIVER, RECEIVER_UNRAID = "/usr/local/sbin/wizard-backup-receive", "/boot/config/wizard/backup-receive"
"""The script that takes backups in. Unraid keeps nothing but its flash drive over a reboot."""

SPREAD_SECONDS = 300
"""By how much the second member is later at most: two snapshots at once would be read at the disk's cost."""

_STAMP = r"(\d{8}T\d{6}Z)"


@dataclass(frozen=True, slots=True)
class Store:
    """Where the backups of a member are kept."""

    target: str
    """The folder that the spec names."""
    cluster: str
    user: str
    """Who is logged in as there."""
    address: str
    port: int = 22
    unraid: bool = False

    @property
    def folder(self) -> str:
        """Ours, in the target: where a share is not mounted there is a target, but not this."""
        return f"{self.target}/etcd-{self.cluster}"

    @property
    def receiver(self) -> str:
        """Where the script lies that takes backups in."""
        return RECEIVER_UNRAID if self.unraid else RECEIVER

    @property
    def url(self) -> str:
        """As ssh takes it for a destination."""
        return f"ssh://{self.user}@{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Handed:
    """What a member needs to hand its backups in."""

    cluster: str
    member: str
    url: str
    """Of the store."""
    host_key: str
    """The store's own, base64: whom the member trusts."""
    schedule: str
    recipient: str
    """The certificate that is encrypted to."""
    token: Secret
    """Of K3s: what the snapshot holds is encrypted by it."""
    key: Secret
    """The member's own, for nothing but this."""


def member_files(handed: Handed) -> tuple[MemberFile, ...]:
    """Script, units and settings of a member."""
    known = f"{_known_name(handed.url)} ssh-ed25519 {handed.host_key}\n"
    return (
        MemberFile(SCRIPT, Secret(asset_text("etcd/backup.sh")), "755"),
        MemberFile(SERVICE, Secret(service_text(handed.cluster, handed.member, handed.url))),
        MemberFile(TIMER, Secret(timer_text(handed.schedule))),
        MemberFile(RECIPIENT, Secret(handed.recipient)),
        MemberFile(TOKEN, Secret(f"{handed.token.reveal()}\n"), "600"),
        MemberFile(KEY, handed.key, "600"),
        MemberFile(KNOWN_HOSTS, Secret(known)),
    )


def _known_name(url: str) -> str:
    """The store as known_hosts names it."""
    parts = urlsplit(url)
    return f"{parts.hostname}" if parts.port in (None, 22) else f"[{parts.hostname}]:{parts.port}"


def service_text(cluster: str, member: str, url: str) -> str:
    """The service the timer starts.

    Args:
        cluster: its name.
        member: whose snapshot it is.
        url: of the store.
    """
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=Back up etcd, encrypted, with the token that reads it
After=etcd.service network-online.target

[Service]
Type=oneshot
ExecStart={SCRIPT} {cluster} {member} {url}
TimeoutStartSec=1800
Nice=10
IOSchedulingClass=idle
"""


def timer_text(schedule: str) -> str:
    """The timer; a time that was missed, because the guest was off, is made up for.

    Args:
        schedule: as the spec has it.
    """
    times = "\n".join(f"OnCalendar={each}" for each in calendar(schedule))
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=Back up etcd: {schedule}

[Timer]
{times}
Persistent=true
RandomizedDelaySec={SPREAD_SECONDS}
FixedRandomDelay=true

[Install]
WantedBy=timers.target
"""


def receiver_text() -> str:
    """The script that takes backups in."""
    return asset_text("etcd/backup-receive.sh")


def authorized_line(store: Store, member: str, keep: int, public: str) -> str:
    """The line of `authorized_keys` by which a member's key may hand in backups, and nothing else.

    Args:
        store: where they are kept.
        member: whose key it is.
        keep: how many of each member are kept.
        public: the key, `ssh-ed25519 AAAA...`, whatever comment follows.
    """
    words = ("sh", store.receiver, store.folder, store.cluster, member, str(keep))
    command = " ".join(map(shlex.quote, words)).replace("\\", "\\\\").replace('"', '\\"')
    key = " ".join(public.split()[:2])
    return f'restrict,command="{command}" {key} {NAME} {store.cluster} {member}'


def made_at(name: str, cluster: str, member: str) -> datetime | None:
    """When the backup of a member was made, by its name; None where it is no backup of this member.

    Args:
        name: of a file in the store.
        cluster: its name.
        member: whose backup it may be.
    """
    found = re.fullmatch(rf"etcd-{re.escape(cluster)}-{re.escape(member)}-{_STAMP}\.tar\.cms", name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
