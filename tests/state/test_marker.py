"""The state against what the hosts' markers say."""

from __future__ import annotations

import pytest

from tests.state.samples import sample_state, told
from wizard.core.errors import StateError
from wizard.core.store import check_marker

STATE = sample_state(serial=3)


@pytest.mark.parametrize("serial", [0, 2, 3])
def test_our_marker(serial: int) -> None:
    check_marker(STATE, STATE.lineage, serial, "tower-a")


def test_row_a07_another_clusters_marker() -> None:
    with pytest.raises(StateError) as caught:
        check_marker(STATE, "ffff\x1b[31m", 1, "tower-a")
    told(caught.value, "tower-a belongs to another cluster", "ffff", STATE.lineage, "--dir")


def test_row_a08_the_host_knows_of_a_later_run() -> None:
    with pytest.raises(StateError) as caught:
        check_marker(STATE, STATE.lineage, 4, "tower-a")
    told(caught.value, "older than what tower-a knows", "serial 4", "the state here 3")
