"""How the lab's faults are done and undone: scripts inside a host, and helpers beside it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

from wizard.core.errors import UsageError
from wizard.core.resources import asset_text
from wizard.lab import artifacts, containers, etcd, images, strangers
from wizard.lab.docker import LABEL, LabError, docker, try_docker
from wizard.lab.hosts import LabHost
from wizard.lab.store import Store

Act = Callable[[Store, LabHost, str], None]


def wizard_folder(host: LabHost) -> str:
    """Where the wizard keeps its things on a host: what `disk-full` fills unless told otherwise."""
    return "/boot/config/wizard" if host.platform == "unraid" else "/var/lib/wizard"


def scripted(name: str, *before: str) -> tuple[Act, Act]:
    """The two halves of a fault that a script inside the host does.

    Args:
        name: of the script under `assets/lab/fault`.
        before: scripts it uses functions of.
    """
    scripts = (*before, name)

    def act(verb: str) -> Act:
        return lambda store, host, value: _inside(store, host, scripts, verb, value)

    return act("add"), act("clear")


def _inside(store: Store, host: LabHost, scripts: tuple[str, ...], verb: str, value: str) -> None:
    text = "".join(asset_text(f"lab/fault/{name}.sh") for name in scripts).encode()
    containers.execute(store, host, "/bin/sh", "-s", verb, value, given=text)


def _helper(store: Store, net: str, *command: str, given: bytes = b"") -> str:
    """Run a command in a short-lived container that shares a network: the machine's, or a host's."""
    options = ["--rm", "-i", "--network", net, "--cap-add", "NET_ADMIN", "--label", f"{LABEL}={store.id}"]
    return docker("run", *options, images.tag("hypervisor"), *command, given=given)


def _machine_end(store: Store, host: LabHost, verb: str, *more: str) -> None:
    index = containers.execute(store, host, "cat", "/sys/class/net/eth0/iflink").strip()
    text = asset_text("lab/fault/link-machine.sh").encode()
    _helper(store, "host", "/bin/sh", "-s", verb, index, *more, given=text)


def cut(store: Store, host: LabHost, _value: str) -> None:
    """Pull the cable: the far end of the host's link goes down."""
    _machine_end(store, host, "cut")


def join(store: Store, host: LabHost, _value: str) -> None:
    """Put the cable back."""
    _machine_end(store, host, "join")


def slow(store: Store, host: LabHost, value: str) -> None:
    """Limit the link, each way by itself.

    Raises:
        UsageError: the value is no rate as `tc` knows it.
    """
    _expect(value, r"[1-9][0-9]*(k|m|g)bit", "a rate such as 256kbit or 1mbit")
    _machine_end(store, host, "slow", value)
    _inside(store, host, ("link-slow",), "add", value)


def free(store: Store, host: LabHost, _value: str) -> None:
    """Lift the limit of the link."""
    _machine_end(store, host, "free")
    _inside(store, host, ("link-slow",), "clear", "")


def _card(store: Store, host: LabHost, *words: str) -> None:
    net = f"container:{containers.container(store, host.name)}"
    _helper(store, net, "/bin/sh", "-s", *words, given=asset_text("lab/fault/link-lossy.sh").encode())


def lose(store: Store, host: LabHost, value: str) -> None:
    """Let some of the packets get lost, each way by itself.

    Raises:
        UsageError: the value is no percentage.
        LabError: the kernel has no hook for it at the card (nftables, Linux 5.16 or later).
    """
    _expect(value, r"[1-9][0-9]?", "percent of the packets, 1 to 99")
    _card(store, host, "add", value)


def keep(store: Store, host: LabHost, _value: str) -> None:
    """Lose no more packets."""
    _card(store, host, "clear")


def _delayer(store: Store, host: LabHost) -> str:
    return f"{containers.container(store, host.name)}-delay"


def delay(store: Store, host: LabHost, value: str) -> None:
    """Hold every packet of the host for half the value each way, in user space (no netem needed).

    Raises:
        UsageError: the value is no number of milliseconds.
        LabError: the helper did not start.
    """
    _expect(value, r"[1-9][0-9]{0,4}", "milliseconds, 1 to 99999")
    name = _delayer(store, host)
    try_docker("rm", "-f", name)
    docker(
        "run", "-d", "--name", name, "--network", f"container:{containers.container(store, host.name)}",
        "--cap-add", "NET_ADMIN", "--label", f"{LABEL}={store.id}", images.tag("hypervisor"),
        "python3", "-c", asset_text("lab/fault/delay.py"), value,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        said = try_docker("logs", name)
        if "ready" in said.out:
            return
        time.sleep(0.1)
    try_docker("rm", "-f", name)
    raise LabError(
        "The helper that delays packets did not start.",
        where=name,
        why=(said.err.strip().splitlines() or ["it said nothing"])[-1],
        do="wizard lab fault list",
    )


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def other_etcd(store: Store, host: LabHost, _value: str) -> None:
    """Start another etcd on a host: the program the lab has built.

    Raises:
        LabError: it could not be built, or did not come up.
    """
    artifacts.ensure(_tell)
    _inside(store, host, ("foreign-etcd",), "clear", "")
    folder = "/run/lab/foreign-etcd"
    receive = f"mkdir -p {folder} && cat >{folder}/etcd.tar.gz"
    containers.execute(store, host, "sh", "-c", receive, given=etcd.recipe().place.read_bytes())
    _inside(store, host, ("foreign-etcd",), "add", "")


def drop_helpers(store: Store, host: LabHost) -> None:
    """Remove what stood beside a host that was reset: its network is another one now."""
    try_docker("rm", "-f", _delayer(store, host))
    strangers.drop(store, host)


def undelay(store: Store, host: LabHost, _value: str) -> None:
    """Let packets pass at once again."""
    try_docker("rm", "-f", _delayer(store, host))
    net = f"container:{containers.container(store, host.name)}"
    _helper(store, net, "python3", "-c", asset_text("lab/fault/delay.py"), "off")


def _expect(value: str, pattern: str, meaning: str) -> None:
    if re.fullmatch(pattern, value):
        return
    raise UsageError(
        f"--value {value!r} does not fit this fault.",
        where="--value",
        why=f"it takes {meaning}",
        do="wizard lab fault list",
    )
