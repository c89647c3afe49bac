"""The password by which a cluster knows a node: forgotten where the machine was made anew, and nobody lives by it."""

from __future__ import annotations

from steps.nodes_work import SILENT_SECONDS, paused
from steps.parse.nodes import parse_node
from wizard.core.context import Work
from wizard.core.errors import RESUMES, RemoteError
from wizard.core.kubernetes import NODE, SECRET
from wizard.core.spec.model import MachineSpec
from wizard.payload.node_password import PASSWORDS, password_secret


def forget_password(work: Work, machine: MachineSpec) -> None:
    """Let the cluster take the machine for the node of its name.

    It is ours: it shows the host key that we gave it. The node of its name is its predecessor, whose password went
    with its disk; unless that node is alive, then it is another machine, and nothing is taken from it.

    Args:
        work: of the change that starts it.
        machine: that is turned away.

    Raises:
        ApiUnreachableError: nobody answers.
        RemoteError: another machine is this node and alive, or the API refused.
        CancelledError: the person lets go.
    """
    until = work.clock() + SILENT_SECONDS
    while _alive(work, machine.name):
        if work.clock() >= until:
            raise _twice(machine)
        work.progress(
            f"{machine.name} was made anew: waiting until the cluster knows that the old one is gone", None
        )
        paused(work, f"the old {machine.name} to be silent", f"node {machine.name}")
    work.kubernetes.delete(SECRET, password_secret(machine.name), PASSWORDS)
    work.line(f"{machine.name} was made anew: the password of the old one was deleted from the cluster")


def _alive(work: Work, name: str) -> bool:
    found = work.kubernetes.get(NODE, name)
    return found is not None and parse_node(found).ready


def _twice(machine: MachineSpec) -> RemoteError:
    return RemoteError(
        f"Another machine is the node {machine.name} of this cluster, and alive.",
        where=f"{machine.name} ({machine.address})",
        why=f"The node {machine.name} is still ready, and this guest has another password: it is not that node.",
        do=(
            f"kubectl get node {machine.name} -o wide    # which machine is it?",
            "stop K3s on the one that is not wanted, then wizard apply",
        ),
        again=RESUMES,
    )
