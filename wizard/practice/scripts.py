"""What each remote script does to a simulated host. A script without a handler here cannot be used by a step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wizard.core.host import Args
from wizard.practice.machine import File, Machine, write_sections


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script printed and how it ended."""

    output: str
    exit_code: int = 0
    stderr: str = ""


Handler = Callable[[Machine, Args, bytes], Answer]


def facts(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """What the host is, with the parts that changed since: its clock and the wizard's marker."""
    sections = dict(machine.sections)
    for end in ("begin", "end"):
        now = f"epoch={time.time() + machine.skew:.9f}"
        sections[end] = (now, *_without(sections.get(end, ()), "epoch="))
    for path, file in machine.files.items():
        if path == machine.marker_path:
            sections[f"file {path}"] = tuple(file.content.decode().splitlines())
    return Answer(write_sections(sections))


def marker(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """Leave the marker; one of another lineage stays."""
    there = machine.marker()
    path = machine.marker_path
    if there and there.get("lineage") != args["lineage"]:
        return Answer(f"the marker {path} belongs to another cluster: {there.get('name', '')}\n", 3)
    text = f"name={args['name']}\nlineage={args['lineage']}\nserial={args['serial']}\n"
    machine.files[path] = File(text.encode())
    return Answer(text)


def _without(lines: tuple[str, ...], prefix: str) -> tuple[str, ...]:
    return tuple(line for line in lines if not line.startswith(prefix))


HANDLERS: Mapping[str, Handler] = {"read/facts": facts, "do/marker": marker}
"""By the name of the script."""
