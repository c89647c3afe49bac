"""A script that a timer runs, on a simulated host."""

from __future__ import annotations

from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.etcd_process import settle
from wizard.practice.etcd_read import world_of
from wizard.practice.etcd_scripts import bundled
from wizard.practice.machine import Machine


def timer(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/timer: what the timers of etcd do is seen when it is next looked at."""
    name = args["name"]
    if args["action"] == "install":
        text = payload.decode()
        if not text.endswith("== end\n"):
            return Answer("the files did not arrive whole\n", 5)
        machine.files.update(bundled(text))
        machine.timers.add(name)
        settle(world_of(machine))
        return Answer(f"{name}.timer is on\n")
    machine.timers.discard(name)
    ours: tuple[str, ...] = (f"/usr/local/sbin/{name}", f"/etc/systemd/system/{name}.")
    if args["settings"]:
        ours = (*ours, f"/etc/homelab/{args['settings']}/")
    for path in [path for path in machine.files if path.startswith(ours)]:
        del machine.files[path]
    return Answer("removed\n")
