"""The order of steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from wizard.core.step import Step


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps so that each comes after those it needs or is done beside, otherwise as given.

    Args:
        steps: in the order of the story.

    Raises:
        graphlib.CycleError: two steps need each other: a defect of the table of contents.
        KeyError: a step needs one that is not in the list.
    """
    by_id = {step.id: step for step in steps}
    place = {step.id: index for index, step in enumerate(steps)}
    sorter = TopologicalSorter(
        {step.id: [by_id[need].id for need in (*step.needs, *step.beside)] for step in steps}
    )
    sorter.prepare()
    ordered: list[Step] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered.extend(by_id[name] for name in ready)
        sorter.done(*ready)
    return ordered


def kept_back(step: Step, failed: Iterable[str], opened: Iterable[str]) -> bool:
    """Whether a step cannot begin: one it needs failed, or one it is done beside was stopped by its checks before.

    Args:
        step: whose turn it is.
        failed: ids of steps that did not end well.
        opened: ids of steps whose checks before held.
    """
    broken = set(failed)
    return not broken.isdisjoint(step.needs) or not (broken - set(opened)).isdisjoint(step.beside)
