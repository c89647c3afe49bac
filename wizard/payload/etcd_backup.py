"""The scheduled backup of etcd: its units, and who may hand a backup in."""

from __future__ import annotations

import re
import shlex

BACKUP_SCRIPT = "/usr/local/sbin/wizard-etcd-backup"
BACKUP_SERVICE = "/etc/systemd/system/wizard-etcd-backup.service"
BACKUP_TIMER = "/etc/systemd/system/wizard-etcd-backup.timer"
SETTINGS = "/etc/homelab/backup"

SPREAD_SECONDS = 300
"""By how much the second member is later at most: two snapshots at once would be read at the disk's cost."""

_WORDS = {"@hourly": "hourly", "@daily": "daily", "@weekly": "weekly", "@monthly": "monthly"}
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Of cron, where Sunday is 0 and 7."""


def calendar(schedule: str) -> tuple[str, ...]:
    """The expressions of systemd.time(7) that mean the same as a cron schedule.

    Cron runs on a day that fits either the day of the month or the weekday where both are given; systemd wants both.
    Such a schedule becomes two expressions.

    Args:
        schedule: five fields of numbers, lists, ranges and steps, or `@daily` and its like, as the spec checked it.
    """
    if schedule in _WORDS:
        return (_WORDS[schedule],)
    minute, hour, day, month, weekday = schedule.split()
    time = f"{_field(hour)}:{_field(minute)}:00"
    of_month = f"*-{_field(month, 1)}-{_field(day, 1)} {time}"
    of_week = f"{_weekdays(weekday)} *-{_field(month, 1)}-* {time}"
    if weekday == "*":
        return (of_month,)
    return (of_week,) if day == "*" else (of_month, of_week)


def _field(field: str, first: int = 0) -> str:
    return ",".join(_item(item, first) for item in field.split(","))


def _item(item: str, first: int) -> str:
    """`*/15` of cron begins with the first there is, and systemd wants that said; of `10-40/5` it knows the end too."""
    span, _, step = item.partition("/")
    if span == "*":
        return f"{first}/{step}" if step else "*"
    ends = "..".join(span.split("-"))
    return f"{ends}/{step}" if step else ends


def _weekdays(field: str) -> str:
    days: dict[str, None] = {}
    for item in field.split(","):
        found = re.fullmatch(r"(\*|\d)(?:-(\d))?(?:/(\d+))?", item)
        if found is None:
            raise ValueError(f"{item!r} is no weekday of cron")
        first = 0 if found[1] == "*" else int(found[1])
        last = 6 if found[1] == "*" else int(found[2] or first)
        days |= dict.fromkeys(_DAYS[number] for number in range(first, last + 1, int(found[3] or 1)))
    return ",".join(days)


def service_text(cluster: str, member: str, place: str) -> str:
    """The service the timer starts.

    Args:
        cluster: its name.
        member: whose snapshot it is.
        place: `USER@ADDRESS` of the hypervisor that keeps it.
    """
    return f"""\
# Written by the homelab wizard; changes by hand are undone by its next apply.
[Unit]
Description=Back up etcd, encrypted, with the token that reads it
After=etcd.service network-online.target

[Service]
Type=oneshot
ExecStart={BACKUP_SCRIPT} {cluster} {member} {place}
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


def authorized_line(script: str, folder: str, cluster: str, member: str, keep: int, public: str) -> str:
    """The line of `authorized_keys` by which a member's key may hand in backups, and nothing else.

    Args:
        script: where the receiving script lies on the hypervisor (a flash without execute permission will do).
        folder: backups are kept in.
        cluster: its name.
        member: whose key it is.
        keep: how many of each member are kept.
        public: the key, `ssh-ed25519 AAAA...`.
    """
    words = ("sh", script, folder, cluster, member, str(keep))
    command = " ".join(map(shlex.quote, words)).replace("\\", "\\\\").replace('"', '\\"')
    return f'restrict,command="{command}" {public} wizard-etcd-backup {cluster} {member}'
