"""The backup of etcd on simulated hosts: a member makes one when it is told or when it is due, a hypervisor keeps it."""

from __future__ import annotations

import hashlib
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from posixpath import dirname

from wizard.core.host import Args
from wizard.core.secret import Secret
from wizard.payload.etcd_backup import (
    KEY,
    KNOWN_HOSTS,
    NAME,
    RECIPIENT,
    SCRIPT,
    SERVICE,
    TIMER,
    TOKEN,
    made_at,
)
from wizard.payload.schedule import longest_pause
from wizard.payload.ssh_keys import public_of
from wizard.practice.answer import Answer
from wizard.practice.etcd_process import settle
from wizard.practice.etcd_read import world_of
from wizard.practice.etcd_scripts import bundled
from wizard.practice.guest_scripts import space_of
from wizard.practice.machine import File, Machine

NOTES = "/var/lib/wizard/etcd-backup"
FILES = (SCRIPT, SERVICE, TIMER, RECIPIENT, TOKEN, KEY, KNOWN_HOSTS)
SNAPSHOT_BYTES = 25 * 2**20
"""What the database of a small cluster comes to."""

_LINE = re.compile(r'restrict,command="sh \S+ (.+) (\S+) (\S+) (\d+)" (\S+ \S+) (\S+) \S+ \S+')
"""Folder, cluster, member, how many are kept, the key, and the mark, see `authorized_line`."""


# --- what is told


def backup(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """read/backup: its files, its timer, and how the last one ended."""
    _make_up_for(machine)
    lines = ["== files", *(f"|{line}" for line in machine.listed(FILES))]
    on = NAME in machine.timers
    lines += ["== timer", *(_unit("active", "waiting", "enabled") if on else _unit("inactive", "dead", ""))]
    static = "static" if SERVICE in machine.files else ""
    failed = f"{NOTES}/failed" in machine.files
    ended = _unit("failed", "failed", static, "exit-code") if failed else _unit("inactive", "dead", static)
    lines += ["== service", *ended, "== notes"]
    for note in ("last", "failed"):
        if found := machine.files.get(f"{NOTES}/{note}"):
            lines.append(f"|{note}={found.content.decode().strip()}")
    return Answer("\n".join([*lines, "== end", ""]))


def _unit(active: str, sub: str, enabled: str, result: str = "success") -> Iterator[str]:
    yield from (
        f"|ActiveState={active}",
        f"|SubState={sub}",
        f"|Result={result}",
        f"|UnitFileState={enabled}",
    )


def store(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/backup-store: the folder and its room, who is admitted, what lies there."""
    if machine.world is not None:
        for other in machine.world.machines.values():
            _make_up_for(other)
    lines = ["== store", *(f"|{line}" for line in _store(machine, args))]
    if machine.has_folder(args["folder"]):
        lines += ["|folder=yes", "== backups"]
        kept = _inside(machine, args["folder"])
        lines += [f"|{path.rpartition('/')[2]} {machine.files[path].size}" for path in kept]
    lines.append("== keys")
    for line in _admitted(machine, args):
        digest = hashlib.sha256(f"{line}\n".encode()).hexdigest()
        lines.append(f"|{line.rpartition(' ')[2]} {digest}")
    return Answer("\n".join([*lines, "== end", ""]))


def _store(machine: Machine, args: Args) -> Iterator[str]:
    yield f"now={time.time() + machine.skew:.0f}"
    yield f"hostkey={host_key(machine)}"
    if found := machine.files.get(args["script"]):
        yield f"script={found.digest}"
    if machine.has_folder(args["target"]):
        _, size, free = space_of(machine, args["target"])
        free = 0 if machine.is_full(f"{args['folder']}/x") else free
        yield from ("target=yes", "filesystem=ext2/ext3", f"size={size * 1024}", f"free={free * 1024}")


def host_key(machine: Machine) -> str:
    """The host's own, as far as anybody can tell."""
    return b64encode(hashlib.sha256(f"host key of {machine.name}".encode()).digest()).decode()


def _inside(machine: Machine, folder: str) -> list[str]:
    return sorted(path for path in machine.files if dirname(path) == folder and path.endswith(".tar.cms"))


def _keys_file(machine: Machine, args: Args) -> str:
    if machine.unraid:
        return "/boot/config/ssh/root/authorized_keys"
    home = "/root" if args["user"] == "root" else f"/home/{args['user']}"
    return f"{home}/.ssh/authorized_keys"


def _admitted(machine: Machine, args: Args) -> list[str]:
    found = machine.files.get(_keys_file(machine, args))
    lines = found.content.decode().splitlines() if found else []
    return [line for line in lines if line.split()[-3:-1] == [NAME, args["cluster"]]]


# --- what is done


def admit(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/backup-store."""
    keys = _keys_file(machine, args)
    ours = _admitted(machine, args)
    others = [line for line in _lines(machine, keys) if line not in ours]
    if args["action"] == "refuse":
        if keys in machine.files:
            machine.files[keys] = File("".join(f"{line}\n" for line in others).encode(), 0o600)
        machine.files.pop(args["script"], None)
        return Answer("no backups are taken in\n")
    text = payload.decode()
    if not text.endswith("== end\n"):
        return Answer("the files did not arrive whole\n", 5)
    if not machine.has_folder(args["target"]):
        return Answer(f"there is no folder {args['target']}\n", 3)
    if not machine.has_folder(args["folder"]):
        if any(args["folder"] in line for line in ours):
            return Answer(f"the folder {args['folder']} is gone: is the share mounted?\n", 4)
        machine.folders.add(args["folder"])
    files = dict(bundled(text))
    wanted = files.pop("keys").content
    machine.files.update(files)
    machine.files[keys] = File("".join(f"{line}\n" for line in others).encode() + wanted, 0o600)
    return Answer(f"backups of {args['cluster']} are taken in\n")


def _lines(machine: Machine, path: str) -> list[str]:
    found = machine.files.get(path)
    return found.content.decode().splitlines() if found else []


def run(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """do/backup-run."""
    if SERVICE not in machine.files:
        unit = f"{NAME}.service"
        return Answer(f"failed Failed to start {unit}: Unit {unit} not found.\n")
    _make(machine)
    failed = machine.files.get(f"{NOTES}/failed")
    if failed:
        return Answer(f"failed {failed.content.decode().strip().partition(' ')[2]}\n")
    return Answer(f"kept {machine.files[f'{NOTES}/last'].content.decode().strip().partition(' ')[2]}\n")


def _make_up_for(machine: Machine) -> None:
    """Make a backup where one is due: the timer did so meanwhile, or does as soon as the guest is on."""
    if NAME not in machine.timers or not machine.alive or TIMER not in machine.files:
        return
    found = re.search(
        r"^Description=Back up etcd: (.*)$", machine.files[TIMER].content.decode(), re.MULTILINE
    )
    notes = (machine.files.get(f"{NOTES}/{note}") for note in ("last", "failed"))
    newest = max((int(note.content.split()[0]) for note in notes if note), default=0)
    if found and newest and time.time() - newest > longest_pause(found[1]):
        _make(machine)


def _make(machine: Machine) -> None:
    """A backup, or why there is none: noted on the member either way."""
    *_, cluster, member, url = machine.files[SERVICE].content.decode().partition("\nTimeout")[0].split()
    name = f"etcd-{cluster}-{member}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.cms"
    now = int(time.time())
    settle(world_of(machine))
    reason = (
        _hand_in(machine, url, member, name)
        if machine.etcd.ready
        else "no snapshot: context deadline exceeded"
    )
    if reason:
        machine.files[f"{NOTES}/failed"] = File(f"{now} {reason}\n".encode(), 0o600)
    else:
        machine.files[f"{NOTES}/last"] = File(f"{now} {name} {SNAPSHOT_BYTES}\n".encode(), 0o600)
        machine.files.pop(f"{NOTES}/failed", None)


def _hand_in(machine: Machine, url: str, member: str, name: str) -> str:
    """Why the other host does not take it; empty where it does."""
    there = re.fullmatch(r"ssh://(.+)@(.+):(\d+)", url)
    assert there is not None, url
    address = there[2]
    keeper = world_of(machine).at(address)
    refused = f"{url} did not take it:"
    if keeper is None:
        return f"{refused} ssh: connect to host {address} port {there[3]}: No route to host"
    if f" {host_key(keeper)}\n" not in machine.files[KNOWN_HOSTS].content.decode():
        return f"{refused} Host key verification failed."
    own = public_of(Secret(machine.files[KEY].content.decode()))
    keys = _lines(keeper, _keys_file(keeper, {"user": there[1]}))
    line = next((found for found in map(_LINE.fullmatch, keys) if found and found[5] == own), None)
    if line is None:
        return f"{refused} {there[1]}@{address}: Permission denied (publickey)."
    folder, cluster = line[1].strip("'"), line[2]
    if not keeper.has_folder(folder):
        return f"{refused} there is no folder {folder}"
    if keeper.is_full(f"{folder}/x"):
        return f"{refused} it cannot be written to {folder}: is it full?"
    keeper.files[f"{folder}/{name}"] = File(b"practice backup of etcd\n", 0o600, length=SNAPSHOT_BYTES)
    ours = [path for path in _inside(keeper, folder) if made_at(path.rpartition("/")[2], cluster, member)]
    for path in ours[: -int(line[4])]:
        del keeper.files[path]
    return ""
