"""A limit of this machine that a lab meets: how many programs of one user may watch files at a time."""

from __future__ import annotations

from pathlib import Path

from wizard.lab.docker import names
from wizard.lab.images import Say
from wizard.lab.store import Store

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")

ENOUGH = 512
"""Watchers for three hosts and eight guests with a systemd each (about 12 apiece), twice. Debian's default is 128;
libvirtd then dies with "Unable to find default local file monitor type"."""


def make_room(store: Store, say: Say) -> None:
    """Raise the limit where it is too low and we may; `settle` puts it back.

    Args:
        store: remembers what it was.
        say: tells a person what was changed, or what to change.
    """
    try:
        now = int(INOTIFY.read_text())
    except (OSError, ValueError):
        return
    if now >= ENOUGH:
        return
    try:
        INOTIFY.write_text(str(ENOUGH))
    except OSError:
        say(
            f"machine: few file watchers ({now}); if libvirtd fails: sudo sysctl fs.inotify.max_user_instances={ENOUGH}"
        )
        return
    store.watchers = now
    store.save()
    say(
        f"machine: file watchers (fs.inotify.max_user_instances) raised from {now} to {ENOUGH} until `wizard lab down`"
    )


def settle(store: Store) -> None:
    """Put the limit back where this lab raised it, unless another lab's hosts still run."""
    if not store.watchers or names("container"):
        return
    try:
        if int(INOTIFY.read_text()) == ENOUGH:
            INOTIFY.write_text(str(store.watchers))
    except (OSError, ValueError):
        return
    store.watchers = 0
