"""The promises of a host, on simulated ones; tests/lab/test_recordings.py has the same list on real ones."""

from __future__ import annotations

import pytest

from tests.practice import scenarios
from tests.practice.scenarios import SCENARIOS, Scenario
from tests.recordings.cases import HOSTS
from tests.recordings.practice_stage import PracticeStage


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_on_a_simulated_host(scenario: Scenario, host: str) -> None:
    scenario(PracticeStage.fresh(host))


def test_every_scenario_is_in_the_list() -> None:
    helpers = {"leave_marker", "marker", "take_when_free"}
    defined = {
        name
        for name, value in vars(scenarios).items()
        if getattr(value, "__module__", "") == scenarios.__name__
    }
    assert defined - helpers == {scenario.__name__ for scenario in SCENARIOS}
