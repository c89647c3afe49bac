"""Faults of the lab: named ways to break a host, each with a way back. The names are shared with practice."""

from __future__ import annotations

from collections.abc import Callable

from wizard.core.dataclass import dataclass
from wizard.core.errors import UsageError, WizardError
from wizard.lab import breakage, containers, strangers
from wizard.lab.docker import docker, states
from wizard.lab.hosts import HOSTS, LabHost, host_named
from wizard.lab.images import Say
from wizard.lab.store import Store

Act = Callable[[Store, LabHost, str], None]
"""Does or undoes a fault; the last argument is its value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One named way to break a host."""

    name: str
    """As in `assets/faults.yaml`, which also says what it does."""
    add: Act
    clear: Act
    usual: str = ""
    """The value where none is given."""
    outlives_reset: bool = False
    """Whether it is still there after the host was stopped or killed and started again."""


def _stop(store: Store, host: LabHost, _value: str) -> None:
    docker("stop", containers.container(store, host.name))


def _kill(store: Store, host: LabHost, _value: str) -> None:
    docker("kill", containers.container(store, host.name))


def _start(store: Store, host: LabHost, _value: str) -> None:
    containers.start(store, host)
    containers.wait_ready(store, host)
    breakage.drop_helpers(store, host)
    store.faults[host.name] = [
        name for name in store.faults.get(host.name, []) if FAULTS[name].outlives_reset
    ]


def _pause(store: Store, host: LabHost, _value: str) -> None:
    docker("pause", containers.container(store, host.name))


def _unpause(store: Store, host: LabHost, _value: str) -> None:
    containers.start(store, host)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("host-stopped", _stop, _start),
        Fault("host-killed", _kill, _start),
        Fault("host-paused", _pause, _unpause),
        Fault("link-cut", breakage.cut, breakage.join),
        Fault("link-slow", breakage.slow, breakage.free, "1mbit"),
        Fault(
            "link-delayed",
            breakage.delay,
            breakage.undelay,
            "400",
        ),
        Fault(
            "link-lossy",
            breakage.lose,
            breakage.keep,
            "5",
        ),
        Fault(
            "disk-full",
            *breakage.scripted("disk-full"),
        ),
        Fault(
            "disk-slow",
            *breakage.scripted("disk-slow"),
            "20",
        ),
        Fault(
            "disk-missing",
            *breakage.scripted("disk-missing"),
            "sda",
        ),
        Fault(
            "clock-skewed",
            *breakage.scripted("clock-skewed"),
            "+90s",
        ),
        Fault(
            "host-key-changed",
            *breakage.scripted("host-key-changed"),
            outlives_reset=True,
        ),
        Fault("ssh-down", *breakage.scripted("ssh-down")),
        Fault(
            "microk8s-present",
            *breakage.scripted("microk8s-present", "listen"),
        ),
        Fault(
            "k3s-present",
            *breakage.scripted("k3s-present", "listen"),
        ),
        Fault(
            "kubeadm-present",
            *breakage.scripted("kubeadm-present", "listen"),
        ),
        Fault(
            "swarm-present",
            *breakage.scripted("swarm-present"),
            outlives_reset=True,
        ),
        Fault(
            "foreign-etcd",
            breakage.other_etcd,
            breakage.scripted("foreign-etcd")[1],
        ),
        Fault(
            "port-53-taken",
            *breakage.scripted("port-53-taken"),
        ),
        Fault(
            "foreign-address",
            strangers.take_address,
            strangers.leave_address,
            strangers.API,
        ),
        Fault(
            "rogue-dhcp",
            strangers.serve_dhcp,
            strangers.stop_dhcp,
            strangers.POOL,
        ),
        Fault(
            "vrrp-twice",
            strangers.lead_twice,
            strangers.stop_leading,
            strangers.GROUP,
        ),
    )
}
"""By name, in the order in which they are told."""


def known_host(name: str) -> LabHost:
    """The host of that name.

    Raises:
        UsageError: there is none.
    """
    found = host_named(name)
    if found:
        return found
    raise UsageError(
        f"The lab has no host {name!r}.",
        where="HOST",
        why="its hosts are " + ", ".join(host.name for host in HOSTS),
        do="wizard lab status",
    )


def known_fault(name: str) -> Fault:
    """The fault of that name.

    Raises:
        UsageError: there is none.
    """
    if name in FAULTS:
        return FAULTS[name]
    raise UsageError(
        f"There is no fault {name!r}.",
        where="NAME",
        why="the faults are " + ", ".join(FAULTS),
        do="wizard lab fault list",
    )


def add(store: Store, name: str, host: str, value: str, say: Say) -> None:
    """Set a fault; one that is set already stays as it is.

    Args:
        store: of the lab.
        name: of the fault.
        host: name of the host.
        value: a rate, delay, path or offset; empty = the usual one.
        say: tells a person what was done.

    Raises:
        UsageError: no such fault or host, or the host is not up.
        LabError: it could not be set.
    """
    fault, target = known_fault(name), known_host(host)
    if name in store.faults.get(host, []):
        say(f"{host}: {name} is set already")
        return
    _require_running(store, target)
    value = value or fault.usual or breakage.wizard_folder(target)
    store.faults.setdefault(host, []).append(name)
    store.values[f"{host}/{name}"] = value
    store.save()  # before it is done: a run killed in between is mended by clear
    try:
        fault.add(store, target, value)
    except WizardError:
        _forget(store, name, host)
        raise
    say(f"{host}: {name} set; back with: wizard lab fault clear {name} {host}")


def clear(store: Store, name: str, host: str, say: Say) -> None:
    """Take a fault back; one that is not set is no error.

    Args:
        store: of the lab.
        name: of the fault.
        host: name of the host.
        say: tells a person what was done.

    Raises:
        UsageError: no such fault or host.
        LabError: it could not be taken back.
    """
    fault, target = known_fault(name), known_host(host)
    if name not in store.faults.get(host, []):
        say(f"{host}: {name} is not set")
        return
    fault.clear(store, target, store.values.get(f"{host}/{name}", ""))
    _forget(store, name, host)
    say(f"{host}: {name} cleared")


def clear_all(store: Store, say: Say) -> None:
    """Take every fault back, the last one set first."""
    for host, set_ones in list(store.faults.items()):
        while set_ones := store.faults.get(host, []):
            clear(store, set_ones[-1], host, say)


def settle(store: Store, say: Say) -> None:
    """Take back what is set, whatever state the hosts are in: what `up` begins with.

    Raises:
        LabError: a fault could not be taken back.
    """
    known = states(store.id)
    for host in HOSTS:
        if known.get(containers.container(store, host.name)) in {"running", "paused"}:
            for name in reversed(store.faults.get(host.name, [])):
                clear(store, name, host.name, say)
        else:
            breakage.drop_helpers(store, host)
            store.faults[host.name] = []
    store.save()


def _forget(store: Store, name: str, host: str) -> None:
    store.faults[host] = [other for other in store.faults.get(host, []) if other != name]
    store.values.pop(f"{host}/{name}", None)
    store.save()


def _require_running(store: Store, host: LabHost) -> None:
    state = states(store.id).get(containers.container(store, host.name), "absent")
    if state == "running":
        return
    raise UsageError(
        f"{host.name} is not running, so it cannot be broken.",
        where=host.name,
        why=f"its container is {state}",
        do=("wizard lab status", "wizard lab up"),
    )
