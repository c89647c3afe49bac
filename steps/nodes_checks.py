"""What must hold of the nodes and of CoreDNS; doctor asks it again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from steps.address_seen import look_at_all
from steps.etcd_before import blind, ssh
from steps.k3s_checks import running as k3s_runs
from steps.k3s_seen import look as look_at_k3s
from steps.nodes_left import check as check_left
from steps.nodes_seen import Marks, look, look_at_dns, look_at_pods, wrong_marks, zones
from steps.parse.nodes import DnsSeen, NodeSeen
from wizard.core.check import Finding, Status, failed, passed, skipped, told, warned
from wizard.core.context import Context
from wizard.core.errors import HostError, RemoteError
from wizard.core.kubernetes import ApiUnreachableError
from wizard.core.spec.model import MachineSpec
from wizard.payload.k3s_config import ZONE
from wizard.payload.node_marks import dns_replicas

SECONDS = 120.0
"""A check may be the one that asks the API first, at each of its addresses in turn."""


def api(ctx: Context) -> Finding:
    """The API is ready, and lets us in."""
    try:
        found = look(ctx)
        if found is None:
            return blind(skipped("Not checked: there is no cluster yet."), "k3s.running")
        ready = ctx.kubernetes.ready()
        version = ctx.kubernetes.version()
    except ApiUnreachableError as error:
        return _silent(ctx, error)
    except HostError as error:
        return blind(skipped(f"Not checked: {error.what}"), "machines.answers")
    except RemoteError as error:
        return told(error)
    if not ready.ok:
        return failed(
            f"The Kubernetes API at {ready.address} is not ready.",
            evidence=f"its own checks that fail: {', '.join(ready.failing)}",
            cause="etcd behind it does not answer." if "etcd" in ready.failing else "It is still starting.",
            fix="wizard doctor etcd k3s-servers",
        )
    return passed(f"The API at {ready.address} is {version}.")


def _silent(ctx: Context, error: ApiUnreachableError) -> Finding:
    """Where a server says that its own API is ready, something between it and this machine is in the way."""
    well = [one.name for one in look_at_all(ctx) if one.seen.ready is not None and one.seen.ready.yes]
    if not well:
        return blind(skipped(f"Not checked: {error.what} ({error.why})"), "k3s.running")
    return failed(
        f"This machine cannot reach the Kubernetes API, though that of {' and '.join(well)} is ready.",
        evidence=error.why,
        cause="A firewall or a VPN between here and the servers drops port 6443, or another machine has the address.",
        fix="wizard doctor address.foreign address.one_owner",
    )


def ready(ctx: Context, *, machine: MachineSpec) -> Finding:
    """It is a node of the cluster, and its kubelet says that it is well."""

    def test(node: NodeSeen) -> Finding:
        if node.ready:
            return passed(f"{machine.name} is ready.")
        unit = "k3s" if machine.role == "server" else "k3s-agent"
        finding = failed(
            f"{machine.name} is not ready.",
            evidence=node.said or "condition Ready does not hold",
            cause="Its kubelet is silent: it has no network to the API, or has only just started."
            if "stopped posting" in node.said
            else "Its kubelet says so itself.",
            fix=f"{ssh(ctx.spec, machine.name)} journalctl -u {unit} -n 50",
        )
        return replace(finding, explained_by=_why_silent(ctx, machine))

    return _of_node(ctx, machine, test)


def labels(ctx: Context, *, machine: MachineSpec) -> Finding:
    """Its labels say where it dies and what it is for."""

    def test(node: NodeSeen) -> Finding:
        wrong = wrong_marks(ctx.spec, machine, node)
        if not wrong.labels:
            return passed(f"{machine.name} is a {machine.role} in zone {machine.host}.")
        return failed(
            f"The labels of {machine.name} are not as they shall be.",
            evidence=str(Marks(wrong.labels)),
            cause="They were not set yet, or somebody changed them.",
            fix="wizard apply",
        )

    return _of_node(ctx, machine, test)


def taints(ctx: Context, *, machine: MachineSpec) -> Finding:
    """Its taints keep away what has no business there."""

    def test(node: NodeSeen) -> Finding:
        wrong = wrong_marks(ctx.spec, machine, node)
        if not (wrong.missing or wrong.extra):
            return passed(f"{machine.name} takes the pods that are meant for a {machine.role}.")
        return failed(
            f"The taints of {machine.name} are not as they shall be.",
            evidence=str(Marks({}, wrong.missing, wrong.extra)),
            cause="They were not set yet, or somebody changed them.",
            fix="wizard apply",
        )

    return _of_node(ctx, machine, test)


def left(ctx: Context) -> Finding:
    """No node is left of a machine that is no longer in the spec; nodes of others are told of."""
    found = _seen(ctx)
    return found if isinstance(found, Finding) else check_left(ctx, found)


def dns(ctx: Context) -> Finding:
    """CoreDNS runs as often as there are zones for it, each pod in another one."""
    found = _seen(ctx)
    if isinstance(found, Finding):
        return found
    replicas = dns_replicas(ctx.spec)
    seen, pods = look_at_dns(ctx.kubernetes), look_at_pods(ctx.kubernetes)
    where = zones(found, pods)
    evidence = "; ".join(
        f"{pod.name} on {pod.node or 'no node'}{': ' + pod.said if pod.said else ''}" for pod in pods
    )
    if seen != DnsSeen(replicas, (ZONE,)):
        return failed(
            "CoreDNS is not spread over the hypervisors.",
            evidence=f"replicas {seen.replicas if seen else 0} of {replicas}; {evidence or 'no pod'}",
            cause="K3s brings it along once, on any node: with its hypervisor every name in the cluster would be lost.",
            fix="wizard apply",
        )
    if len(where) == replicas:
        return passed(f"CoreDNS answers from {' and '.join(where)}.")
    away = [node.name for node in found.values() if not node.ready]
    if where and away:
        finding = warned(
            f"CoreDNS answers from {' and '.join(where)} alone.",
            evidence=evidence,
            cause=f"{' and '.join(away)} is not ready; the other pod waits until a node there is.",
            fix="wizard doctor nodes.ready",
        )
        return blind(finding, "nodes.ready")
    return failed(
        f"CoreDNS answers from {len(where)} of {replicas} zones.",
        evidence=evidence or "no pod",
        cause="Its pods are not ready, or no node takes them.",
        fix="kubectl -n kube-system describe pods -l k8s-app=kube-dns",
    )


def _of_node(ctx: Context, machine: MachineSpec, test: Callable[[NodeSeen], Finding]) -> Finding:
    found = _seen(ctx)
    if isinstance(found, Finding):
        return found
    node = found.get(machine.name)
    if node is not None:
        return test(node)
    missing = failed(
        f"{machine.name} is no node of the cluster.",
        evidence=f"nodes: {', '.join(found) or 'none'}",
        cause="K3s on it did not join, or the node was removed by hand.",
        fix=f"{ssh(ctx.spec, machine.name)} systemctl restart {'k3s' if machine.role == 'server' else 'k3s-agent'}",
    )
    return replace(missing, explained_by=_why_silent(ctx, machine))


def _why_silent(ctx: Context, machine: MachineSpec) -> str:
    """The check below that fails for a node which the API does not hear; empty where all of them hold."""
    try:
        if not ctx.present(machine.name):
            return "machines.running"
        return "" if k3s_runs(ctx, look_at_k3s(ctx, machine)).status is Status.PASS else "k3s.running"
    except (HostError, RemoteError):
        return "machines.answers"


def _seen(ctx: Context) -> Mapping[str, NodeSeen] | Finding:
    """The nodes; or, where they cannot be seen, that another check says why."""
    try:
        found = look(ctx)
    except (HostError, RemoteError):
        found = None
    if found is None:
        return blind(skipped("Not checked: the Kubernetes API does not answer."), "nodes.api")
    return found
