"""What a run has built, in words: where each thing answers, and what to do next."""

from __future__ import annotations

from types import MappingProxyType

from wizard.core.kubernetes import API_PORT
from wizard.core.spec.model import ClusterSpec
from wizard.core.view.columns import table, wrapped
from wizard.core.view.durations import seconds_text
from wizard.core.view.progress import RunView, StepView
from wizard.core.view.resume import count
from wizard.core.view.styled import Line, Tone, line

NEXT = (
    ("doctor", "is everything well? if not, why"),
    ("prove", "what each loss would take away"),
    ("plan", "has anything drifted?"),
)
"""What to do next: a command, and what it is for."""

ROOM = 16
"""Columns beside a command below which what it is for stands on a line of its own."""

KUBECTL = ("kubeconfig", "the cluster for kubectl on this machine")
"""First of all, where there is one."""


def kubernetes_line(spec: ClusterSpec) -> Line:
    """How many nodes there are, and where their API answers.

    Args:
        spec: one that asks for Kubernetes.
    """
    nodes = len(spec.nodes())
    return line(
        f"K3s   {nodes} node{'' if nodes == 1 else 's'}; the API is https://{spec.network.api_vip}:{API_PORT}"
    )


def nothing_missing(spec: ClusterSpec) -> RunView:
    """The picture of a homelab where nothing had to be done: the steps have been through.

    Args:
        spec: what is there.
    """
    done = tuple(StepView(name, name, "done") for name in ("machines", "etcd"))
    hosts = MappingProxyType({host.name: "connected" for host in spec.hosts})
    return RunView("plan", spec.name, "done", steps=done, hosts=hosts)


def built_lines(spec: ClusterSpec, view: RunView, width: int) -> list[Line]:
    """What is there now.

    Args:
        spec: what was wanted.
        view: of the run; of a plan where nothing had to be done.
        width: columns.
    """
    told = f" · {count(view.done)} in {seconds_text(view.elapsed(view.ended))}" if view.done else ""
    rows = [line(("ok ", Tone.OK), (f"{spec.name} is built", Tone.STRONG), told), line("")]
    rows += [
        line(("  " + text, Tone.DIM if not index else Tone.PLAIN))
        for index, text in enumerate(_table(spec, width))
    ]
    return [*rows, line("")]


def _table(spec: ClusterSpec, width: int) -> list[str]:
    members = {one.name for one in spec.etcd_members()}
    machines: list[tuple[str, str, str, str]] = [
        (one.name, one.role, one.host, one.address) for one in spec.machines
    ]
    machines += [
        (host.name, "witness", host.name, host.address) for host in spec.hosts if host.name in members
    ]
    return table(("machine", "role", "on", "address"), machines, width=width - 2)


def next_steps(spec: ClusterSpec, folder: str, width: int, program: str = "wizard") -> list[Line]:
    """What to do next, each a command with what it is for.

    Args:
        spec: what was built.
        folder: where the wizard keeps its files of this cluster.
        width: columns.
        program: what commands are written behind.
    """
    rows = [line(("What next", Tone.STRONG))]
    steps = (KUBECTL, *NEXT) if spec.nodes() else NEXT
    longest = max(len(f"{program} {command}") for command, _ in steps)
    room = width - longest - 4
    for command, what in steps:
        shown = f"{program} {command}"
        if room < ROOM:
            rows += [line("  ", (shown, Tone.ACCENT)), *map(line, wrapped(what, width, "    ", "    "))]
            continue
        for index, part in enumerate(wrapped(what, room, "", "")):
            rows.append(line("  ", (f"{'' if index else shown:<{longest}}", Tone.ACCENT), f"  {part}"))
    rows += [line(""), line(("Keep safe", Tone.STRONG))]
    text = f"{folder} has the keys and passwords of this cluster: put it into your backups."
    rows += [line(part) for part in wrapped(text, width, "  ", "  ")]
    return rows
