"""What must hold on guests before anything of K3s is installed: it would break something, or start and fail later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from ipaddress import IPv4Network

from steps.discover import clocks_of, twins
from steps.etcd_before import blind, ssh
from steps.host_checks import time_fix
from steps.parse.k3s_before import BeforeSeen, parse_before
from wizard.core.check import Check, Finding, Level, When, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import HostFacts
from wizard.core.host import ScriptResult
from wizard.core.spec.model import MachineSpec

READ = "read/k3s-before"
READ_SECONDS = 30.0

MODULES = ("overlay", "br_netfilter")
"""What containers lie on, and what lets services see packets that cross a bridge (domain.md 1.6)."""

CGROUPS = ("cpu", "cpuset", "memory")
"""What `k3s check-config` asks for (domain.md 1.7)."""

EVERYWHERE = (6444, 10010, 10248, 10249, 10250, 10256)
"""TCP: the agent's own balancer, containerd's streams, the kubelet and its health, kube-proxy (domain.md 1.7)."""

ON_SERVERS = (6443, 10257, 10258, 10259)
"""TCP: the API, and the health of what else a server runs."""

CHECK_SECONDS = READ_SECONDS + 40
"""A check may be the one that asks for the facts first."""

Settled = Callable[[Context, MachineSpec], bool]
"""Whether a guest is a node of ours that is set up already: then nothing is in its way, and nothing is asked."""

Test = Callable[[Context, MachineSpec], Finding]


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """A check of one guest as data; `{name}` in the title is its name."""

    id: str
    title: str
    test: Test


def before_checks(nodes: Sequence[MachineSpec], settled: Settled) -> Iterator[Check]:
    """What is asked of guests that will be nodes, and of all of them together.

    Args:
        nodes: the guests.
        settled: tells which need not be asked any more.
    """
    if not nodes:
        return
    for each in BEFORE:
        for node in nodes:
            run = partial(_on, node=node, test=each.test, settled=settled)
            yield _check(each.id, each.title.format(name=node.name), run, node.name)
    yield _check("k3s.clocks", "Clocks of the nodes agree", partial(clocks, nodes=nodes, settled=settled))
    yield _check(
        "k3s.identity", "Every node is a machine of its own", partial(identity, nodes=nodes, settled=settled)
    )


def after_checks(nodes: Sequence[MachineSpec]) -> Iterator[Check]:
    """What stops nothing or may come back later, told by the facts, which are read anyway.

    Args:
        nodes: the guests.
    """
    if not nodes:
        return
    for each in AFTER:
        for node in nodes:
            run = partial(_on, node=node, test=each.test, settled=_never)
            title = each.title.format(name=node.name)
            yield Check(each.id, title, run, level=Level.WARNING, host=node.name, timeout=CHECK_SECONDS)
    run = partial(clocks, nodes=nodes, settled=_never)
    yield Check("k3s.clocks", "Clocks of the nodes agree", run, timeout=CHECK_SECONDS)


def _never(_ctx: Context, _node: MachineSpec) -> bool:
    return False


def _check(check: str, title: str, run: Callable[[Context], Finding], host: str = "") -> Check:
    return Check(check, title, run, When.BEFORE, Level.FATAL, host, timeout=CHECK_SECONDS)


def look(ctx: Context, node: MachineSpec) -> BeforeSeen:
    """A guest as it stands.

    Raises:
        HostError: it cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    return ctx.ask(node.name, READ, {"modules": " ".join(MODULES)}, timeout=READ_SECONDS, parse=_parsed)


def _parsed(answer: ScriptResult) -> BeforeSeen:
    return parse_before(answer.stdout)


def _on(ctx: Context, *, node: MachineSpec, test: Test, settled: Settled) -> Finding:
    if not ctx.present(node.name):
        return blind(skipped(f"Not checked: {node.name} does not run."), "machines.running")
    if settled(ctx, node):
        return passed(f"{node.name} is a node of this cluster already.")
    return test(ctx, node)


def leftovers(ctx: Context, node: MachineSpec) -> Finding:
    """No other Kubernetes was there: neither its data, nor its network."""
    seen, login = look(ctx, node), ssh(ctx.spec, node.name)
    if seen.embedded:
        return failed(
            f"K3s on {node.name} has a datastore of its own.",
            evidence=", ".join(seen.embedded),
            cause="K3s ran there before. With that folder it would start its embedded etcd again, not use ours.",
            fix=f"{login} mv {seen.embedded[0]} {seen.embedded[0]}.old   # if nobody needs it",
        )
    if seen.lineage or seen.others:
        whose = f"mark of the cluster {seen.lineage}" if seen.lineage else ""
        return failed(
            f"{node.name} is, or was, a node of another cluster.",
            evidence=", ".join(filter(None, (whose, *seen.others))),
            cause="A Kubernetes was installed there. The wizard never deletes what it did not make.",
            fix=f"{login} ls -d {' '.join(seen.others) or '/etc/homelab/k3s'}   # remove it, or make the guest anew",
        )
    if seen.cni or seen.links:
        return failed(
            f"Another network plugin was on {node.name}.",
            evidence=", ".join((*seen.cni, *(f"interface {one}" for one in seen.links))),
            cause="What is left of it would take packets of pods that are meant for K3s' own network.",
            fix="\n".join(
                [
                    *(f"{login} rm {one}" for one in seen.cni),
                    *(f"{login} ip link delete {one}" for one in seen.links),
                ]
            ),
        )
    return passed(f"Nothing of another Kubernetes is on {node.name}.")


def ports(ctx: Context, node: MachineSpec) -> Finding:
    """Nobody listens where K3s will (row 66)."""
    wanted = (*EVERYWHERE, *(ON_SERVERS if node.role == "server" else ()))
    facts = ctx.facts(node.name)
    busy = [port for number in wanted for port in facts.listening(number)]
    if not busy:
        return passed(f"The ports K3s needs on {node.name} are free.")
    owner = busy[0].process or "a program that does not tell its name"
    return failed(
        f"Port {busy[0].port} of {node.name} is used by {owner}; K3s needs it.",
        evidence=", ".join(f"{one.protocol} {one.address}:{one.port} {one.process}".strip() for one in busy),
        cause="Another program was installed on the guest.",
        fix=f"{ssh(ctx.spec, node.name)} ss -lntp 'sport = :{busy[0].port}'   # stop that program",
    )


def cgroups(ctx: Context, node: MachineSpec) -> Finding:
    """The controllers that limit containers are on (rows 62, 67)."""
    on = look(ctx, node).cgroups
    if on is None:
        return skipped(f"{node.name} does not tell its cgroups.")
    lacking = [one for one in CGROUPS if one not in on]
    if not lacking:
        return passed(f"The cgroup controllers of {node.name}: {' '.join(on)}.")
    return failed(
        f"The cgroup controllers {', '.join(lacking)} of {node.name} are off.",
        evidence=f"on are {' '.join(on) or 'none'}",
        cause="The kernel was started without them, as on a Raspberry Pi by default.",
        fix="Add cgroup_memory=1 cgroup_enable=memory to the one line of /boot/firmware/cmdline.txt, then reboot"
        if lacking == ["memory"]
        else f"{ssh(ctx.spec, node.name)} cat /proc/cmdline   # remove cgroup_disable=, then reboot",
    )


def modules(ctx: Context, node: MachineSpec) -> Finding:
    """What containers and services need of the kernel is there, or can be loaded."""
    known = look(ctx, node).modules
    lacking = [name for name in MODULES if known.get(name) is False]
    if lacking:
        return failed(
            f"The kernel of {node.name} has no {', '.join(lacking)}.",
            evidence=f"modprobe -n {lacking[0]}: not found",
            cause="The kernel was updated and not started yet, or is cut down.",
            fix=f"{ssh(ctx.spec, node.name)} reboot",
        )
    unknown = [name for name in MODULES if known.get(name) is None]
    if unknown:
        return skipped(f"Whether the kernel of {node.name} has {', '.join(unknown)} could not be told.")
    return passed(f"The kernel of {node.name} has {', '.join(MODULES)}.")


def swap(ctx: Context, node: MachineSpec) -> Finding:
    """It swaps nothing out: a pod beyond its memory shall end, not slow all others down (row 67)."""
    total = ctx.facts(node.name).memory.swap_total
    if total is None:
        return skipped(f"{node.name} does not tell its swap.")
    if not total:
        return passed(f"{node.name} has no swap.")
    login = ssh(ctx.spec, node.name)
    return warned(
        f"{node.name} has {total / 2**20:.0f} MiB of swap.",
        evidence=f"SwapTotal {total // 1024} kB",
        cause="Somebody added a swap file: limits of memory no longer hold, and etcd's neighbours become slow.",
        fix=f"{login} swapoff -a   # and take its line out of /etc/fstab",
    )


def firewall(ctx: Context, node: MachineSpec) -> Finding:
    """No packet filter is between the nodes and their pods (row 67)."""
    known, net = ctx.facts(node.name).firewall, ctx.spec.network
    login = ssh(ctx.spec, node.name)
    inside = (net.cidr, net.pod_cidr, net.service_cidr)
    if known.ufw:
        fix = [f"{login} ufw allow from {one}" for one in inside]
    elif known.firewalld:
        fix = [
            *(f"{login} firewall-cmd --permanent --zone=trusted --add-source={one}" for one in inside),
            f"{login} firewall-cmd --reload",
        ]
    elif known.drops_input:
        fix = [f"{login} nft list ruleset   # let {' and '.join(inside)} in"]
    else:
        return passed(f"No firewall is on on {node.name}.")
    name = "ufw" if known.ufw else "firewalld" if known.firewalld else "a chain of nftables that drops"
    return warned(
        f"{name} on {node.name} may keep nodes and pods apart.",
        evidence=f"{name} is active",
        cause="Somebody switched a firewall on. K3s needs 6443 and 10250 (TCP) between nodes, and its pods' networks.",
        fix="\n".join(fix),
    )


def routes(ctx: Context, node: MachineSpec) -> Finding:
    """No other network uses the addresses of pods and services (row 28)."""
    net = ctx.spec.network
    wanted = {"network.pod_cidr": net.pod_cidr, "network.service_cidr": net.service_cidr}
    for key, cidr in wanted.items():
        way = next((one for one in look(ctx, node).routes if one.network.overlaps(IPv4Network(cidr))), None)
        if way is not None:
            return failed(
                f"{node.name} reaches {way.network} by {way.nic or 'a gateway'}; {key} is {cidr}.",
                evidence=f"ip route: {way.network} dev {way.nic or '-'}",
                cause="A VPN, docker or another network of yours has these addresses.",
                fix=f"Choose another {key} in cluster.yaml, before the first install: it cannot be changed later",
            )
    return passed(f"No other network of {node.name} overlaps {net.pod_cidr} or {net.service_cidr}.")


BEFORE = (
    NodeCheck("k3s.leftovers", "Nothing of another Kubernetes is on {name}", leftovers),
    NodeCheck("k3s.ports", "The ports K3s needs on {name} are free", ports),
    NodeCheck("k3s.cgroups", "{name} can limit what containers use", cgroups),
    NodeCheck("k3s.modules", "The kernel of {name} has what K3s needs", modules),
    NodeCheck("k3s.routes", "The networks of pods and services are free on {name}", routes),
)
"""What is asked of every guest that will be a node."""

AFTER = (
    NodeCheck("k3s.swap", "{name} does not swap", swap),
    NodeCheck("k3s.firewall", "No firewall on {name} is between the nodes", firewall),
)
"""What stops nothing, and is told of nodes and of those to come alike."""


# --- all of them together


def clocks(ctx: Context, *, nodes: Sequence[MachineSpec], settled: Settled) -> Finding:
    """Tokens and certificates made by one node are valid for the others at once (row 68)."""
    known = _facts(ctx, nodes, settled)
    if not known:
        return passed("Every node is set up already, or does not run.")
    by_name = {facts.host: facts for facts in known}

    def fix(name: str) -> str:
        facts = by_name.get(name)
        return time_fix(facts, ssh(ctx.spec, name)) if facts else "sudo timedatectl set-ntp true"

    return clocks_of(known, fix)


def identity(ctx: Context, *, nodes: Sequence[MachineSpec], settled: Settled) -> Finding:
    """No node is a copy of another, and none has another's name: K3s tells them apart by it (row 26)."""
    known = _facts(ctx, nodes, settled)
    for what, values, fix in (
        (
            "machine id",
            {one.host: one.machine_id for one in known},
            "rm /etc/machine-id && systemd-machine-id-setup",
        ),
        ("host name", {one.host: one.hostname for one in known}, "hostnamectl set-hostname {name}"),
    ):
        same = twins(values)
        if same:
            return failed(
                f"{' and '.join(same)} have the same {what}.",
                evidence=f"{what} {values[same[0]]}",
                cause="One was made as a copy of the other, or its name was changed by hand.",
                fix=f'{ssh(ctx.spec, same[-1])} "{fix.format(name=same[-1])}"',
            )
    return passed(f"{len(known)} nodes, each with a name and a machine id of its own.")


def _facts(ctx: Context, nodes: Sequence[MachineSpec], settled: Settled) -> list[HostFacts]:
    """Of the nodes that run; of none where all of them are set up, so that nothing is asked in vain."""
    present = [node for node in nodes if _there(ctx, node)]
    if all(settled(ctx, node) for node in present):
        return []
    found = [ctx.try_facts(node.name) for node in present]
    return [facts for facts in found if isinstance(facts, HostFacts)]


def _there(ctx: Context, node: MachineSpec) -> bool:
    try:
        return ctx.present(node.name)
    except (HostError, RemoteError):
        return False
