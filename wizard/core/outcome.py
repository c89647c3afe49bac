"""What follows from answers and facts: decisions, what each step complains of, and what an answer changed later on."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wizard.core.decide.layout import Layout
    from wizard.core.decide.storage import StorageDecision
    from wizard.core.draft import Checked
    from wizard.core.facts import HostFacts
    from wizard.core.state import ApprovedLayout

PATHS: dict[str, tuple[str, ...]] = {
    "hosts": ("name", "ssh", "hosts"),
    "storage": ("storage",),
    "machines": ("machines",),
    "network": ("network", "dns"),
    "witness": ("witness", "etcd"),
}
"""The answers each step is responsible for."""


@dataclass(frozen=True)
class Outcome:
    """Everything that is decided from one set of answers and facts; each part is worked out when first asked for.

    Args:
        checked: the answers.
        facts: by host.
        approved: the guests agreed on at the last run, which stay where the answers name none.
    """

    checked: Checked
    facts: Mapping[str, HostFacts] = field(default_factory=dict)
    approved: ApprovedLayout | None = None

    @cached_property
    def layout(self) -> Layout | None:
        """The guests; None while the network is not known."""
        from wizard.core.decide.layout import make_layout

        if self.checked.errors("network"):
            return None
        return make_layout(self.checked.spec, self.facts, self.approved)

    @cached_property
    def storage(self) -> StorageDecision:
        """Every way to keep data, judged."""
        from wizard.core.decide.storage import decide_storage

        return decide_storage(self.checked.spec, self.facts)

    def complaint(self, stage: str) -> str:
        """Why a step cannot stay as it is; empty = it can. What cannot be judged yet is no complaint.

        Args:
            stage: its id.
        """
        paths = PATHS.get(stage, ())
        errors = self.checked.errors(*paths) if paths else []
        if errors:
            return f"{errors[0].text} {errors[0].hint}"
        if not all(host.name in self.facts for host in self.checked.spec.hypervisors):
            return ""
        if stage == "storage":
            return self._storage_complaint()
        return self._layout_complaint() if stage == "machines" else ""

    def _storage_complaint(self) -> str:
        chosen = self.storage.chosen
        verdict = next((one for one in self.storage.verdicts if one.kind == chosen), None)
        if verdict is None or verdict.verdict != "rejected":
            return ""
        first = verdict.refused[0]
        where = f"{first.host}: " if first.host else ""
        return f"{verdict.title} does not fit here. {where}{first.found}."

    def _layout_complaint(self) -> str:
        problems = self.layout.problems if self.layout else ()
        first = next((one for one in problems if one.level == "refused"), None)
        return f"{first.text} {first.do}" if first else ""


def changes(before: Outcome, after: Outcome, stages: Mapping[str, str]) -> Iterator[str]:
    """What is different for steps that were answered already.

    Args:
        before: the present answer.
        after: the new one.
        stages: the steps to look at: title by id.
    """
    for stage, title in stages.items():
        old, new = before.complaint(stage), after.complaint(stage)
        if new and new != old:
            yield f"{title} needs you: {new}"
        elif old and not new:
            yield f"{title} is fine now."
    if "machines" in stages:
        yield from _machines(before.layout, after.layout)


def _machines(before: Layout | None, after: Layout | None) -> Iterator[str]:
    """How a proposal differs; machines of the person's own stay as they are."""
    if before is None or after is None or not (before.proposed and after.proposed):
        return
    from wizard.core.spec.machines import answers_of

    old = {one.name: answers_of(one) for one in before.machines}
    new = {one.name: answers_of(one) for one in after.machines}
    told = [f"{name} is added" for name in new if name not in old]
    told += [f"{name} is left out" for name in old if name not in new]
    for name in (name for name in new if name in old):
        told += [
            f"{name} {key} {old[name].get(key, 'none')} -> {value}"
            for key, value in new[name].items()
            if old[name].get(key) != value
        ]
    if told:
        more = f", and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        yield f"The guests proposed change: {', '.join(told[:SHOWN])}{more}."


SHOWN = 3
"""Differences told one by one."""
