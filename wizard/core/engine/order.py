"""The order of steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from wizard.core.step import Step


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps so that each comes after those it needs, otherwise as given.

    Args:
        steps: in the order of the story.

    Raises:
        graphlib.CycleError: two steps need each other: a defect of the table of contents.
        KeyError: a step needs one that is not in the list.
    """
    by_id = {step.id: step for step in steps}
    place = {step.id: index for index, step in enumerate(steps)}
    sorter = TopologicalSorter({step.id: [by_id[need].id for need in step.needs] for step in steps})
    sorter.prepare()
    ordered: list[Step] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered.extend(by_id[name] for name in ready)
        sorter.done(*ready)
    return ordered


def needed_by_failed(step: Step, failed: Iterable[str]) -> list[str]:
    """The failed steps that this one needs, which is why it cannot begin."""
    broken = set(failed)
    return [need for need in step.needs if need in broken]
