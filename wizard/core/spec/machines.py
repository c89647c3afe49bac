"""A machine as it stands in a spec, and back: what `wizard layout`, `wizard plan` and the run state write."""

from __future__ import annotations

from wizard.core.spec.model import MachineSpec
from wizard.core.spec.values import size_text


def machine_document(machine: MachineSpec) -> dict[str, str | int]:
    """A machine with the keys and values it has in the spec; a MAC only where one was given.

    Args:
        machine: of the spec or of a proposal.
    """
    shown: dict[str, str | int] = {
        "name": machine.name,
        "host": machine.host,
        "role": machine.role,
        "address": machine.address,
        "cpus": machine.cpus,
        "memory": size_text(machine.memory),
        "disk": size_text(machine.disk),
    }
    if machine.data_disk:
        shown["data_disk"] = size_text(machine.data_disk)
    if machine.mac:
        shown["mac"] = machine.mac
    return shown


def answers_of(machine: MachineSpec) -> dict[str, str]:
    """The same as a person would have answered it: words only.

    Args:
        machine: of the spec or of a proposal.
    """
    return {key: str(value) for key, value in machine_document(machine).items() if value}
