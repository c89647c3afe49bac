"""How marks come to a node and CoreDNS to two zones: by the API, and each waited for until it holds."""

from __future__ import annotations

from steps.nodes_seen import look_at_dns, look_at_pods, patch, wrong_marks, zones
from steps.parse.nodes import parse_node
from wizard.core.context import Work
from wizard.core.errors import RESUMES, CancelledError, RemoteError
from wizard.core.kubernetes import DEPLOYMENT, NODE, ApiRefusedError
from wizard.core.spec.model import MachineSpec
from wizard.payload.node_marks import dns_document

TRIES = 5
"""How often a node is looked at anew when somebody changed it in between: kubelet and controllers do so now and then."""

CONFLICT = 409

DEPLOY_SECONDS = 180.0
"""How long K3s may take to make CoreDNS after its API came up; some seconds are usual."""

POD_SECONDS = 300.0
"""How long its pods may take to be ready: images are there, but a Pi or a full disk is not quick."""

SILENT_SECONDS = 120.0
"""How long a node whose machine is gone may still count as ready: Kubernetes waits 50 s for its kubelet, then says so."""

PAUSE = 2.0

COREDNS = "deployment kube-system/coredns"


def mark(work: Work, *, machine: MachineSpec) -> str:
    """Give a node its marks, by what it has at this moment.

    Args:
        work: of the change.
        machine: the node's guest.

    Returns:
        What was changed, in one line.

    Raises:
        ApiUnreachableError: nobody answers.
        RemoteError: there is no such node, or the API refused.
    """
    for left in reversed(range(TRIES)):
        found = work.kubernetes.get(NODE, machine.name)
        if found is None:
            raise _no_node(machine)
        node = parse_node(found)
        marks = wrong_marks(work.spec, machine, node)
        if not marks:
            return "it bears them already"
        try:
            work.kubernetes.patch(NODE, machine.name, patch(node, marks))
        except ApiRefusedError as error:
            if error.status != CONFLICT or not left:
                raise
            continue
        return str(marks)
    raise AssertionError("the last try returns or raises")


def spread_dns(work: Work, *, replicas: int) -> str:
    """Have CoreDNS as often as there are zones, and wait until a pod is ready in each.

    Args:
        work: of the change.
        replicas: how many pods.

    Returns:
        Where they are, in one line.

    Raises:
        ApiUnreachableError: nobody answers.
        RemoteError: they were not ready in time, or the API refused.
        CancelledError: the person lets go.
    """
    _await_deployment(work)
    work.kubernetes.apply(DEPLOYMENT, dns_document(replicas))
    until = work.clock() + POD_SECONDS
    while True:
        nodes = {one.name: parse_node(one) for one in work.kubernetes.list(NODE)}
        pods = look_at_pods(work.kubernetes)
        ready = zones(nodes, pods)
        if len(pods) == replicas == len(ready):
            return f"ready in {' and '.join(ready)}"
        why = next(
            (f"{pod.name}: {pod.said or 'not ready yet'}" for pod in pods if not pod.ready), "it is moving"
        )
        work.progress(f"CoreDNS is ready in {len(ready)} of {replicas} zones; {why}", len(ready) / replicas)
        if work.clock() > until:
            raise RemoteError(
                f"CoreDNS is not ready in {replicas} zones after {POD_SECONDS:.0f} s.",
                where=COREDNS,
                why=why,
                do=("kubectl -n kube-system describe pods -l k8s-app=kube-dns", "wizard apply"),
                again=RESUMES,
            )
        paused(work, "CoreDNS", COREDNS)


def _await_deployment(work: Work) -> None:
    until = work.clock() + DEPLOY_SECONDS
    while look_at_dns(work.kubernetes) is None:
        work.progress("K3s has not made CoreDNS yet", None)
        if work.clock() > until:
            raise RemoteError(
                "K3s did not make CoreDNS.",
                where=COREDNS,
                why=f"It is not there {DEPLOY_SECONDS:.0f} s after the API was asked; K3s makes it when it starts.",
                do=("wizard doctor k3s-servers", "wizard apply"),
                again=RESUMES,
            )
        paused(work, "CoreDNS", COREDNS)


def paused(work: Work, what: str, where: str) -> None:
    """Wait a moment before the next look.

    Args:
        work: of the change.
        what: is waited for: "CoreDNS".
        where: it is.

    Raises:
        CancelledError: the person lets go.
    """
    if work.cancelled.wait(PAUSE):
        raise CancelledError(
            f"Nobody waits for {what} any longer.",
            where=where,
            why="You let go; the cluster goes on by itself.",
            do="wizard apply",
            again=RESUMES,
        )


def _no_node(machine: MachineSpec) -> RemoteError:
    return RemoteError(
        f"The cluster has no node {machine.name}.",
        where="the Kubernetes API",
        why="K3s on that guest did not join, or the node was removed by hand while it ran.",
        do=(f"wizard doctor k3s-agents k3s-servers    # how K3s on {machine.name} is", "wizard apply"),
        again=RESUMES,
    )
