"""What would be in the way of K3s on a simulated guest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.facts import seen
from wizard.practice.machine import Machine

MARK = "/etc/homelab/k3s"
K3S = "/var/lib/rancher/k3s"
EMBEDDED = (f"{K3S}/server/db/etcd", f"{K3S}/server/db/state.db")
OTHERS = (
    f"{K3S}/server/tls",
    f"{K3S}/agent/serving-kubelet.crt",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/manifests",
    "/var/snap/microk8s/current",
    "/snap/microk8s/current",
    "/var/lib/k0s",
    "/var/lib/rancher/rke2",
)


def before(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/k3s-before: folders are there where a file lies in them."""
    rows = [*_leftovers(machine), f"cgroups={' '.join(machine.cgroups)}"]
    rows += [f"module_{name}={'no' if name in machine.lacks else 'yes'}" for name in args["modules"].split()]
    rows += [f"route={way}" for way in (*_own(machine), *machine.routes)]
    return Answer("".join(["== before\n", *(f"|{row}\n" for row in rows), "== end\n"]))


def _leftovers(machine: Machine) -> Iterator[str]:
    mark = machine.files.get(MARK)
    if mark is not None:
        lines = mark.content.decode().splitlines()
        yield from (line for line in lines if line.startswith("lineage="))
    yield from (f"embedded={path}" for path in EMBEDDED if _there(machine, path))
    yield from (f"other={path}" for path in OTHERS if _there(machine, path))
    yield from (f"cni={path}" for path in machine.files if path.startswith("/etc/cni/net.d/"))
    yield from (f"link={name}" for name in sorted(machine.links))


def _there(machine: Machine, path: str) -> bool:
    return any(file == path or file.startswith(f"{path}/") for file in machine.files)


def _own(machine: Machine) -> Iterator[str]:
    """The networks of its own addresses."""
    for line in seen(machine).get("addresses", ()):
        found = re.match(r"[0-9]+: (\S+) +inet ([0-9.]+)\.[0-9]+/24", line)
        if found:
            yield f"{found[2]}.0/24 {found[1]}"
