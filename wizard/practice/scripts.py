"""What each remote script does to a simulated host. A script without a handler here cannot be used by a step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from posixpath import dirname

from wizard.core.host import Args, Operation, OpStatus
from wizard.practice import backup_scripts as backups
from wizard.practice import etcd_read, k3s_read
from wizard.practice import etcd_scripts as etcd
from wizard.practice import guest_scripts as guest
from wizard.practice import k3s_scripts as k3s
from wizard.practice import keepalived_scripts as keepalived
from wizard.practice import node_scripts as node
from wizard.practice import package_scripts as packages
from wizard.practice.answer import Answer, Handler
from wizard.practice.facts import facts
from wizard.practice.kube_admin import admin_file
from wizard.practice.machine import File, Machine
from wizard.practice.present import present
from wizard.practice.timer_scripts import timer
from wizard.practice.upload import put
from wizard.practice.wire_scripts import wire
from wizard.practice.witness_scripts import fsync, witness

__all__ = ["HANDLERS", "Answer", "Handler"]

BUSY, FOREIGN, NEWER, TAKEN = 75, 76, 77, 79
"""Exit codes of lib/runlock."""


def marker(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """Leave the marker; one of another lineage stays. What it prints on stderr is part of an operation's output."""
    there = machine.marker()
    path = machine.marker_path
    if there and there.get("lineage") != args["lineage"]:
        return Answer(f"the marker {path} belongs to another cluster: {there.get('name', '')}\n", 3)
    if machine.is_full(path):
        return Answer(f"no room left on {dirname(path)}: 0 KiB free\n", 1)
    text = f"name={args['name']}\nlineage={args['lineage']}\nserial={args['serial']}\n"
    machine.files[path] = File(text.encode())
    return Answer(text)


def operation(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """Where an operation stands, and a piece of what it printed."""
    seen = machine.operations.get(args["op"], Operation(args["op"], OpStatus.ABSENT))
    code = "-" if seen.exit_code is None else str(seen.exit_code)
    output = seen.output.encode()
    piece = output[int(args["offset"]) :][: int(args["max"])]
    return Answer(f"{seen.status} {code} {len(output)}\n{piece.decode('utf-8', 'replace')}")


def runlock(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """Whether the run lock can be had. A marker of ours is raised to our serial; to hold it is the caller's matter."""
    last = f"run={machine.lock_run}\nholder={machine.lock_holder}\nsince={machine.lock_since}\n"
    if machine.locked:
        return Answer(f"busy\n{last}", BUSY)
    if args["again"] == "yes" and machine.lock_run not in ("", args["run"]):
        return Answer(f"taken\n{last}", TAKEN)
    there = machine.marker()
    if there and there["lineage"] != args["lineage"]:
        return Answer(f"foreign\nname={there['name']}\nlineage={there['lineage']}\n", FOREIGN)
    if there and int(there["serial"]) > int(args["serial"]):
        return Answer(f"newer\nserial={there['serial']}\n", NEWER)
    if there:
        text = f"name={there['name']}\nlineage={there['lineage']}\nserial={args['serial']}\n"
        machine.files[machine.marker_path] = File(text.encode())
    machine.lock_run, machine.lock_holder = args["run"], args["holder"]
    machine.lock_since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return Answer("held\n")


HANDLERS: Mapping[str, Handler] = {
    "read/facts": facts,
    "read/operation": operation,
    "read/guests": guest.guests,
    "read/guest-boot": guest.guest_boot,
    "read/etcd": etcd_read.etcd,
    "read/witness": witness,
    "read/present": present,
    "read/wire": wire,
    "read/packages": packages.packages,
    "read/keepalived": keepalived.keepalived,
    "read/k3s-before": node.before,
    "read/k3s-admin": admin_file,
    "read/k3s": k3s_read.k3s,
    "read/backup": backups.backup,
    "read/backup-store": backups.store,
    "do/marker": marker,
    "do/guest-folder": guest.folder,
    "do/guest-create": guest.create,
    "do/guest-unpack": guest.unpack,
    "do/guest-seal": guest.seal,
    "do/guest-start": guest.start_guest,
    "do/guest-autostart": guest.autostart,
    "do/guest-define": guest.define,
    "do/guest-remove": guest.remove,
    "do/packages": packages.install,
    "do/keepalived-configure": keepalived.configure,
    "do/etcd-install": etcd.install,
    "do/etcd-package": etcd.package,
    "do/etcd-configure": etcd.configure,
    "do/etcd-start": etcd.start,
    "do/etcd-aside": etcd.aside,
    "do/etcd-member": etcd.member,
    "do/etcd-leave": etcd.leave,
    "do/etcd-prove": etcd.prove,
    "do/timer": timer,
    "do/backup-store": backups.admit,
    "do/backup-run": backups.run,
    "do/etcd-auth": etcd.auth,
    "do/k3s-install": k3s.install,
    "do/k3s-configure": k3s.configure,
    "do/k3s-start": k3s.start,
    "do/witness-fsync": fsync,
    "lib/put": put,
    "lib/runlock": runlock,
}
"""By the name of the script."""
