"""How a run that was broken must end: as one that was not."""

from __future__ import annotations

from typing import Any

from tests.lab.story.operators import Operator
from tests.lab.story.world import World

MOMENTARY = ("op", "at", "evidence", "digest")
"""Fields of a change's record of a moment or, as the digest over a preview with the lineage in it, of one cluster."""

GIVEN = ("lineage", "created", "serial")
"""Fields of the state that every cluster, or every attempt, has of its own."""


def result_of(state: dict[str, Any]) -> dict[str, Any]:
    """The state without what differs between any two runs."""
    kept = {key: value for key, value in state.items() if key not in GIVEN}
    kept["layout"] = {key: value for key, value in (state.get("layout") or {}).items() if key != "at"}
    kept["steps"] = {
        name: {
            "status": step["status"],
            "changes": {
                key: {field: value for field, value in change.items() if field not in MOMENTARY}
                for key, change in step.get("changes", {}).items()
            },
        }
        for name, step in _by_id(state["steps"]).items()
    }
    return kept


def _by_id(steps: dict[str, Any] | list[dict[str, Any]]) -> dict[str, Any]:
    return steps if isinstance(steps, dict) else {step["id"]: step for step in steps}


def assert_as_if_nothing_happened(
    world: World, operator: Operator, expected: dict[str, Any], *, asked: bool = True
) -> None:
    """The state is that of an uninterrupted run, the markers agree with it, and every effect came about once.

    Args:
        world: the hosts, equipped before the run.
        operator: whose run it was.
        expected: `result_of` an uninterrupted run's state.
        asked: also let `plan` say that there is nothing left to do.
    """
    state = operator.state()
    assert result_of(state) == expected
    in_flight = [
        change["key"]
        for step in _by_id(state["steps"]).values()
        for change in step.get("changes", {}).values()
        if change["status"] == "in flight"
    ]
    assert in_flight == []
    for host, seen in world.look().items():
        assert seen.marker == {"name": "lab", "lineage": state["lineage"], "serial": str(state["serial"])}, (
            host
        )
        assert len(seen.operations) == len(seen.effects) == 1, (host, seen)
    if asked:
        operator.run("plan", code=0)
