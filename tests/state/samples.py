"""A state with everything in it, and the one helper that looks at an error as a person would."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rows import assert_explained
from wizard.core.errors import ExitCode, StateError, render
from wizard.core.home import ClusterHome
from wizard.core.state import (
    ChangeRecord,
    ChangeStatus,
    RunState,
    StepRecord,
    StepStatus,
    new_state,
)
from wizard.core.store import StateStore

WRITER = "0.1.0"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def sample_state(serial: int = 3) -> RunState:
    """Names with a colon, text outside ASCII, every status, an empty step."""
    done = ChangeRecord(
        "marker:tower-a",
        "tower-a",
        "Leave our marker on tower-a",
        ChangeStatus.DONE,
        "0011223344556677",
        "hosts.marker-tower-a.1",
        1763835000.25,
        "marker says serial 3 – grüß dich",
    )
    flying = replace(done, key="marker:pi", host="pi", status=ChangeStatus.IN_FLIGHT, evidence="")
    failed = replace(done, key="marker:tower-b", host="tower-b", status=ChangeStatus.FAILED)
    state = replace(new_state("home", WRITER), lineage="6b1d", serial=serial, created=1763834999.0)
    state = replace(
        state,
        answers={"hosts[0].address": "192.0.2.10", "name": "home"},
        decisions={"storage": "longhorn"},
    )
    for change in (done, flying, failed):
        state = state.with_change("hosts", change)
    return state.with_step(replace(state.step("hosts"), status=StepStatus.HALF_DONE, at=1e9)).with_step(
        StepRecord("discover")
    )


def home_in(folder: Path) -> ClusterHome:
    """A cluster's folder that is not there yet."""
    return ClusterHome(folder / "home")


def saved(home: ClusterHome, *states: RunState) -> StateStore:
    """A store that saved these states one after another."""
    store = StateStore(home, writer=WRITER)
    with store.lock():
        for state in states:
            store.save(state)
    return store


def fresh(home: ClusterHome) -> StateStore:
    """A store as the next run of the wizard has it: it remembers nothing."""
    return StateStore(home, writer=WRITER)


def told(error: StateError, *parts: str) -> str:
    """Assert exit code 4, the five parts, each of `parts`, and no control characters; return the text."""
    assert_explained(error, exit_code=ExitCode.STATE, says=parts)
    text = render(error)
    assert "Running again is safe" in text
    assert all(char == "\n" or char.isprintable() for char in text)
    return text


def load_error(home: ClusterHome, *parts: str) -> str:
    """Assert that a fresh store refuses to load, with these words."""
    with pytest.raises(StateError) as caught:
        fresh(home).load()
    return told(caught.value, *parts)
