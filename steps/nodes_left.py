"""Nodes that the spec does not have: those whose machine left it go from the cluster, those of others are told of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from steps.nodes_seen import patch_to_cordon
from steps.nodes_work import SILENT_SECONDS, paused
from steps.parse.nodes import NodeSeen, parse_node
from wizard.core.change import Change
from wizard.core.check import Finding, passed, warned
from wizard.core.context import Context, Work
from wizard.core.errors import RESUMES, RemoteError
from wizard.core.kubernetes import NODE, SECRET
from wizard.core.spec.model import ClusterSpec
from wizard.payload.k3s_config import MACHINE
from wizard.payload.node_marks import ROLE, SHOWN_AS
from wizard.payload.node_password import PASSWORDS, password_secret


def strangers(spec: ClusterSpec, found: Mapping[str, NodeSeen]) -> tuple[list[NodeSeen], list[NodeSeen]]:
    """The nodes that the spec does not have: ours, whose machine left it, and those that somebody else added.

    Args:
        spec: of the cluster.
        found: the nodes of the API, by name.
    """
    wanted = {machine.name for machine in spec.nodes()}
    rest = [node for name, node in found.items() if name not in wanted]
    return [node for node in rest if MACHINE in node.labels], [
        node for node in rest if MACHINE not in node.labels
    ]


def only_one(spec: ClusterSpec, node: NodeSeen, found: Mapping[str, NodeSeen]) -> str:
    """The role that no other node has or will have, so that this one stays; empty where there is none.

    Args:
        spec: of the cluster.
        node: whose machine left the spec.
        found: the nodes of the API, by name.
    """
    coming = {SHOWN_AS[machine.role] for machine in spec.nodes()}
    there = {role for other in found.values() if other.name != node.name for role in _roles(other)}
    return next((role for role in _roles(node) if role not in coming | there), "")


def removals(spec: ClusterSpec, found: Mapping[str, NodeSeen], after: tuple[str, ...]) -> Iterator[Change]:
    """One a node of ours whose machine left the spec, unless it is the only one of its role.

    Args:
        spec: of the cluster.
        found: the nodes of the API, by name.
        after: keys of what must be done first: nodes that come in their place have their marks by then.
    """
    for node in strangers(spec, found)[0]:
        if only_one(spec, node, found):
            continue
        yield Change(
            key=f"remove:{node.name}",
            host="",
            summary=f"Remove {node.name} from the cluster (its machine is no longer in the spec)",
            preview=f"delete node {node.name}\ndelete secret {PASSWORDS}/{password_secret(node.name)}",
            destroys=(f"{node.name}: the node in the cluster, and the pods that are bound to it",),
            weight=5.0,
            after=after,
            do=partial(_remove, name=node.name),
        )


def _remove(work: Work, *, name: str) -> str:
    """Take a node out of the cluster, once its machine is silent: its kubelet would come back else.

    Raises:
        ApiUnreachableError: nobody answers.
        RemoteError: it stays alive, it is the only one of its role that is left, or the API refused.
        CancelledError: the person lets go.
    """
    until = work.clock() + SILENT_SECONDS
    while True:
        found = {one.name: parse_node(one) for one in work.kubernetes.list(NODE)}
        node = found.get(name)
        if node is None or not node.ready:
            break
        # Nothing new comes to it meanwhile.
        work.kubernetes.patch(NODE, name, patch_to_cordon())
        if work.clock() >= until:
            raise _alive(name)
        work.progress(f"waiting until {name} is silent: it still counts as ready", None)
        paused(work, f"{name} to be silent", f"node {name}")
    if node is not None:
        _others_remain(node, found)
        work.kubernetes.delete(NODE, name)
    work.kubernetes.delete(SECRET, password_secret(name), PASSWORDS)
    return f"{name} is no node of the cluster any more"


def _others_remain(node: NodeSeen, found: Mapping[str, NodeSeen]) -> None:
    ready = {
        role for other in found.values() if other.name != node.name and other.ready for role in _roles(other)
    }
    for role in _roles(node):
        if role not in ready:
            raise RemoteError(
                f"{node.name} was not removed: no other {role} node is ready.",
                where=f"node {node.name}",
                why="What runs on nodes of that role would have no place to go.",
                do=("wizard doctor nodes.ready", "wizard apply"),
                again=RESUMES,
            )


def check(ctx: Context, found: Mapping[str, NodeSeen]) -> Finding:
    """No node is left of a machine that is no longer in the spec.

    Args:
        ctx: this pass.
        found: the nodes of the API, by name.
    """
    ours, others = strangers(ctx.spec, found)
    foreign = ", ".join(node.name for node in others)
    told = f" {foreign} was added by somebody else, and is left alone." if others else ""
    if not ours:
        return passed(f"Every node of ours is in the spec.{told}")
    names = " and ".join(node.name for node in ours)
    roles = {node.name: role for node in ours if (role := only_one(ctx.spec, node, found))}
    if roles:
        name, role = next(iter(roles.items()))
        return warned(
            f"{names} is a node of the cluster, and no longer in the spec.{told}",
            evidence=f"{name} is the only {role} node",
            cause="Its machine was taken out of the spec. The wizard never removes the only node of a role.",
            fix=f"kubectl delete node {name}    # if nothing needs that role any more",
        )
    return warned(
        f"{names} is a node of the cluster, and no longer in the spec.{told}",
        evidence=", ".join(
            f"{node.name}: {'ready' if node.ready else node.said or 'not ready'}" for node in ours
        ),
        cause="Its machine was taken out of the spec; the cluster still counts on it.",
        fix="wizard apply",
    )


def _roles(node: NodeSeen) -> list[str]:
    return [label.removeprefix(ROLE) for label in node.labels if label.startswith(ROLE)]


def _alive(name: str) -> RemoteError:
    return RemoteError(
        f"{name} was not removed from the cluster: it is alive.",
        where=f"node {name}",
        why=f"Its kubelet still answers {SILENT_SECONDS:.0f} s later: its machine runs somewhere.",
        do=(
            f"kubectl get node {name} -o wide    # where it is; nothing new is put there",
            f"kubectl drain {name} --ignore-daemonsets --delete-emptydir-data",
            "shut that machine down, then wizard apply",
        ),
        again=RESUMES,
    )
