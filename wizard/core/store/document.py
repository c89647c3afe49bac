"""The state file as a JSON document: its keys, its lay-out and its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast, get_args

from wizard.core.spec.machines import machine_document
from wizard.core.spec.model import MachineRole, MachineSpec
from wizard.core.spec.values import BadValueError, size
from wizard.core.state import (
    STATE_SCHEMA,
    ApprovedLayout,
    ChangeRecord,
    ChangeStatus,
    RunState,
    StepRecord,
    StepStatus,
)
from wizard.core.store.fields import FieldError, Node

CHECKSUM = "checksum"
"""The key of the checksum; it covers every other key."""

_RECORD_DEPTH = 4
"""Objects this deep (one change) take one line, so that a diff of two states reads change by change."""

_one_line = json.JSONEncoder(allow_nan=False).encode
"""One encoder for all lines: making one per line was half the time of a save."""

_STATE_KEYS = ("name", "lineage", "serial", "writer", "created", "answers", "decisions", "steps")
_LAYOUT = "layout"
"""Only there once an apply was approved."""
_LAYOUT_KEYS = ("at", "inputs", "machines")
_MACHINE_KEYS = ("name", "host", "role", "address", "cpus", "memory", "disk", "data_disk", "mac")
_STEP_KEYS = ("status", "at", "changes")
_CHANGE_KEYS = ("host", "summary", "status", "digest", "op", "at", "evidence")


def document_of(state: RunState) -> dict[str, object]:
    """The state as JSON values, without the checksum: what `wizard state show --json` prints.

    Args:
        state: what to write.
    """
    approved = {_LAYOUT: _layout_document(state.layout)} if state.layout else {}
    return {
        "schema": STATE_SCHEMA,
        "writer": state.writer,
        "name": state.name,
        "lineage": state.lineage,
        "serial": state.serial,
        "created": state.created,
        "answers": dict(state.answers),
        "decisions": dict(state.decisions),
        **approved,
        "steps": {step.id: _step_document(step) for step in state.steps.values()},
    }


def encode(state: RunState) -> bytes:
    """The bytes of the file.

    Args:
        state: what to write.

    Raises:
        ValueError: a number in it is not finite, which JSON cannot say.
    """
    document = document_of(state)
    signed = {"schema": STATE_SCHEMA, CHECKSUM: checksum(document)} | document
    return (layout(signed) + "\n").encode("ascii")


def checksum(document: Mapping[str, object]) -> str:
    """The sha256 over the canonical JSON (sorted keys, no blanks, ASCII) of all but the checksum itself.

    Args:
        document: with or without its checksum.
    """
    covered = {key: value for key, value in document.items() if key != CHECKSUM}
    canonical = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode("ascii")).hexdigest()


def layout(document: Mapping[str, object]) -> str:
    """The document as text for people and diffs: one line per answer, step and change.

    Args:
        document: JSON values.
    """
    return _layout(document, 0)


def read_state(document: dict[str, object]) -> RunState:
    """The state of a document of the current schema.

    Args:
        document: JSON values.

    Raises:
        FieldError: a value is missing or wrong, with its path.
    """
    root = Node(document)
    root.only((*_STATE_KEYS, _LAYOUT, "schema", CHECKSUM))
    return RunState(
        name=root.text("name"),
        lineage=root.text("lineage"),
        serial=root.whole("serial"),
        writer=root.text("writer"),
        created=root.number("created"),
        answers=MappingProxyType(root.texts("answers")),
        decisions=MappingProxyType(root.texts("decisions")),
        layout=_read_layout(root.child(_LAYOUT)) if _LAYOUT in root.value else None,
        steps=MappingProxyType({name: _read_step(name, node) for name, node in root.children("steps")}),
    )


def _layout_document(approved: ApprovedLayout) -> dict[str, object]:
    machines = {machine.name: machine_document(machine) for machine in approved.machines}
    return {"at": approved.at, "inputs": approved.inputs, "machines": machines}


def _read_layout(node: Node) -> ApprovedLayout:
    node.only(_LAYOUT_KEYS)
    machines = tuple(_read_machine(child) for _, child in node.children("machines"))
    return ApprovedLayout(machines, node.number("at"), node.text("inputs"))


def _read_machine(node: Node) -> MachineSpec:
    node.only(_MACHINE_KEYS)
    return MachineSpec(
        name=node.text("name"),
        host=node.text("host"),
        role=_role(node),
        address=node.text("address"),
        cpus=node.whole("cpus"),
        memory=_size(node, "memory"),
        disk=_size(node, "disk"),
        data_disk=_size(node, "data_disk") if "data_disk" in node.value else None,
        mac=node.text("mac") if "mac" in node.value else None,
    )


def _role(node: Node) -> MachineRole:
    said = node.text("role")
    for role in get_args(MachineRole):
        if role == said:
            return cast(MachineRole, role)
    raise FieldError(node.at("role"), f"is {said[:40]!r}, which is no role of a machine")


def _size(node: Node, key: str) -> int:
    try:
        return size(node.text(key))
    except BadValueError as error:
        raise FieldError(node.at(key), "is no size, such as 4G") from error


def _step_document(step: StepRecord) -> dict[str, object]:
    changes = {change.key: _change_document(change) for change in step.changes.values()}
    return {"status": str(step.status), "at": step.at, "changes": changes}


def _change_document(change: ChangeRecord) -> dict[str, object]:
    return {
        "status": str(change.status),
        "host": change.host,
        "summary": change.summary,
        "at": change.at,
        "op": change.op,
        "digest": change.digest,
        "evidence": change.evidence,
    }


def _read_step(name: str, node: Node) -> StepRecord:
    node.only(_STEP_KEYS)
    changes = {key: _read_change(key, child) for key, child in node.children("changes")}
    return StepRecord(name, node.choice("status", StepStatus), node.number("at"), MappingProxyType(changes))


def _read_change(key: str, node: Node) -> ChangeRecord:
    node.only(_CHANGE_KEYS)
    return ChangeRecord(
        key=key,
        host=node.text("host"),
        summary=node.text("summary"),
        status=node.choice("status", ChangeStatus),
        digest=node.text("digest"),
        op=node.text("op"),
        at=node.number("at"),
        evidence=node.text("evidence"),
    )


def _layout(value: object, depth: int) -> str:
    if depth >= _RECORD_DEPTH or not isinstance(value, dict) or not value:
        return _one_line(value)
    indent = " " * (depth + 1)
    rows = (f"{indent}{_one_line(key)}: {_layout(item, depth + 1)}" for key, item in value.items())
    return "{\n" + ",\n".join(rows) + "\n" + " " * depth + "}"
