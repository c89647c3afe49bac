"""What `wizard state show`, `wizard state path` and `wizard state unlock` print."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from wizard.core.home import ClusterHome, check_home
from wizard.core.spec.values import size_text
from wizard.core.state import ChangeRecord, ChangeStatus, RunState, StepRecord
from wizard.core.store import clear_leftover
from wizard.core.store.document import document_of
from wizard.core.text import printable
from wizard.core.view.columns import WIDTH, wrapped

_HOST_WIDTH = 24
"""Columns a host's name may take before the summary is pushed aside."""


def state_json(state: RunState | None) -> str:
    """The state file without its checksum; `null` where nothing was ever applied.

    Args:
        state: as loaded.
    """
    return json.dumps(None if state is None else document_of(state), indent=2)


def state_text(state: RunState | None, home: ClusterHome) -> str:
    """The state as a person reads it: each step, and under it each change with host, time and outcome.

    Args:
        state: as loaded.
        home: where it lies.
    """
    if state is None:
        return f"No state yet: nothing was ever applied from {home.folder}"
    lines = [*_head(state, home), ""]
    if not state.steps:
        lines.append("No step was begun.")
    for step in state.steps.values():
        lines.extend(_step(step))
    lines.extend(_layout(state))
    lines.extend(_decisions(state))
    return "\n".join(lines).rstrip()


def path_text(home: ClusterHome) -> str:
    """The path of the state file, whether it is there or not.

    Args:
        home: the cluster's folder.
    """
    return str(home.state)


def unlock_text(home: ClusterHome) -> str:
    """Clear what a dead holder left in the lock's file, and say what was found.

    Args:
        home: the cluster's folder.

    Raises:
        StateError: a living wizard holds the lock; it is named and left alone.
    """
    check_home(home)
    left = clear_leftover(home.lock)
    if left is None:
        return (
            "Nothing to do: no wizard holds the lock. It frees itself when its holder ends, even by kill -9."
        )
    return (
        f"No wizard holds the lock. {printable(left.told())} is gone without a word; its name was cleared.\n"
        "That would not have kept a new run out: the lock frees itself when its holder ends."
    )


def _head(state: RunState, home: ClusterHome) -> Iterator[str]:
    yield f"Cluster   {printable(state.name)}"
    yield f"Lineage   {printable(state.lineage)}, serial {state.serial}"
    yield f"Written   by wizard {printable(state.writer)}; begun {_when(state.created)}"
    yield f"File      {printable(str(home.state))}"


def _step(step: StepRecord) -> Iterator[str]:
    counts = Counter(change.status for change in step.changes.values())
    told = ", ".join(f"{counts[status]} {status}" for status in ChangeStatus if counts[status])
    yield f"{printable(step.id)}: {step.status}, {_when(step.at)}" + (f" ({told})" if told else "")
    hosts = max((len(printable(change.host)) for change in step.changes.values()), default=0)
    for change in step.changes.values():
        yield from _change(change, min(max(hosts, 1), _HOST_WIDTH))
    yield ""


def _change(change: ChangeRecord, width: int) -> Iterator[str]:
    host = printable(change.host) or "-"
    yield f"  {change.status:<11}  {host:<{width}}  {_when(change.at):<19}  {printable(change.summary)}"
    detail = (
        f"operation {change.op}" if change.status is ChangeStatus.IN_FLIGHT and change.op else change.evidence
    )
    if detail:
        yield f"  {'':<11}  {'':<{width}}  {'':<19}  {printable(detail)}"


def _layout(state: RunState) -> Iterator[str]:
    if state.layout is None:
        return
    yield f"Machines, approved on {_when(state.layout.at)}"
    for one in state.layout.machines:
        cpus = "1 cpu" if one.cpus == 1 else f"{one.cpus} cpus"
        sizes = f"{cpus}, {size_text(one.memory)} of memory"
        yield f"  {printable(one.name)}: {one.role} on {printable(one.host)}, {printable(one.address)}, {sizes}"
    yield ""


def _decisions(state: RunState) -> Iterator[str]:
    if state.decisions:
        yield "Decisions"
        for key, text in state.decisions.items():
            yield from wrapped(f"{key}: {text}", WIDTH, "  ", "      ")


def _when(at: float) -> str:
    """Local time to the second; an hour far outside the calendar is shown as the number it is."""
    if not at:
        return "never"
    try:
        return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"
    except (OverflowError, OSError, ValueError):
        return f"{at:.0f}"
